//! Fixed priorities: order, pre-emption here and on another CPU, who may set what, and
//! what a lent CPU respects.
//!
//! The hard thing is the moment. One that can run has a lower one's CPU when the step
//! that let it run is over, and not a quantum later; so time stands still in these tests
//! unless they say otherwise.

use abi::scheduling::{MAX_PRIORITY, MAX_SHARES, Policy};
use abi::{Call, EnvId, EnvStatus, Error, Personality};
use kcore::console::KERNEL_SHARE;
use kcore::env::{Slot, Wait};
use kcore::{CpuId, Event};
use sim::machine::call::{Answer, set_call};
use sim::machine::user::Access;
use sim::machine::{Machine, Mode, Spec, Store};
use witness::digest;

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);
const PARENT: u32 = 0x1000;
const RUN: u32 = EnvStatus::Runnable as u32;
const STOPPED: u32 = EnvStatus::NotRunnable as u32;

fn unchecked(policy: Policy, cpus: u8, test: impl FnOnce(&mut Machine<'_>)) {
    let spec = Spec {
        policy,
        cpus,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    test(&mut machine);
}

fn with_machine(policy: Policy, cpus: u8, test: impl FnOnce(&mut Machine<'_>)) {
    unchecked(policy, cpus, |machine| {
        test(machine);
        assert_eq!(machine.check(), Ok(()));
    });
}

fn with_priorities(cpus: u8, test: impl FnOnce(&mut Machine<'_>)) {
    with_machine(Policy::Priority, cpus, test);
}

fn call(machine: &mut Machine<'_>, cpu: CpuId, call: Call, arguments: &[u32]) -> Answer {
    let mut all = [0; 5];
    all[..arguments.len()].copy_from_slice(arguments);
    let answer = machine.call(cpu, call, all);
    machine.calm_down();
    answer
}

/// A child of the environment on CPU 0, which runs or waits for a CPU.
fn start(machine: &mut Machine<'_>, priority: u8) -> u32 {
    let id = make(machine, priority);
    call(machine, CPU0, Call::EnvSetStatus, &[id, RUN]);
    id
}

/// The same, not started.
fn make(machine: &mut Machine<'_>, priority: u8) -> u32 {
    let Answer::Value(id) = call(machine, CPU0, Call::Exofork, &[]) else {
        panic!("no child");
    };
    set(machine, id, priority);
    id
}

fn set(machine: &mut Machine<'_>, id: u32, priority: u8) {
    let policy = machine.kernel.config().policy as u32;
    let numbers = [id, priority.into(), MAX_SHARES.into()];
    let answer = call(machine, CPU0, Call::EnvSetScheduling, &numbers);
    if id != 0 {
        assert_eq!(answer, Answer::Value(policy));
    }
}

fn on(machine: &Machine<'_>, cpu: CpuId) -> u32 {
    machine.env_on(cpu).map_or(0, |id| id.0 as u32)
}

fn slot(id: u32) -> Slot {
    Slot(EnvId(id as i32).slot() as u16)
}

#[test]
fn the_highest_goes_first_and_equals_in_turn() {
    with_priorities(1, |machine| {
        let children: Vec<u32> = [3, 9, 3, 31, 9, 0]
            .into_iter()
            .map(|priority| start(machine, priority))
            .collect();
        let mut order = Vec::new();
        while on(machine, CPU0) != 0 {
            let id = on(machine, CPU0);
            order.push(id);
            call(machine, CPU0, Call::IpcRecv, &[u32::MAX]);
        }
        let place = |index: usize| children[index];
        let wanted = [3, 1, 4, 0, 2, 5].map(place);
        assert_eq!(order, [&[PARENT][..], &wanted].concat());
    });
}

#[test]
fn equals_share_and_the_lower_wait() {
    with_priorities(1, |machine| {
        let equal = start(machine, MAX_PRIORITY);
        let lower = start(machine, MAX_PRIORITY - 1);
        for _ in 0..10 {
            machine.tick(CPU0);
            assert_eq!(on(machine, CPU0), equal);
            call(machine, CPU0, Call::Yield, &[]);
            assert_eq!(on(machine, CPU0), PARENT);
        }
        let runs = machine.kernel.envs()[slot(lower)].runs;
        assert_eq!(runs, 0);
    });
}

/// Alone among lower ones, one goes on whether it yields or uses up its quantum.
#[test]
fn the_highest_goes_on() {
    with_priorities(1, |machine| {
        start(machine, 7);
        for _ in 0..5 {
            machine.tick(CPU0);
            assert_eq!(on(machine, CPU0), PARENT);
            call(machine, CPU0, Call::Yield, &[]);
            assert_eq!(on(machine, CPU0), PARENT);
        }
    });
}

/// Whether one that waits for a byte has the CPU of a lower one when the byte is there.
pub(crate) fn wakes_at_once() -> bool {
    let mut woke = false;
    unchecked(Policy::Priority, 1, |machine| {
        start(machine, 5);
        call(machine, CPU0, Call::Getc, &[]);
        machine.run_event(CPU0, Event::ConsoleInput { byte: b'x' });
        woke = on(machine, CPU0) == PARENT;
    });
    woke
}

/// A typed byte, a message, an alarm: whoever waited for it runs when that step is over.
#[test]
fn who_wakes_takes_the_cpu_at_once() {
    with_priorities(1, |machine| {
        assert!(wakes_at_once());
        let child = start(machine, 5);
        call(machine, CPU0, Call::IpcRecv, &[u32::MAX]);
        assert_eq!(on(machine, CPU0), child);
        let sent = call(machine, CPU0, Call::IpcTrySend, &[PARENT, 8, u32::MAX]);
        assert_eq!(sent, Answer::Left(Some(EnvId(PARENT as i32))));

        let soon = machine.now / 1000 + 100;
        call(machine, CPU0, Call::SleepUntil, &[soon as u32, 0]);
        assert_eq!(on(machine, CPU0), child);
        machine.now = soon * 1000;
        machine.run_event(CPU0, Event::Timer);
        assert_eq!(on(machine, CPU0), PARENT);

        // The child's send had succeeded.
        call(machine, CPU0, Call::IpcRecv, &[u32::MAX]);
        assert_eq!(machine.cpu(CPU0).frame.regs.eax, 0);
    });
}

/// The one that lost its CPU is before its equals, the one whose quantum ended behind.
#[test]
fn who_was_outranked_is_first_among_equals() {
    with_priorities(1, |machine| {
        let first = start(machine, 5);
        let second = start(machine, 5);
        call(machine, CPU0, Call::Getc, &[]);
        assert_eq!(on(machine, CPU0), first);
        machine.run_event(CPU0, Event::ConsoleInput { byte: 1 });
        call(machine, CPU0, Call::Getc, &[]);
        assert_eq!(on(machine, CPU0), first);
        machine.tick(CPU0);
        assert_eq!(on(machine, CPU0), second);
    });
}

/// One waits for a stopped child, whose parent dies. When the child is cleaned up after, the
/// waiting one goes before the lower one that has the CPU by then.
#[test]
fn who_is_woken_by_cleaning_up_is_not_outranked() {
    with_priorities(1, |machine| {
        let dying = start(machine, 5);
        let lower = start(machine, 3);
        call(machine, CPU0, Call::Getc, &[]);
        assert_eq!(on(machine, CPU0), dying);
        let stopped = make(machine, 5);
        machine.run_event(CPU0, Event::ConsoleInput { byte: 1 });
        assert_eq!(on(machine, CPU0), PARENT);
        call(machine, CPU0, Call::IpcSend, &[stopped, 1, u32::MAX]);
        machine.call(CPU0, Call::EnvDestroy, [0; 5]);
        assert_eq!(machine.check(), Ok(()));
        assert_eq!(on(machine, CPU0), lower);
        machine.run_event(CPU0, Event::Wake);
        assert_eq!(machine.check(), Ok(()));
        assert_eq!(on(machine, CPU0), PARENT);
        let failed = (Error::BadEnv as u32).wrapping_neg();
        assert_eq!(machine.cpu(CPU0).frame.regs.eax, failed);
    });
}

/// The CPU with the lowest one is interrupted, and only if that is outranked.
#[test]
fn another_cpu_is_taken_at_once() {
    with_priorities(2, |machine| {
        let reader = start(machine, 9);
        assert_eq!(on(machine, CPU1), reader);
        call(machine, CPU1, Call::Getc, &[]);
        let low = start(machine, 3);
        assert_eq!(on(machine, CPU1), low);
        machine.run_event(CPU0, Event::ConsoleInput { byte: b'y' });
        assert_eq!(on(machine, CPU0), PARENT);
        assert!(machine.cpu(CPU1).ipi, "CPU 1 is interrupted");
        machine.calm_down();
        assert_eq!((on(machine, CPU0), on(machine, CPU1)), (PARENT, reader));
        // Equals interrupt nobody.
        call(machine, CPU1, Call::Getc, &[]);
        assert_eq!(on(machine, CPU1), low);
        set(machine, reader, 3);
        machine.run_event(CPU0, Event::ConsoleInput { byte: b'z' });
        assert!(!machine.cpu(CPU1).ipi);
        assert_eq!(on(machine, CPU1), low);
    });
}

/// Two wake at once, and both CPUs have lower ones.
#[test]
fn one_after_the_other_is_interrupted() {
    with_priorities(3, |machine| {
        let soon = machine.now / 1000 + 100;
        let sleepers = [start(machine, 20), start(machine, 21)];
        for cpu in [CPU1, CpuId(2)] {
            call(machine, cpu, Call::SleepUntil, &[soon as u32, 0]);
        }
        let low = [start(machine, 1), start(machine, 2)];
        assert!([CPU1, CpuId(2)].map(|cpu| on(machine, cpu)) == low);
        machine.now = soon * 1000;
        machine.run_event(CPU0, Event::Timer);
        machine.calm_down();
        let mut now = [CPU1, CpuId(2)].map(|cpu| on(machine, cpu));
        now.sort_unstable();
        assert_eq!(now, sleepers);
    });
}

/// One that lowers itself gives way in the same call; a child that is lowered on another CPU
/// gives way at once too.
#[test]
fn who_is_lowered_gives_way() {
    with_priorities(1, |machine| {
        let child = start(machine, 5);
        set(machine, 0, 4);
        assert_eq!(on(machine, CPU0), child);
        assert_eq!(
            machine.kernel.envs()[slot(PARENT)].frame.regs.eax,
            Policy::Priority as u32
        );
    });
    with_priorities(2, |machine| {
        let child = start(machine, 5);
        let other = start(machine, 4);
        assert_eq!(on(machine, CPU1), child);
        set(machine, child, 3);
        assert_eq!(on(machine, CPU1), other);
    });
}

/// A child that waits for a CPU goes to its new place in the queue.
#[test]
fn who_waits_changes_its_place() {
    with_priorities(1, |machine| {
        let [a, b] = [start(machine, 5), start(machine, 4)];
        set(machine, b, 6);
        set(machine, a, 2);
        let c = start(machine, 2);
        let mut order = Vec::new();
        for _ in 0..4 {
            order.push(on(machine, CPU0));
            call(machine, CPU0, Call::IpcRecv, &[u32::MAX]);
        }
        assert_eq!(order, [PARENT, b, a, c]);
    });
}

/// Nobody gives more than it has, and a child begins with what its creator has.
#[test]
fn numbers_only_go_down() {
    for policy in Policy::ALL {
        with_machine(policy, 1, |machine| {
            let numbers = |machine: &Machine<'_>, id: u32| {
                let env = &machine.kernel.envs()[slot(id)];
                (env.priority, env.shares)
            };
            assert_eq!(numbers(machine, PARENT), (MAX_PRIORITY, MAX_SHARES));
            let child = make(machine, 12);
            assert_eq!(numbers(machine, child), (12, MAX_SHARES));
            let scheduling = Call::EnvSetScheduling;
            let done = Answer::Value(policy as u32);
            assert_eq!(call(machine, CPU0, scheduling, &[0, 20, 500]), done);
            assert_eq!(numbers(machine, PARENT), (20, 500));
            // A child may have more than its creator now has, and be given less.
            assert_eq!(call(machine, CPU0, scheduling, &[child, 20, 500]), done);
            let heir = make_plain(machine);
            assert_eq!(numbers(machine, heir), (20, 500));
            let refused = [
                ([0, 21, 500], Error::Inval),
                ([0, 20, 501], Error::Inval),
                ([child, 21, 1], Error::Inval),
                ([child, 1, 501], Error::Inval),
                ([child, 1, 0], Error::Inval),
                ([child, 256, 1], Error::Inval),
                ([child, u32::MAX, 1], Error::Inval),
                ([child, 1, 0x1_0001], Error::Inval),
                ([child ^ 0x1000, 1, 1], Error::BadEnv),
            ];
            for (arguments, error) in refused {
                let before = numbers_of_all(machine);
                let answer = call(machine, CPU0, scheduling, &arguments);
                assert_eq!(answer, Answer::Failed(error), "{arguments:?}");
                assert_eq!(numbers_of_all(machine), before, "{arguments:?}");
            }
        });
    }
}

fn make_plain(machine: &mut Machine<'_>) -> u32 {
    match call(machine, CPU0, Call::Exofork, &[]) {
        Answer::Value(id) => id,
        answer => panic!("{answer:?}"),
    }
}

/// Everything, but the registers of who makes the call.
fn numbers_of_all(machine: &Machine<'_>) -> u64 {
    digest::full(&machine.kernel)
}

/// Strangers are nobody's to lower: a grandchild, a parent, one booted beside.
#[test]
fn only_children_are_lowered() {
    with_priorities(1, |machine| {
        let stranger = machine.boot(0x80_0020, Personality::Lab4).0 as u32;
        let answer = call(machine, CPU0, Call::EnvSetScheduling, &[stranger, 1, 1]);
        assert_eq!(answer, Answer::Failed(Error::BadEnv));
        let child = start(machine, MAX_PRIORITY);
        while on(machine, CPU0) != child {
            call(machine, CPU0, Call::Yield, &[]);
        }
        let answer = call(machine, CPU0, Call::EnvSetScheduling, &[PARENT, 1, 1]);
        assert_eq!(answer, Answer::Failed(Error::BadEnv));
    });
}

/// One that calls lends its CPU to a server of any priority; one that is replied to gets
/// it only if nobody outranks it.
#[test]
fn a_call_lends_the_cpu_and_a_reply_does_not() {
    with_priorities(1, |machine| {
        let server = start(machine, 2);
        call(machine, CPU0, Call::Getc, &[]);
        assert_eq!(on(machine, CPU0), server);
        call(machine, CPU0, Call::IpcReply, &[0]);
        machine.run_event(CPU0, Event::ConsoleInput { byte: 1 });
        assert_eq!(on(machine, CPU0), PARENT);
        let middle = start(machine, 10);
        call(machine, CPU0, Call::IpcCall, &[server, 0, 1, 2]);
        assert_eq!(on(machine, CPU0), server, "lent, though one outranks it");
        // The reply goes straight back.
        call(machine, CPU0, Call::IpcReply, &[PARENT, 0, 3, 4]);
        assert_eq!(on(machine, CPU0), PARENT);
        // A server that enters the kernel otherwise gives way.
        call(machine, CPU0, Call::IpcCall, &[server, 0, 1, 2]);
        assert_eq!(on(machine, CPU0), server);
        call(machine, CPU0, Call::GetEnvId, &[]);
        assert_eq!(on(machine, CPU0), middle);
        // Nor is it lent the CPU then if it is outranked.
        let low = start(machine, 5);
        call(machine, CPU0, Call::IpcCall, &[server, 0, 1, 2]);
        assert_eq!(on(machine, CPU0), low);
        call(machine, CPU0, Call::IpcCall, &[server, 0, 1, 2]);
        assert_eq!(on(machine, CPU0), server);
    });
    with_priorities(1, |machine| {
        // The parent serves its child, which is outranked by another one.
        let client = start(machine, 2);
        call(machine, CPU0, Call::IpcReply, &[0]);
        assert_eq!(on(machine, CPU0), client);
        call(machine, CPU0, Call::IpcCall, &[PARENT, 0, 1, 2]);
        assert_eq!(on(machine, CPU0), PARENT);
        let middle = start(machine, 10);
        call(machine, CPU0, Call::IpcReply, &[client, 0, 3, 4]);
        assert_eq!(on(machine, CPU0), middle);
        let ready = machine.kernel.envs()[slot(client)];
        assert!(ready.is_queued() && ready.frame.regs.ebx == 3);
    });
}

/// A breakpoint that a grader stops at, and the exception that brings the x87 registers, are
/// seen to first.
#[test]
fn what_a_step_must_finish_comes_first() {
    with_priorities(2, |machine| {
        let low = start(machine, 3);
        assert_eq!(on(machine, CPU1), low);
        // One that outranks it waits, and CPU 1 does not know yet.
        let high = make(machine, 9);
        machine.call(CPU0, Call::EnvSetStatus, [high, RUN, 0, 0, 0]);
        assert_eq!(machine.use_fpu(CPU1, 7), None);
        assert!(matches!(
            machine.cpu(CPU1).mode,
            Mode::Waiting(Event::FpuUse)
        ));
        machine.enter(CPU1);
        assert_eq!(on(machine, CPU1), low);
        assert_eq!(machine.use_fpu(CPU1, 7), Some(0));
        machine.calm_down();
        assert_eq!(on(machine, CPU1), high);
    });
}

/// The prompt: it waits for a key while eight others spin.
#[test]
fn a_key_brings_the_prompt_back_under_every_policy() {
    for policy in Policy::ALL {
        with_machine(policy, 1, |machine| {
            for _ in 0..8 {
                let child = start(machine, 16);
                let numbers = [child, 16, 100];
                call(machine, CPU0, Call::EnvSetScheduling, &numbers);
            }
            while on(machine, CPU0) != PARENT {
                machine.tick(CPU0);
            }
            for _ in 0..100 {
                call(machine, CPU0, Call::Getc, &[]);
                for _ in 0..9 {
                    machine.tick(CPU0);
                }
                machine.run_event(CPU0, Event::ConsoleInput { byte: 1 });
                let mut quanta = 0;
                while on(machine, CPU0) != PARENT {
                    machine.tick(CPU0);
                    quanta += 1;
                }
                let most = match policy {
                    Policy::Priority => 0,
                    Policy::Stride => 1,
                    Policy::RoundRobin => 8,
                    // By chance: 1000 tickets of 1800.
                    Policy::Lottery => 20,
                };
                assert!(quanta <= most, "{policy:?}: {quanta} quanta");
                // It works on the line for a while.
                machine.now += 1_000_000;
            }
        });
    }
}

/// What a call returns.
fn value(machine: &mut Machine<'_>, cpu: CpuId, number: Call, arguments: &[u32]) -> u32 {
    match call(machine, cpu, number, arguments) {
        Answer::Value(value) => value,
        other => panic!("{number:?}: {other:?}"),
    }
}

/// A step can ask one other CPU for something. So whoever has asked leaves its CPU, if it is
/// outranked, to nobody in the same step: the next one's pending call might ask another.
#[test]
fn who_has_asked_another_cpu_and_is_outranked_is_not_followed_at_once() {
    const PAGE: u32 = 0x40_0000;
    let below = MAX_PRIORITY - 1;
    with_priorities(5, |machine| {
        // A parent on CPU 1 with a child on CPU 2, and one above it on CPU 3 with one on CPU 4.
        let mut family = |parent: CpuId, child: CpuId, priority: u8| {
            let older = start(machine, priority);
            assert_eq!(machine.env_on(parent), Some(EnvId(older as i32)));
            let younger = value(machine, parent, Call::Exofork, &[]);
            value(machine, parent, Call::PageAlloc, &[younger, PAGE, 7]);
            value(machine, parent, Call::EnvSetStatus, &[younger, RUN]);
            assert_eq!(machine.env_on(child), Some(EnvId(younger as i32)));
            machine.store(child, PAGE, 1).expect("it is remembered");
            [older, younger]
        };
        let [_, low_child] = family(CPU1, CpuId(2), below);
        let [high, high_child] = family(CpuId(3), CpuId(4), MAX_PRIORITY);
        // The one above is stopped when it is about to make its call.
        let unmap = Personality::Lab4.number(Call::PageUnmap).expect("a call");
        let about_to = |machine: &mut Machine<'_>, cpu: CpuId, child: u32| {
            let frame = &mut machine.cpu_mut(cpu).frame;
            set_call(frame, unmap, [child, PAGE, 0, 0, 0]);
            machine.trap(cpu, Event::Syscall);
        };
        about_to(machine, CpuId(3), high_child);
        value(machine, CPU0, Call::EnvSetStatus, &[high, STOPPED]);
        start(machine, MAX_PRIORITY);
        // It can run again when the lower one is already on its way into the kernel.
        about_to(machine, CPU1, low_child);
        machine.call(CPU0, Call::EnvSetStatus, [high, RUN, 0, 0, 0]);
        machine.calm_down();
        for cpu in [CpuId(2), CpuId(4)] {
            assert!(!matches!(machine.access(cpu, PAGE, true), Access::Hit(_)));
        }
    });
}

/// A step that has asked another CPU for something may find its own environment outranked. The
/// next one may have an entry to finish that asks a third CPU: that is another step, or nobody
/// would tell the first CPU, where a dead environment would run on.
#[test]
fn one_step_asks_one_other_cpu() {
    let [cpu2, cpu3] = [CpuId(2), CpuId(3)];
    let spec = Spec {
        policy: Policy::Priority,
        cpus: 4,
        lifecycle: true,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let machine = &mut Machine::with_one_env(&mut store, spec);
    let high = start(machine, 20);
    let Answer::Value(its_child) = call(machine, CPU1, Call::Exofork, &[]) else {
        panic!("no child");
    };
    call(machine, CPU1, Call::EnvSetStatus, &[its_child, RUN]);
    let low = start(machine, 5);
    let filler = start(machine, 5);
    set(machine, 0, 10);
    let running = [CPU0, CPU1, cpu2, cpu3].map(|cpu| on(machine, cpu));
    assert_eq!(running, [PARENT, high, its_child, low]);
    // The high one is to end its child when the console has room for a line about that.
    machine.uart.instant = false;
    while room(machine) >= KERNEL_SHARE {
        let other = make(machine, 10);
        call(machine, CPU0, Call::EnvDestroy, &[other]);
    }
    machine.call(CPU1, Call::EnvDestroy, [its_child, 0, 0, 0, 0]);
    assert_eq!(on(machine, CPU1), filler);
    while machine.kernel.envs()[slot(high)].wait == Wait::Console {
        machine.run_event(cpu2, Event::ConsoleReady);
    }
    // The first CPU is about to be interrupted, but its environment makes a call before.
    machine.call(CPU0, Call::EnvDestroy, [low, 0, 0, 0, 0]);
    assert_eq!(machine.check(), Ok(()));
    machine.calm_down();
    assert_eq!(machine.check(), Ok(()));
    let envs = machine.kernel.envs();
    assert!(
        [low, its_child]
            .map(slot)
            .iter()
            .all(|&slot| !envs[slot].alive)
    );
}

/// How many bytes the console's ring has room for.
fn room(machine: &Machine<'_>) -> usize {
    let console = machine.kernel.console();
    console.ring.len() - console.state.len
}
