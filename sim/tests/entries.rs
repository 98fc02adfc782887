//! Entries that are handled later than they were made, because the environment was
//! stopped on its way in or the console was crowded; and ticks that come late.
//!
//! The hard thing is that calls have two ways in, which find the fifth argument in
//! different places. So the kernel must remember which way an entry came.

use abi::layout::{PGSIZE, UXSTACKTOP};
use abi::trap::Vector;
use abi::{Call, EnvStatus, Personality};
use kcore::{CpuId, Event, PhysMem};
use sim::machine::call::{Answer, set_call};
use sim::machine::{Machine, Mode, Spec, Store};
use sim::mmu::walk;

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);
const RUN: u32 = EnvStatus::Runnable as u32;
const STOP: u32 = EnvStatus::NotRunnable as u32;
const CHILD: u32 = 0x1001;
/// A page that the child has, a place where it maps that page again, and its stack.
const PAGE: u32 = 0x40_0000;
const COPY: u32 = 0x40_1000;
const STACK: u32 = 0x40_2000;
/// The child's page-fault handler, and the handler's stack.
const UPCALL: u32 = 0x12_3450;
const RO: u32 = 5;
const RW: u32 = 7;

/// The ways in which a child enters.
const ENTRIES: [Event; 4] = [
    Event::Syscall,
    Event::FastSyscall,
    Event::PageFault { va: PAGE + 8 },
    Event::Exception,
];

/// A machine with two CPUs, and the child of the one environment on the second.
fn with_child(console: usize, f: impl FnOnce(&mut Machine<'_>)) {
    let spec = Spec {
        cpus: 2,
        console,
        lifecycle: true,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let call = |machine: &mut Machine<'_>, call, arguments| {
        let answer = machine.call(CPU0, call, arguments);
        assert!(matches!(answer, Answer::Value(_)), "{call:?} {answer:?}");
    };
    call(&mut machine, Call::Exofork, [0; 5]);
    let exception_stack = UXSTACKTOP - PGSIZE;
    for va in [PAGE, STACK, exception_stack] {
        call(&mut machine, Call::PageAlloc, [CHILD, va, RW, 0, 0]);
    }
    let upcall = [CHILD, UPCALL, 0, 0, 0];
    call(&mut machine, Call::EnvSetPgfaultUpcall, upcall);
    call(&mut machine, Call::EnvSetStatus, [CHILD, RUN, 0, 0, 0]);
    machine.calm_down();
    assert_eq!(machine.env_on(CPU1).map(|id| id.0 as u32), Some(CHILD));
    f(&mut machine);
}

/// Sets registers so that each way in has its own effect: a call maps a page, by
/// `int` read-only and by `sysenter` writeable.
fn prepare(machine: &mut Machine<'_>, event: Event) {
    machine.store(CPU1, STACK, RW);
    let number = Personality::Lab4.number(Call::PageMap).expect("a call");
    let frame = &mut machine.cpu_mut(CPU1).frame;
    set_call(frame, number, [0, PAGE, 0, COPY, RO]);
    frame.esp = STACK;
    frame.trapno = match event {
        Event::PageFault { .. } => 14,
        Event::Exception => 0,
        _ => Vector::SYSCALL.0,
    };
}

/// Asserts that the child's entry was handled once the child was on its CPU again.
fn is_made(machine: &mut Machine<'_>, event: Event) {
    let on_cpu = machine.env_on(CPU1).map(|id| id.0 as u32);
    if event == Event::Exception {
        assert_eq!(on_cpu, None, "{event:?}: it lives on");
        return;
    }
    assert_eq!(on_cpu, Some(CHILD), "{event:?}");
    let cpu = machine.cpu(CPU1);
    let mapped = walk(machine.kernel.memory(), cpu.cr3, COPY);
    let is_call = matches!(event, Event::Syscall | Event::FastSyscall);
    assert_eq!(mapped.is_some(), is_call, "{event:?}");
    if is_call {
        assert_eq!(cpu.frame.regs.eax, 0, "{event:?}");
        assert_eq!(cpu.frame.esp, STACK, "{event:?}");
        let memory = machine.kernel.memory();
        let table = memory.read(cpu.cr3.address() + (COPY >> 22) * 4) & !0xfff;
        let perm = memory.read(table + (COPY >> 12 & 0x3ff) * 4) & 7;
        let wanted = if event == Event::Syscall { RO } else { RW };
        assert_eq!(perm, wanted, "{event:?}");
    } else {
        assert_eq!(cpu.frame.eip, UPCALL, "{event:?}");
    }
}

#[test]
fn an_entry_of_who_was_stopped_is_made_by_its_own_way() {
    for event in ENTRIES {
        with_child(16 * 1024, |machine| {
            prepare(machine, event);
            machine.trap(CPU1, event);
            let status = |machine: &mut Machine<'_>, status| {
                let arguments = [CHILD, status, 0, 0, 0];
                let answer = machine.call(CPU0, Call::EnvSetStatus, arguments);
                assert_eq!(answer, Answer::Value(0));
                machine.calm_down();
                assert_eq!(machine.check(), Ok(()), "{event:?}");
            };
            status(machine, STOP);
            assert_eq!(machine.cpu(CPU1).mode, Mode::Idle, "{event:?}");
            status(machine, RUN);
            is_made(machine, event);
        });
    }
}

