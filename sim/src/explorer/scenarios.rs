//! Small histories worth walking whole.
//!
//! Each begins where it gets interesting: environments made, pages shared, the
//! child running on the other CPU. The hard thing is to choose programs whose
//! calls meet: one takes away what another uses, stops or ends one that is just
//! calling, sends to one that is about to wait.

use super::program::{Op, Value, go_on};
use super::state::forget_history;
use crate::machine::call::Answer;
use crate::machine::{Machine, Mode, Spec, Store};
use abi::layout::UTOP;
use abi::{Call, EnvStatus, Personality};
use kcore::plant::Fault;
use kcore::{CpuId, Event};

/// A page that environments use.
const A: u32 = 0x40_0000;
/// Another, in the same page table.
const B: u32 = 0x40_1000;
/// Read and write.
const RW: u32 = 7;
/// Read only.
const RO: u32 = 5;
const RUN: u32 = EnvStatus::Runnable as u32;
const STOP: u32 = EnvStatus::NotRunnable as u32;
/// The first environment, and its first and second child.
const PARENT: u32 = 0x1000;
const CHILD: u32 = 0x1001;
const GRANDCHILD: u32 = 0x1002;

const CPU0: CpuId = CpuId(0);

/// A history to explore.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// The machine.
    pub spec: Spec,
    /// The programs.
    pub text: Vec<Op>,
    /// Pages whose translations CPUs may fetch at any time.
    pub pages: Vec<u32>,
    /// What happens before the exploration begins.
    pub prepare: fn(&mut Stage<'_, '_>),
    /// Whether it is enough of a violation that a CPU *remembers* what was
    /// taken away, or a program has to use it.
    pub forbid_stale: bool,
}

/// The first environment, on CPU 0, before the exploration begins.
pub struct Stage<'m, 't> {
    machine: &'m mut Machine<'t>,
}

impl Stage<'_, '_> {
    /// It makes a call, which succeeds.
    fn call(&mut self, call: Call, arguments: [u32; 5]) -> u32 {
        match self.machine.call(CPU0, call, arguments) {
            Answer::Value(value) => value,
            answer => panic!("{call:?} while preparing: {answer:?}"),
        }
    }

    fn page_alloc(&mut self, id: u32, va: u32) {
        self.call(Call::PageAlloc, [id, va, RW, 0, 0]);
    }

    fn page_map(&mut self, from: u32, from_va: u32, to: u32, to_va: u32) {
        self.call(Call::PageMap, [from, from_va, to, to_va, RW]);
    }

    fn page_unmap(&mut self, id: u32, va: u32) {
        self.call(Call::PageUnmap, [id, va, 0, 0, 0]);
    }

    /// It makes a child that will start at an index of the text.
    fn child(&mut self, start: usize) -> u32 {
        let own = self.machine.cpu(CPU0).frame.eip;
        self.machine.cpu_mut(CPU0).frame.eip = start as u32;
        let id = self.call(Call::Exofork, [0; 5]);
        self.machine.cpu_mut(CPU0).frame.eip = own;
        id
    }

    /// It starts a child, and whoever idles looks for work.
    fn start(&mut self, id: u32) {
        self.call(Call::EnvSetStatus, [id, RUN, 0, 0, 0]);
        for cpu in self.machine.cpu_ids() {
            if self.machine.cpu(cpu).mode == Mode::Idle {
                self.machine.cpu_mut(cpu).ipi = false;
                self.machine.run_event(cpu, Event::Wake);
            }
        }
    }
}

impl Scenario {
    /// The same with a fault planted. What is taken away and remembered is then
    /// not enough of a violation: a program has to use it.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Scenario {
        self.spec.fault = fault;
        self.forbid_stale = false;
        self
    }

    /// The same on a machine with more CPUs, which sleep at first.
    #[must_use]
    pub fn with_cpus(mut self, cpus: u8) -> Scenario {
        self.spec.cpus = cpus;
        self
    }

    /// Gives `f` a machine in the initial state.
    pub fn with_machine<R>(&self, f: impl FnOnce(&mut Machine<'_>) -> R) -> R {
        let mut store = Store::new(&self.spec);
        let mut machine = Machine::new(&mut store, self.spec);
        machine.usage_bits = false;
        machine.boot(0, Personality::Lab4);
        machine.calm_down();
        (self.prepare)(&mut Stage {
            machine: &mut machine,
        });
        machine.clean_up(CPU0);
        forget_history(&mut machine);
        go_on(&mut machine, &self.text).expect("programs begin with a visible op");
        f(&mut machine)
    }

    /// The scenario with this name.
    pub fn named(name: &str) -> Option<Scenario> {
        all().into_iter().find(|scenario| scenario.name == name)
    }
}

