//! `env_get_state` and `env_set_state`, case by case: whom they take, what a child that is
//! stopped in a call does when it goes on, and what a state cannot do.
//!
//! The hard thing is to stop a child in every kind of wait, by either way in. One CPU runs
//! the parent, the other one the child.

use abi::call::WANTS_PAGE;
use abi::env::PUBLIC_ENV_STRIDE;
use abi::layout::{PGSIZE, UTOP};
use abi::trap::Vector;
use abi::{Call, EnvState, EnvStatus, Error, Personality, PublicEnv};
use kcore::env::{Slot, Wait};
use kcore::{CpuId, Event, PhysMem};
use sim::machine::call::{Answer, set_call};
use sim::machine::{Machine, Mode, Spec, Store};

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);
const PARENT: u32 = 0x1000;
const CHILD: u32 = 0x1001;
const CHILDS_SLOT: Slot = Slot(1);
const RUN: u32 = EnvStatus::Runnable as u32;
const STOP: u32 = EnvStatus::NotRunnable as u32;
/// Where the parent has a state.
const PAGE: u32 = 0x40_0000;
/// The child's, which it wants a page at.
const WINDOW: u32 = 0x50_0000;

fn call(machine: &mut Machine<'_>, call: Call, arguments: &[u32]) -> Answer {
    let mut all = [0; 5];
    all[..arguments.len()].copy_from_slice(arguments);
    let answer = machine.call(CPU0, call, all);
    if answer == Answer::Left(None) {
        return answer;
    }
    machine.calm_down();
    machine.check().expect("all is well");
    answer
}