/// The child may be stopped again before it has gone on. Each of its calls is still
/// made exactly once.
#[test]
fn a_cpu_that_waits_for_the_lock_may_be_stopped_any_number_of_times() {
    with_child(16 * 1024, |machine| {
        for round in 0..20_000 {
            let event = ENTRIES[round % 2];
            prepare(machine, event);
            machine.trap(CPU1, event);
            for _ in 0..=round % 3 {
                for status in [STOP, RUN] {
                    let arguments = [CHILD, status, 0, 0, 0];
                    let answer = machine.call(CPU0, Call::EnvSetStatus, arguments);
                    assert_eq!(answer, Answer::Value(0));
                }
            }
            machine.calm_down();
            is_made(machine, event);
            let answer = machine.call(CPU1, Call::PageUnmap, [0, COPY, 0, 0, 0]);
            assert_eq!(answer, Answer::Value(0));
            if round % 100 == 0 {
                assert_eq!(machine.check(), Ok(()), "{round}");
            }
        }
    });
}

#[test]
fn an_entry_that_waits_for_the_console_is_made_by_its_own_way() {
    for event in ENTRIES {
        with_child(10_000, |machine| {
            // Lines of the kernel, until there is no room for another.
            machine.uart.instant = false;
            for _ in 0..1000 {
                if let Answer::Value(other) = machine.call(CPU0, Call::Exofork, [0; 5]) {
                    machine.call(CPU0, Call::EnvDestroy, [other, 0, 0, 0, 0]);
                }
                if machine.env_on(CPU0).is_none() {
                    break;
                }
            }
            prepare(machine, event);
            machine.run_event(CPU1, event);
            assert_eq!(machine.env_on(CPU1), None, "{event:?} did not wait");
            machine.uart.instant = true;
            machine.console_ready(CPU0);
            machine.calm_down();
            assert_eq!(machine.check(), Ok(()), "{event:?}");
            is_made(machine, event);
        });
    }
}

/// The environment on the first CPU makes a runnable child, which gets this id.
fn make_runnable(machine: &mut Machine<'_>, id: u32) {
    let child = machine.call(CPU0, Call::Exofork, [0; 5]);
    assert_eq!(child, Answer::Value(id));
    machine.call(CPU0, Call::EnvSetStatus, [id, RUN, 0, 0, 0]);
}