// --- Programs, written shortly.

fn call(call: Call, arguments: [Value; 5]) -> Op {
    Op::Call(call, arguments)
}

/// A call whose arguments are all known; missing ones are 0.
fn simple<const N: usize>(number: Call, arguments: [u32; N]) -> Op {
    let mut all = [Value::Is(0); 5];
    for (place, argument) in all.iter_mut().zip(arguments) {
        *place = Value::Is(argument);
    }
    call(number, all)
}

fn alloc(id: u32, va: u32) -> Op {
    simple(Call::PageAlloc, [id, va, RW])
}

fn map(from: u32, from_va: u32, to: u32, to_va: u32, perm: u32) -> Op {
    simple(Call::PageMap, [from, from_va, to, to_va, perm])
}

fn unmap(id: u32, va: u32) -> Op {
    simple(Call::PageUnmap, [id, va])
}

fn set_status(id: u32, status: u32) -> Op {
    simple(Call::EnvSetStatus, [id, status])
}

fn destroy(id: u32) -> Op {
    simple(Call::EnvDestroy, [id])
}

fn exit() -> Op {
    destroy(0)
}

fn r#yield() -> Op {
    simple(Call::Yield, [])
}

fn scenario(
    name: &'static str,
    about: &'static str,
    text: Vec<Op>,
    pages: &[u32],
    prepare: fn(&mut Stage<'_, '_>),
) -> Scenario {
    let spec = Spec {
        frames: 72,
        module_frames: 1,
        cpus: 2,
        quantum: 0,
        ..Spec::default()
    };
    Scenario {
        name,
        about,
        spec,
        text,
        pages: pages.to_vec(),
        prepare,
        forbid_stale: true,
    }
}

/// Where the child's program begins, in texts of a parent and a child.
const CHILD_AT: usize = 10;
/// Where the grandchild's begins.
const GRANDCHILD_AT: usize = 20;

/// Puts programs at their places.
fn programs(parent: &[Op], child: &[Op], grandchild: &[Op]) -> Vec<Op> {
    let mut text = vec![Op::Spin; 30];
    for (start, program) in [(0, parent), (CHILD_AT, child), (GRANDCHILD_AT, grandchild)] {
        text[start..start + program.len()].copy_from_slice(program);
    }
    text
}

/// A child runs on the other CPU, with a page of its own at [`A`].
fn child_uses_page(stage: &mut Stage<'_, '_>) {
    stage.page_alloc(0, A);
    let child = stage.child(CHILD_AT);
    stage.page_map(0, A, child, A);
    stage.page_unmap(0, A);
    stage.start(child);
}

/// As [`child_uses_page`], and the parent has a page at [`B`].
fn parent_has_another(stage: &mut Stage<'_, '_>) {
    stage.page_alloc(0, B);
    child_uses_page(stage);
}

/// A child and a grandchild run, the grandchild with a page at [`A`].
fn three_generations(stage: &mut Stage<'_, '_>) {
    stage.page_alloc(0, A);
    let child = stage.child(CHILD_AT);
    stage.page_map(0, A, child, A);
    stage.start(child);
}

/// Children that start at these places all run, each with the same page.
pub(super) fn page_to_everybody(stage: &mut Stage<'_, '_>, va: u32, starts: &[usize]) {
    stage.page_alloc(0, va);
    for &start in starts {
        let child = stage.child(start);
        stage.page_map(0, va, child, va);
        stage.start(child);
    }
}

/// Every scenario.
pub fn all() -> Vec<Scenario> {
    vec![
        unmap_in_use(),
        remap_in_use(),
        alloc_over_in_use(),
        write_protect(),
        destroy_and_reuse(),
        stop_and_start(),
        stop_caller(),
        fork_and_start(),
        send_page(),
        cancel_receive(),
        family_feud(),
        three_in_turn(),
        orphans(),
    ]
}

