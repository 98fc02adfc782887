//! What the exercises of the labs must do, a module for each: on this tree all passes, with
//! a hole the exercise's own module fails. See `docs/labs.md`.
//!
//! The hard thing is to be read by somebody whose kernel is not right yet. So each test is
//! one rule, and says it in words; and it uses as little as it can of other exercises.

mod env_set_status;
mod exofork;
mod ipc_recv;
mod ipc_try_send;
mod page_alloc;
mod page_copy;
mod page_map;
mod page_unmap;
mod quantum;
mod turns;

use std::cell::Cell;
use std::sync::Once;

use abi::{Call, EnvStatus, Error};
use kcore::env::Slot;
use kcore::paging::UserPage;
use kcore::{CpuId, Pfn};
use sim::machine::call::Answer;
use sim::machine::{Machine, Spec, Store};
use sim::random::shortest::shortest;

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);
/// The environment on CPU 0, and the first that it makes.
const PARENT: u32 = 0x1000;
const CHILD: u32 = 0x1001;
/// Pages of a program, in two page tables.
const A: u32 = 0x40_0000;
const B: u32 = 0x80_0000;
/// What a page may be used for.
const RO: u32 = 5;
const RW: u32 = 7;
const RUN: u32 = EnvStatus::Runnable as u32;
const STOP: u32 = EnvStatus::NotRunnable as u32;
const DONE: Answer = Answer::Value(0);
const INVALID: Answer = Answer::Failed(Error::Inval);
const NOBODY: Answer = Answer::Failed(Error::BadEnv);

thread_local! {
    /// Panics of this thread are expected, and told elsewhere.
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Random calls of all kinds, compared with what the model says. If this one goes wrong, the
/// shortest way there is told.
#[track_caller]
fn at_random(call: Call) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !IS_QUIET.get() {
                hook(info);
            }
        }));
    });
    IS_QUIET.set(true);
    let found = shortest(call);
    IS_QUIET.set(false);
    if let Some(lines) = found {
        let lines = lines.join("\n  ");
        panic!("the shortest way that random calls found, and what is wrong:\n  {lines}");
    }
}

/// A machine with so many CPUs; an environment runs on the first.
fn with_machine<R>(cpus: u8, f: impl FnOnce(&mut Machine<'_>) -> R) -> R {
    let spec = Spec {
        cpus,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    f(&mut Machine::with_one_env(&mut store, spec))
}

/// A call of the environment on a CPU. Afterwards the audit must find nothing wrong.
#[track_caller]
fn call_on(machine: &mut Machine<'_>, cpu: CpuId, call: Call, arguments: &[u32]) -> Answer {
    let mut all = [0; 5];
    all[..arguments.len()].copy_from_slice(arguments);
    let answer = machine.call(cpu, call, all);
    let found = machine.check();
    assert_eq!(found, Ok(()), "the audit of the kernel, after {call:?}");
    answer
}

#[track_caller]
fn call(machine: &mut Machine<'_>, call: Call, arguments: &[u32]) -> Answer {
    call_on(machine, CPU0, call, arguments)
}

/// A call that must succeed before the rule can be tested.
#[track_caller]
fn first(machine: &mut Machine<'_>, wanted: Call, arguments: &[u32]) {
    let answer = call(machine, wanted, arguments);
    let good = matches!(answer, Answer::Value(_));
    assert!(good, "{wanted:?} must work first: {answer:?}");
}

/// A child that gets the other CPU.
#[track_caller]
fn running_child(machine: &mut Machine<'_>) {
    first(machine, Call::Exofork, &[]);
    first(machine, Call::EnvSetStatus, &[CHILD, RUN]);
    machine.calm_down();
    assert_eq!(
        on(machine, CPU1),
        Some(CHILD),
        "a runnable child gets a CPU that is free"
    );
}

fn on(machine: &Machine<'_>, cpu: CpuId) -> Option<u32> {
    machine.env_on(cpu).map(|id| id.0 as u32)
}

/// The frame of a page of an environment, and what it may be used for.
fn page(machine: &Machine<'_>, id: u32, va: u32) -> Option<(Pfn, u32)> {
    let space = machine.kernel.envs()[Slot(id as u16 & 0x3ff)].space;
    let entry = space.entry(machine.kernel.memory(), UserPage::new(va)?);
    let perm = entry.perm().bits();
    entry.is_present().then_some((entry.frame(), perm))
}

fn status(machine: &Machine<'_>, id: u32) -> EnvStatus {
    machine.kernel.envs()[Slot(id as u16 & 0x3ff)].status()
}

/// Addresses that are not those of a page of a program.
const BAD_PAGES: [u32; 4] = [A + 1, A + 0xfff, abi::layout::UTOP, !0xfff];
/// Permissions that nobody may ask for: not for users, or with bits of the kernel's own.
const BAD_PERMS: [u32; 4] = [0, 3, RW | 8, RW | 0x1000];
/// Ids of nobody, and of somebody who is no child of the caller.
const NOT_OWN: [u32; 3] = [0x1005, 0x2000, u32::MAX];