/// An environment that has used up its quantum gives way, however late the tick
/// comes. One that has not keeps the CPU and gets another tick.
#[test]
fn a_tick_that_comes_late_ends_the_quantum() {
    let quantum = Spec::default().quantum;
    let late = (0..12).map(|power| quantum << power);
    let odd = [
        1,
        quantum / 2,
        quantum + 1,
        1 << 32,
        u64::from(u32::MAX),
        1 << 62,
    ];
    for elapsed in late.chain(odd.map(|more| quantum + more)) {
        let spec = Spec::default();
        let mut store = Store::new(&spec);
        let mut machine = Machine::with_one_env(&mut store, spec);
        make_runnable(&mut machine, CHILD);
        for turn in [CHILD, 0x1000, CHILD] {
            machine.now += elapsed;
            machine.run_event(CPU0, Event::Timer);
            let on_cpu = machine.env_on(CPU0).map(|id| id.0 as u32);
            assert_eq!(on_cpu, Some(turn), "after {elapsed}");
            assert_eq!(machine.cpu(CPU0).due, Some(machine.now + quantum));
        }
    }
}

/// When the timer rings next after it rang for an environment that left half-way through
/// its quantum, counted from when that quantum began.
pub(crate) fn rings_again() -> Option<u64> {
    let spec = Spec::default();
    let quantum = spec.quantum;
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    make_runnable(&mut machine, CHILD);
    let start = machine.cpu(CPU0).due.expect("it runs") - quantum;
    machine.now = start + quantum / 2;
    machine.call(CPU0, Call::Yield, [0; 5]);
    let on_cpu = |machine: &Machine<'_>| machine.env_on(CPU0).map(|id| id.0 as u32);
    assert_eq!(on_cpu(&machine), Some(CHILD));
    // A switch leaves the timer alone.
    assert_eq!(machine.cpu(CPU0).due, Some(start + quantum));
    machine.now = start + quantum;
    machine.run_event(CPU0, Event::Timer);
    assert_eq!(
        on_cpu(&machine),
        Some(CHILD),
        "it has had half of its quantum"
    );
    machine.cpu(CPU0).due.map(|due| due - start)
}

#[test]
fn a_tick_for_who_has_left_is_put_off_to_the_end_of_the_next_quantum() {
    let quantum = Spec::default().quantum;
    assert_eq!(rings_again(), Some(quantum / 2 + quantum));
}

/// A timer that is as fast as calibration allows ends the quantum all the same, and what
/// is left of it is not asked for again and again.
#[test]
fn a_tick_that_is_a_little_early_ends_the_quantum() {
    let quantum = Spec::default().quantum;
    for (early, ends) in [(quantum / 16, true), (quantum / 16 + 1, false)] {
        let spec = Spec::default();
        let mut store = Store::new(&spec);
        let mut machine = Machine::with_one_env(&mut store, spec);
        make_runnable(&mut machine, CHILD);
        machine.now = machine.cpu(CPU0).due.expect("it runs") - early;
        machine.run_event(CPU0, Event::Timer);
        let now = machine.env_on(CPU0).map(|id| id.0 as u32);
        assert_eq!(now == Some(CHILD), ends, "{early} early");
    }
}