/// A page is unmapped and its frame reused while its owner reads it.
pub fn unmap_in_use() -> Scenario {
    scenario(
        "unmap-in-use",
        "a page is unmapped, and its frame used again, while its owner reads it",
        programs(
            &[
                unmap(CHILD, A),
                Op::Want(0),
                alloc(0, B),
                Op::Want(0),
                Op::Store(B),
                exit(),
            ],
            &[Op::Load(A), Op::Goto(CHILD_AT)],
            &[],
        ),
        &[A, B],
        child_uses_page,
    )
}

/// Another page is mapped over one in use.
fn remap_in_use() -> Scenario {
    scenario(
        "remap-in-use",
        "another page is mapped over one that its owner reads and writes",
        programs(
            &[
                map(0, B, CHILD, A, RW),
                Op::Want(0),
                alloc(0, A),
                Op::Store(A),
                unmap(0, B),
                exit(),
            ],
            &[Op::Load(A), Op::Store(A), Op::Goto(CHILD_AT)],
            &[],
        ),
        &[A, B],
        parent_has_another,
    )
}

/// A fresh page is allocated over one in use.
fn alloc_over_in_use() -> Scenario {
    scenario(
        "alloc-over-in-use",
        "a fresh page is put over one in use; the old frame is used again",
        programs(
            &[
                alloc(CHILD, A),
                Op::Want(0),
                alloc(0, B),
                Op::Store(B),
                unmap(CHILD, A),
                exit(),
            ],
            &[Op::Store(A), Op::Load(A), Op::Goto(CHILD_AT)],
            &[],
        ),
        &[A, B],
        child_uses_page,
    )
}

/// A page becomes read-only while it is written.
fn write_protect() -> Scenario {
    scenario(
        "write-protect",
        "a page becomes read-only, and writeable again, while it is written",
        programs(
            &[
                map(CHILD, A, CHILD, A, RO),
                Op::Want(0),
                map(CHILD, A, 0, B, RO),
                Op::Load(B),
                exit(),
            ],
            &[Op::Store(A), Op::Load(A), Op::Goto(CHILD_AT)],
            &[],
        ),
        &[A, B],
        child_uses_page,
    )
}

/// A running child is destroyed; slot and frames are used again.
pub fn destroy_and_reuse() -> Scenario {
    scenario(
        "destroy-and-reuse",
        "a running child is destroyed; its slot and frames serve the next",
        programs(
            &[
                destroy(CHILD),
                simple(Call::Exofork, []),
                Op::IfZero(GRANDCHILD_AT),
                Op::Want(0x2001),
                alloc(0x2001, A),
                Op::Want(0),
                set_status(0x2001, RUN),
                exit(),
            ],
            &[Op::Store(A), Op::Load(A), Op::Goto(CHILD_AT)],
            &[Op::Load(A), Op::Store(A), exit()],
        ),
        &[A],
        child_uses_page,
    )
}