/// Two CPUs, an environment with two pages, and its child, which has not been started.
fn with_unborn(test: impl FnOnce(&mut Machine<'_>)) {
    let spec = Spec {
        cpus: 2,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    for va in [PAGE, PAGE + PGSIZE] {
        let answer = call(&mut machine, Call::PageAlloc, &[0, va, 7]);
        assert_eq!(answer, Answer::Value(0));
    }
    assert_eq!(call(&mut machine, Call::Exofork, &[]), Answer::Value(CHILD));
    test(&mut machine);
}

/// The same, and the child runs on the second CPU.
fn with_child(test: impl FnOnce(&mut Machine<'_>)) {
    with_unborn(|machine| {
        let stack = abi::layout::USTACKTOP - PGSIZE;
        call(machine, Call::PageAlloc, &[CHILD, stack, 7]);
        call(machine, Call::EnvSetStatus, &[CHILD, RUN]);
        assert_eq!(machine.env_on(CPU1).map(|id| id.0 as u32), Some(CHILD));
        test(machine);
    });
}

/// The child makes a call, by `sysenter` if `fast`.
fn child_calls(machine: &mut Machine<'_>, fast: bool, call: Call, arguments: [u32; 5]) {
    let number = Personality::Lab4.number(call).expect("lab 4 has it");
    let frame = &mut machine.cpu_mut(CPU1).frame;
    set_call(frame, number, arguments);
    let event = if fast {
        frame.esp = abi::layout::USTACKTOP - 8;
        frame.regs.esi = frame.eip;
        let esp = frame.esp;
        machine.store(CPU1, esp, arguments[4]);
        Event::FastSyscall
    } else {
        Event::Syscall
    };
    machine.call_by(CPU1, Personality::Lab4, event);
    machine.calm_down();
}

fn wait(machine: &Machine<'_>) -> Wait {
    machine.kernel.envs()[CHILDS_SLOT].wait
}

/// Takes the child's state. If the child is on a CPU, the call is made again.
fn take(machine: &mut Machine<'_>) -> EnvState {
    call(machine, Call::EnvGetState, &[CHILD, PAGE]);
    while machine.env_on(CPU0).is_none() {
        machine.calm_down();
    }
    assert_eq!(machine.cpu(CPU0).frame.regs.eax, 0);
    state(machine)
}

fn state(machine: &mut Machine<'_>) -> EnvState {
    let words =
        std::array::from_fn(|index| machine.load(CPU0, PAGE + index as u32 * 4).expect("mapped"));
    EnvState::from_words(&words)
}

fn give(machine: &mut Machine<'_>, state: &EnvState) -> Answer {
    for (place, word) in (PAGE..).step_by(4).zip(state.words()) {
        machine.store(CPU0, place, word);
    }
    call(machine, Call::EnvSetState, &[CHILD, PAGE])
}

#[test]
fn only_ones_own_stopped_child_has_a_state() {
    with_child(|machine| {
        for id in [0, PARENT] {
            for of in [Call::EnvGetState, Call::EnvSetState] {
                let answer = call(machine, of, &[id, PAGE]);
                assert_eq!(answer, Answer::Failed(Error::Inval));
            }
        }
        for id in [0x2001, 7] {
            for of in [Call::EnvGetState, Call::EnvSetState] {
                let answer = call(machine, of, &[id, PAGE]);
                assert_eq!(answer, Answer::Failed(Error::BadEnv));
            }
        }
        // It runs.
        let answer = call(machine, Call::EnvSetState, &[CHILD, PAGE]);
        assert_eq!(answer, Answer::Failed(Error::Inval));
        // A child has no right to its parent.
        let number = Personality::Lab4.number(Call::EnvGetState);
        let number = number.expect("an extension");
        let answer =
            machine.call_number(CPU1, Personality::Lab4, number, [PARENT, WINDOW, 0, 0, 0]);
        assert_eq!(answer, Answer::Left(None), "it has no page there");
    });
}

#[test]
fn a_running_child_is_stopped_where_it_is() {
    with_child(|machine| {
        machine.cpu_mut(CPU1).frame.regs.ebx = 0x1234;
        machine.cpu_mut(CPU1).frame.eip = 0x80_0123;
        let state = take(machine);
        assert_eq!((state.frame.eip, state.frame.regs.ebx), (0x80_0123, 0x1234));
        assert_eq!(state.pending, EnvState::NOTHING);
        assert_eq!(state.float_format, EnvState::NO_FLOAT);
        assert_eq!(machine.env_on(CPU1), None);
        // It was on its way into the kernel when it was stopped.
        call(machine, Call::EnvSetStatus, &[CHILD, RUN]);
        set_call(&mut machine.cpu_mut(CPU1).frame, 2, [0; 5]);
        machine.wait(CPU1, Event::Syscall);
        let state = take(machine);
        assert_eq!(state.pending, EnvState::INT_CALL);
        call(machine, Call::EnvSetStatus, &[CHILD, RUN]);
        assert_eq!(machine.cpu(CPU1).frame.regs.eax, CHILD, "getenvid was made");
    });
}

#[test]
fn x87_registers_come_back() {
    with_child(|machine| {
        let use_fpu = |machine: &mut Machine<'_>, new| {
            machine.use_fpu(CPU1, new).unwrap_or_else(|| {
                machine.enter(CPU1);
                machine.complete();
                machine.use_fpu(CPU1, new).expect("they are lent")
            })
        };
        assert_eq!(use_fpu(machine, 7), 0);
        let early = take(machine);
        assert_eq!(early.float_format, EnvState::FXSAVE);
        call(machine, Call::EnvSetStatus, &[CHILD, RUN]);
        assert_eq!(use_fpu(machine, 9), 7);
        take(machine);
        assert_eq!(give(machine, &early), Answer::Value(0));
        call(machine, Call::EnvSetStatus, &[CHILD, RUN]);
        assert_eq!(use_fpu(machine, 9), 7);
        // Bits that MXCSR has not would fault in the kernel; those that it has are kept.
        let mut hostile = take(machine);
        hostile.float[EnvState::MXCSR] = 0xffff_1f80;
        assert_eq!(give(machine, &hostile), Answer::Value(0));
        assert_eq!(take(machine).float[EnvState::MXCSR], 0x1f80);
        call(machine, Call::EnvSetStatus, &[CHILD, RUN]);
        assert_eq!(use_fpu(machine, 9), 9);
        // And a state without any leaves none behind.
        let none = EnvState {
            float_format: EnvState::NO_FLOAT,
            ..take(machine)
        };
        assert_eq!(give(machine, &none), Answer::Value(0));
        call(machine, Call::EnvSetStatus, &[CHILD, RUN]);
        assert_eq!(use_fpu(machine, 1), 0);
    });
}

/// Has the child wait, takes its state, lets it go on, and expects it to wait again with
/// the same arguments. What it was before is in its registers: the number of the call.
fn waits_again(fast: bool, of: Call, arguments: [u32; 5]) {
    with_child(|machine| {
        child_calls(machine, fast, of, arguments);
        let before = wait(machine);
        assert_ne!(before, Wait::Nothing, "{of:?} waits");
        let window = machine.kernel.envs()[CHILDS_SLOT].inbox.dstva;
        let state = take(machine);
        assert_eq!(wait(machine), Wait::Nothing);
        assert_ne!(state.pending, EnvState::NOTHING, "{of:?}");
        assert_eq!(
            state.frame.regs.eax,
            Personality::Lab4.number(of).unwrap_or(0)
        );
        // In the same environment, and from the state.
        for given in [false, true] {
            if given {
                take(machine);
                assert_eq!(give(machine, &state), Answer::Value(0));
            }
            call(machine, Call::EnvSetStatus, &[CHILD, RUN]);
            assert_eq!(wait(machine), before, "{of:?} again");
            let env = &machine.kernel.envs()[CHILDS_SLOT];
            assert_eq!(env.inbox.dstva, window, "{of:?}, fast: {fast}");
        }
    });
}

#[test]
fn a_wait_is_begun_again() {
    let wants = WANTS_PAGE;
    for fast in [false, true] {
        waits_again(fast, Call::Getc, [0; 5]);
        waits_again(fast, Call::IpcRecv, [WINDOW, 0, 0, 0, 0]);
        waits_again(fast, Call::IpcSend, [PARENT, 5, UTOP, 0, 0]);
        waits_again(fast, Call::IpcCall, [PARENT, 0, 5, 6, WINDOW]);
        waits_again(fast, Call::IpcCall, [PARENT, wants, 5, 6, WINDOW]);
        waits_again(fast, Call::IpcReply, [0, 0, 0, 0, WINDOW]);
        waits_again(fast, Call::IpcReply, [0, wants, 0, 0, WINDOW]);
        waits_again(fast, Call::SleepUntil, [0, 1, 0, 0, 0]);
    }
}

#[test]
fn nobody_takes_a_stopped_child_for_one_that_waits() {
    with_child(|machine| {
        let shown = |machine: &Machine<'_>| {
            let entry = machine.kernel.config().uenvs + PUBLIC_ENV_STRIDE;
            let offset = std::mem::offset_of!(PublicEnv, ipc_recving) as u32;
            machine.kernel.memory().read(entry + offset)
        };
        child_calls(machine, false, Call::IpcRecv, [UTOP, 0, 0, 0, 0]);
        assert_eq!(shown(machine), 1);
        take(machine);
        assert_eq!(shown(machine), 0);
        let sent = call(machine, Call::IpcTrySend, &[CHILD, 5, UTOP, 0]);
        assert_eq!(sent, Answer::Failed(Error::IpcNotRecv));
        call(machine, Call::EnvSetStatus, &[CHILD, RUN]);
        let sent = call(machine, Call::IpcTrySend, &[CHILD, 5, UTOP, 0]);
        assert_eq!(sent, Answer::Value(0));
        assert_eq!(machine.cpu(CPU1).frame.regs.eax, 0);
    });
}

#[test]
fn a_request_that_was_taken_is_not_made_twice() {
    with_child(|machine| {
        child_calls(machine, false, Call::IpcCall, [PARENT, 0, 5, 6, 0]);
        assert_eq!(
            call(machine, Call::IpcReply, &[0, 0, 0, 0]),
            Answer::Value(CHILD)
        );
        assert_eq!(wait(machine), Wait::Reply(Slot(0)));
        let state = take(machine);
        assert_eq!(state.pending, EnvState::NOTHING);
        assert_eq!(state.frame.regs.eax, (Error::Inval as u32).wrapping_neg());
        let reply = call(machine, Call::IpcReply, &[CHILD, 0, 0, 0]);
        assert_eq!(reply, Answer::Failed(Error::IpcNotRecv));
    });
}

#[test]
fn an_exception_on_its_way_is_raised_later() {
    with_child(|machine| {
        let frame = &mut machine.cpu_mut(CPU1).frame;
        (frame.trapno, frame.err) = (Vector::BREAKPOINT.0, 0);
        machine.wait(CPU1, Event::Exception);
        let state = take(machine);
        assert_eq!(state.pending, EnvState::EXCEPTION);
        for vector in [Vector::NMI, Vector::NO_FPU, Vector::PAGE_FAULT, Vector(99)] {
            let mut wrong = state;
            wrong.frame.trapno = vector.0;
            assert_eq!(give(machine, &wrong), Answer::Failed(Error::Inval));
        }
        assert_eq!(give(machine, &state), Answer::Value(0));
        call(machine, Call::EnvSetStatus, &[CHILD, RUN]);
        assert!(
            !machine.kernel.envs()[CHILDS_SLOT].alive,
            "it had no handler"
        );
    });
}

#[test]
fn a_state_that_does_not_fit_changes_nothing() {
    with_child(|machine| {
        let good = take(machine);
        assert_eq!(give(machine, &good), Answer::Value(0));
        let wrongs: [fn(&mut EnvState); 9] = [
            |state| state.pending = 4,
            |state| state.exception_mask = 4,
            |state| state.heap_start = state.heap_end + 1,
            |state| state.heap_end = 0x7fff_f001,
            |state| state.personality = 6,
            // It has run.
            |state| state.personality = 3,
            |state| state.env_type = 1,
            |state| state.float_format = EnvState::FNSAVE,
            |state| state.reserved = 1,
        ];
        for wrong in wrongs {
            let mut state = good;
            wrong(&mut state);
            let before = machine.kernel.envs()[CHILDS_SLOT];
            assert_eq!(give(machine, &state), Answer::Failed(Error::Inval));
            assert_eq!(machine.kernel.envs()[CHILDS_SLOT], before);
        }
    });
}

#[test]
fn registers_are_those_of_a_program_whatever_a_state_says() {
    with_unborn(|machine| {
        let mut state = take(machine);
        state.frame.cs = 8;
        state.frame.ss = 0x10;
        state.frame.eflags = u32::MAX;
        state.frame.eip = 0xf010_0000;
        state.personality = Personality::Lab6 as u32;
        assert_eq!(give(machine, &state), Answer::Value(0));
        let env = &machine.kernel.envs()[CHILDS_SLOT];
        assert_eq!(env.frame, state.frame.sanitised());
        assert_eq!(env.personality, Personality::Lab6);
        assert_eq!(env.frame.eflags & 0x3000, 0);
    });
}

#[test]
fn a_half_printed_text_goes_on_where_it_stopped() {
    let spec = Spec {
        console: 6 * 1024,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let machine = &mut machine;
    machine.uart.instant = false;
    let state_page = PAGE + 4 * PGSIZE;
    for va in [PAGE, state_page] {
        machine.call(CPU0, Call::PageAlloc, [0, va, 7, 0, 0]);
    }
    for index in 0..1000 {
        machine.store(CPU0, PAGE + index * 4, 0x6162_6364 + index % 8);
    }
    assert_eq!(
        machine.call(CPU0, Call::Exofork, [0; 5]),
        Answer::Value(CHILD)
    );
    machine.call(CPU0, Call::PageMap, [0, PAGE, CHILD, PAGE, 7]);
    machine.call(CPU0, Call::EnvSetStatus, [CHILD, RUN, 0, 0, 0]);
    machine.call(CPU0, Call::Yield, [0; 5]);
    assert_eq!(machine.env_on(CPU0).map(|id| id.0 as u32), Some(CHILD));
    machine.call(CPU0, Call::Cputs, [PAGE, 4000, 0, 0, 0]);
    assert_eq!(machine.kernel.envs()[CHILDS_SLOT].wait, Wait::Console);
    let answer = machine.call(CPU0, Call::EnvGetState, [CHILD, state_page, 0, 0, 0]);
    if answer != Answer::Value(0) {
        // The console is too full for any call.
        while machine.env_on(CPU0).map(|id| id.0 as u32) != Some(PARENT) {
            machine.console_ready(CPU0);
            machine.calm_down();
        }
        assert_eq!(machine.cpu(CPU0).frame.regs.eax, 0);
    }
    let printed = machine.load(CPU0, state_page + 72).expect("mapped");
    assert!(printed > 0 && printed < 4000, "{printed} bytes");
    let set = [CHILD, state_page, 0, 0, 0];
    let answer = machine.call(CPU0, Call::EnvSetState, set);
    assert_eq!(answer, Answer::Value(0));
    machine.uart.instant = true;
    machine.console_ready(CPU0);
    machine.call(CPU0, Call::EnvSetStatus, [CHILD, RUN, 0, 0, 0]);
    for _ in 0..50 {
        machine.call(CPU0, Call::Yield, [0; 5]);
        machine.calm_down();
    }
    let text: Vec<u8> = (0..1000)
        .flat_map(|index: u32| (0x6162_6364 + index % 8).to_le_bytes())
        .collect();
    assert_eq!(machine.uart.output, text);
}

#[test]
fn a_stopped_child_is_stopped_also_if_nobody_waits_for_the_call() {
    with_child(|machine| {
        let set = machine.call(CPU0, Call::EnvGetState, [CHILD, PAGE, 0, 0, 0]);
        assert_eq!(set, Answer::Left(None), "the child is on a CPU");
        assert!(!machine.kernel.envs()[CHILDS_SLOT].runnable);
        assert_ne!(machine.cpu(CPU1).mode, Mode::User);
        machine.calm_down();
        call(machine, Call::EnvSetStatus, &[CHILD, STOP]);
    });
}

/// What a parent gives its child, or replaces: the number in x87 registers.
const GIVEN: u32 = 5;

/// A parent was stopped when it was about to make a call about its child. `leave` has the child
/// leave CPU 1, with registers that are saved only when the step is over. The parent comes next
/// and makes its call, and `test` sees what came of it.
fn pending_call(
    of: Call,
    leave: impl FnOnce(&mut Machine<'_>),
    test: impl FnOnce(&mut Machine<'_>),
) {
    const GRANDCHILD: u32 = 0x1002;
    with_child(|machine| {
        let call_on_1 = |machine: &mut Machine<'_>, number: Call, arguments: [u32; 5]| {
            let answer = machine.call(CPU1, number, arguments);
            machine.calm_down();
            answer
        };
        for va in [PAGE, PAGE + PGSIZE] {
            call_on_1(machine, Call::PageAlloc, [0, va, 7, 0, 0]);
        }
        let born = call_on_1(machine, Call::Exofork, [0; 5]);
        assert_eq!(born, Answer::Value(GRANDCHILD));
        let state = EnvState {
            float_format: EnvState::FXSAVE,
            float: std::array::from_fn(|index| if index == 40 { GIVEN } else { 0 }),
            personality: Personality::Lab4 as u32,
            ..EnvState::default()
        };
        for (place, word) in (PAGE..).step_by(4).zip(state.words()) {
            machine.store(CPU1, place, word);
        }
        call_on_1(machine, Call::EnvSetStatus, [GRANDCHILD, RUN, 0, 0, 0]);
        let number = Personality::Lab4.number(of).expect("a call");
        let arguments = [GRANDCHILD, PAGE, 0, 0, 0];
        set_call(&mut machine.cpu_mut(CPU1).frame, number, arguments);
        machine.trap(CPU1, Event::Syscall);
        call(machine, Call::EnvSetStatus, &[CHILD, STOP]);
        let on_1 = |machine: &Machine<'_>| machine.env_on(CPU1).map(|id| id.0 as u32);
        assert_eq!(on_1(machine), Some(GRANDCHILD));
        assert_eq!(machine.use_fpu(CPU1, 7), None);
        machine.calm_down();
        assert_eq!(machine.use_fpu(CPU1, 7), Some(0));
        call(machine, Call::EnvSetStatus, &[CHILD, RUN]);
        leave(machine);
        machine.calm_down();
        assert_eq!(on_1(machine), Some(CHILD));
        assert_eq!(machine.cpu(CPU1).frame.regs.eax, 0);
        test(machine);
    });
}

#[test]
fn registers_that_are_on_their_way_to_memory_are_waited_for() {
    let tick = |machine: &mut Machine<'_>| machine.tick(CPU1);
    pending_call(Call::EnvGetState, tick, |machine| {
        let number = machine.load(CPU1, PAGE + 4 * (EnvState::HEAD as u32 + 40));
        assert_eq!(number, Some(7));
    });
}

#[test]
fn registers_that_were_given_are_not_overwritten() {
    let stop = |machine: &mut Machine<'_>| {
        machine.call(CPU1, Call::EnvSetStatus, [0, STOP, 0, 0, 0]);
    };
    pending_call(Call::EnvSetState, stop, |machine| {
        assert_eq!(machine.saved_registers(Slot(2)).number(), GIVEN);
    });
}

/// A child that begins with a call may wait in it before it has executed an instruction. What was
/// kept of FS and GS for its slot is dropped all the same: it is not the child's.
#[test]
fn a_child_that_waits_at_once_inherits_no_data_segments() {
    with_unborn(|machine| {
        let mut given = take(machine);
        given.pending = EnvState::INT_CALL;
        let number = Personality::Lab4.number(Call::IpcRecv);
        let arguments = [UTOP, 0, 0, 0, 0];
        set_call(&mut given.frame, number.expect("lab 4 has it"), arguments);
        assert_eq!(give(machine, &given), Answer::Value(0));
        machine.call(CPU0, Call::EnvSetStatus, [CHILD, RUN, 0, 0, 0]);
        let mut frame = machine.cpu(CPU1).frame;
        let now = machine.now;
        let step = machine.kernel.step(CPU1, now, Event::Wake, &mut frame);
        assert_eq!(machine.kernel.envs()[CHILDS_SLOT].wait, Wait::Message);
        assert!(step.is_first(), "{step:?}");
        assert_eq!(machine.kernel.outbox().id.0 as u32, CHILD);
    });
}