/// A CPU loses its environment while its timer's interrupt waits for the lock: whoever
/// runs there next is interrupted all the same.
#[test]
fn a_tick_is_not_lost_with_the_environment() {
    let spec = Spec {
        cpus: 2,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let [first, second] = [CHILD, CHILD + 1];
    for id in [first, second] {
        make_runnable(&mut machine, id);
        machine.calm_down();
    }
    let on_cpu = |machine: &Machine<'_>| machine.env_on(CPU1).map(|id| id.0 as u32);
    assert_eq!(on_cpu(&machine), Some(first));
    machine.now = machine.cpu(CPU1).due.expect("it runs");
    machine.trap(CPU1, Event::Timer);
    machine.call(CPU0, Call::EnvDestroy, [first, 0, 0, 0, 0]);
    machine.calm_down();
    assert_eq!(on_cpu(&machine), Some(second));
    assert_eq!(machine.check(), Ok(()));
}

/// An environment that is alone keeps its CPU, and the time that it has had by
/// then does not delay one that comes later.
#[test]
fn a_late_tick_of_who_is_alone_is_not_held_against_it() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    machine.now += 100 * spec.quantum;
    machine.run_event(CPU0, Event::Timer);
    make_runnable(&mut machine, CHILD);
    // An interrupt that was already on its way does not end this quantum.
    machine.now += spec.quantum / 4;
    machine.run_event(CPU0, Event::Timer);
    assert_eq!(machine.env_on(CPU0).map(|id| id.0), Some(0x1000));
    machine.now += spec.quantum;
    machine.run_event(CPU0, Event::Timer);
    assert_eq!(machine.env_on(CPU0).map(|id| id.0 as u32), Some(CHILD));
}

/// How the parent gives up the first CPU.
#[derive(Clone, Copy, Debug)]
enum Leaving {
    Yields,
    Receives,
    Sends,
    SendsFast,
}

/// An environment that gets a CPU by another's short way first makes the entry in
/// which it was stopped.
#[test]
fn an_entry_is_made_however_its_environment_gets_a_cpu() {
    use Leaving::{Receives, Sends, SendsFast, Yields};
    for (event, leaving) in ENTRIES
        .into_iter()
        .flat_map(|event| [Yields, Receives, Sends, SendsFast].map(|leaving| (event, leaving)))
    {
        let context = format!("{event:?} {leaving:?}");
        with_child(16 * 1024, |machine| {
            // Another environment takes the child's CPU, so that the child gets the parent's.
            prepare(machine, event);
            machine.trap(CPU1, event);
            let set = |machine: &mut Machine<'_>, id, status| {
                let answer = machine.call(CPU0, Call::EnvSetStatus, [id, status, 0, 0, 0]);
                assert_eq!(answer, Answer::Value(0), "{context}");
            };
            set(machine, CHILD, STOP);
            let other = machine.call(CPU0, Call::Exofork, [0; 5]);
            assert_eq!(other, Answer::Value(0x1002), "{context}");
            set(machine, 0x1002, RUN);
            machine.calm_down();
            assert_eq!(machine.env_on(CPU1).map(|id| id.0), Some(0x1002));
            set(machine, CHILD, RUN);
            let (by, arguments) = match leaving {
                Yields => (Call::Yield, [0; 5]),
                Receives => (Call::IpcRecv, [u32::MAX, 0, 0, 0, 0]),
                Sends | SendsFast => (Call::IpcSend, [0x1002, 1, u32::MAX, 0, 0]),
            };
            let number = Personality::Lab6.number(by).expect("a call");
            let number = Personality::Lab4.number(by).unwrap_or(number);
            set_call(&mut machine.cpu_mut(CPU0).frame, number, arguments);
            let way = match leaving {
                SendsFast => Event::FastSyscall,
                _ => Event::Syscall,
            };
            machine.run_event(CPU0, way);
            machine.calm_down();
            assert_eq!(machine.check(), Ok(()), "{context}");
            let on_cpu = machine.env_on(CPU0).map(|id| id.0 as u32);
            if event == Event::Exception {
                assert_ne!(on_cpu, Some(CHILD), "{context}: it lives on");
                return;
            }
            assert_eq!(on_cpu, Some(CHILD), "{context}");
            let cpu = machine.cpu(CPU0);
            let is_call = matches!(event, Event::Syscall | Event::FastSyscall);
            let mapped = walk(machine.kernel.memory(), cpu.cr3, COPY);
            assert_eq!(mapped.is_some(), is_call, "{context}");
            assert_eq!(cpu.frame.eip == UPCALL, !is_call, "{context}");
        });
    }
}