/// A running child is stopped and started.
pub fn stop_and_start() -> Scenario {
    scenario(
        "stop-and-start",
        "a child is stopped and started while it uses memory and yields",
        programs(
            &[
                set_status(CHILD, STOP),
                Op::Want(0),
                set_status(CHILD, RUN),
                Op::Want(0),
                unmap(CHILD, A),
                exit(),
            ],
            &[Op::Load(A), r#yield(), Op::Want(0), Op::Goto(CHILD_AT)],
            &[],
        ),
        &[A],
        child_uses_page,
    )
}

/// A child is stopped in the middle of its calls.
fn stop_caller() -> Scenario {
    scenario(
        "stop-caller",
        "a child is stopped just when it calls, and its call is made later",
        programs(
            &[
                set_status(CHILD, STOP),
                set_status(CHILD, RUN),
                r#yield(),
                set_status(CHILD, STOP),
                destroy(CHILD),
                exit(),
            ],
            &[
                unmap(0, A),
                Op::Want(0),
                alloc(0, A),
                Op::Want(0),
                Op::Store(A),
                Op::Goto(CHILD_AT),
            ],
            &[],
        ),
        &[A],
        child_uses_page,
    )
}

/// A fork by hand, with the other CPU asleep.
pub fn fork_and_start() -> Scenario {
    scenario(
        "fork-and-start",
        "a child is made, given a page and started while the other CPU sleeps",
        programs(
            &[
                simple(Call::Exofork, []),
                Op::IfZero(CHILD_AT),
                Op::Keep,
                call(
                    Call::PageMap,
                    [
                        Value::Is(0),
                        Value::Is(A),
                        Value::Kept,
                        Value::Is(A),
                        Value::Is(RW),
                    ],
                ),
                Op::Want(0),
                call(
                    Call::EnvSetStatus,
                    [
                        Value::Kept,
                        Value::Is(RUN),
                        Value::Is(0),
                        Value::Is(0),
                        Value::Is(0),
                    ],
                ),
                Op::Want(0),
                r#yield(),
                unmap(0, A),
                exit(),
            ],
            &[Op::Store(A), r#yield(), Op::Load(A), unmap(0, A), exit()],
            &[],
        ),
        &[A],
        |stage| stage.page_alloc(0, A),
    )
}

/// A page is sent.
fn send_page() -> Scenario {
    scenario(
        "send-page",
        "a child sends a page, trying until the parent waits; the parent uses it",
        programs(
            &[
                simple(Call::IpcRecv, [B]),
                Op::Want(0),
                Op::Store(B),
                simple(Call::IpcRecv, [UTOP]),
                Op::Want(0),
                exit(),
            ],
            &[
                simple(Call::IpcTrySend, [PARENT, 7, A, RW]),
                Op::UnlessZero(CHILD_AT),
                unmap(0, A),
                simple(Call::IpcTrySend, [PARENT, 8, UTOP, 0]),
                Op::UnlessZero(CHILD_AT + 3),
                exit(),
            ],
            &[],
        ),
        &[A, B],
        child_uses_page,
    )
}

/// A receive is cancelled.
fn cancel_receive() -> Scenario {
    scenario(
        "cancel-receive",
        "a child's receive is cancelled while a message may be coming",
        programs(
            &[
                set_status(CHILD, RUN),
                Op::Want(0),
                simple(Call::IpcTrySend, [CHILD, 1, B, RO]),
                set_status(CHILD, STOP),
                set_status(CHILD, RUN),
                exit(),
            ],
            &[
                simple(Call::IpcRecv, [A]),
                simple(Call::IpcRecv, [UTOP]),
                r#yield(),
                exit(),
            ],
            &[],
        ),
        &[A],
        parent_has_another,
    )
}

/// Parent, child and grandchild end each other.
fn family_feud() -> Scenario {
    scenario(
        "family-feud",
        "a parent ends a child that starts and ends its own; three on two CPUs",
        programs(
            &[r#yield(), destroy(CHILD), exit()],
            &[
                simple(Call::Exofork, []),
                Op::IfZero(GRANDCHILD_AT),
                Op::Want(GRANDCHILD),
                map(0, A, GRANDCHILD, A, RW),
                set_status(GRANDCHILD, RUN),
                destroy(GRANDCHILD),
                exit(),
            ],
            &[Op::Store(A), exit()],
        ),
        &[A],
        three_generations,
    )
}

/// Three environments share two CPUs.
fn three_in_turn() -> Scenario {
    scenario(
        "three-in-turn",
        "three environments take turns on two CPUs; one is stopped and unmapped",
        programs(
            &[
                set_status(CHILD, STOP),
                unmap(GRANDCHILD, A),
                set_status(CHILD, RUN),
                exit(),
            ],
            &[Op::Load(A), r#yield(), Op::Load(A), exit()],
            &[Op::Load(A), r#yield(), exit()],
        ),
        &[A],
        |stage| {
            stage.page_alloc(0, A);
            for start in [CHILD_AT, GRANDCHILD_AT] {
                let child = stage.child(start);
                stage.page_map(0, A, child, A);
            }
            stage.start(CHILD);
            stage.start(GRANDCHILD);
        },
    )
}

/// A parent dies and leaves children that it never started.
fn orphans() -> Scenario {
    scenario(
        "orphans",
        "a parent dies or is ended with children that were never started",
        programs(
            &[r#yield(), destroy(CHILD), alloc(0, B), exit()],
            &[
                simple(Call::Exofork, []),
                Op::IfZero(GRANDCHILD_AT),
                simple(Call::Exofork, []),
                Op::IfZero(GRANDCHILD_AT),
                Op::Load(A),
                exit(),
            ],
            &[],
        ),
        &[A],
        child_uses_page,
    )
}
