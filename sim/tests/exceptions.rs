//! Exceptions of every kind that programs handle themselves: where the frame goes and
//! what is in it, with which flags the handler begins, and what comes first.

use abi::exception::DELIVERABLE;
use abi::layout::{PGSIZE, USTACKTOP, UXSTACKTOP};
use abi::trap::{FLAG_AC, FLAG_DF, FLAG_IF, FLAG_NT, FLAG_ONE, FLAG_RF, FLAG_TF, Vector};
use abi::{Call, Error, TrapFrame};
use kcore::{CpuId, Event, Step, ToResume};
use sim::machine::call::Answer;
use sim::machine::{Machine, Spec, Store};

const CPU0: CpuId = CpuId(0);
/// An address where nothing is mapped.
const NOWHERE: u32 = 0x1234_5678;
/// The handler of exceptions, and JOS's of page faults.
const HANDLER: u32 = 0x80_0abc;
const UPCALL: u32 = 0x80_0def;
/// The page of the exception stack.
const EXCEPTION_STACK: u32 = UXSTACKTOP - PGSIZE;
/// Where a frame goes if the exception stack is empty: one of ours, and JOS's.
const TOP: u32 = 0xeebf_ffc8;
const JOS_TOP: u32 = 0xeebf_ffcc;
const PAGE_FAULT: u32 = 1 << 14;

/// Runs a program with an exception stack, both handlers, and these exceptions.
fn with_handlers<R>(mask: u32, f: impl FnOnce(&mut Machine<'_>) -> R) -> R {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    for (call, arguments) in [
        (Call::PageAlloc, [0, EXCEPTION_STACK, 7, 0, 0]),
        (Call::EnvSetPgfaultUpcall, [0, UPCALL, 0, 0, 0]),
        (Call::EnvSetExceptionUpcall, [0, HANDLER, mask, 0, 0]),
    ] {
        assert_eq!(machine.call(CPU0, call, arguments), Answer::Value(0));
    }
    f(&mut machine)
}

/// The program's registers after an exception, or what the kernel printed when it
/// ended the program.
fn after(machine: &mut Machine<'_>) -> Result<TrapFrame, String> {
    machine.enter(CPU0);
    machine.calm_down();
    assert_eq!(machine.check(), Ok(()));
    match machine.env_on(CPU0) {
        Some(_) => Ok(machine.cpu(CPU0).frame),
        None => Err(String::from_utf8_lossy(&machine.uart.output).into_owned()),
    }
}

fn raise(machine: &mut Machine<'_>, vector: Vector) -> Result<TrapFrame, String> {
    machine.exception(CPU0, vector, 0x5a);
    after(machine)
}

/// The words at an address.
fn words<const N: usize>(machine: &mut Machine<'_>, va: u32) -> [u32; N] {
    let word = |index| machine.load(CPU0, va + 4 * index as u32);
    std::array::from_fn(word).map(|word| word.expect("readable"))
}

#[test]
fn each_vector_of_the_mask_goes_to_the_handler_and_no_other() {
    for vector in (0..20).filter(|&vector| vector != 14 && DELIVERABLE >> vector & 1 != 0) {
        with_handlers(1 << vector, |machine| {
            let frame = raise(machine, Vector(vector)).expect("it goes on");
            assert_eq!((frame.eip, frame.esp), (HANDLER, TOP), "{vector}");
        });
        with_handlers(DELIVERABLE & !(1 << vector), |machine| {
            let said = raise(machine, Vector(vector)).expect_err("it ends");
            let line = format!("  trap 0x{vector:08x} {}\n", Vector(vector).name());
            assert!(said.contains(&line), "{said}");
        });
    }
}

#[test]
fn the_frame_is_joss_and_the_vector() {
    with_handlers(DELIVERABLE, |machine| {
        let mut before = TrapFrame::start(0x80_1234, USTACKTOP - 40);
        before.regs = abi::PushRegs {
            edi: 1,
            esi: 2,
            ebp: 3,
            oesp: 4,
            ebx: 5,
            edx: 6,
            ecx: 7,
            eax: 8,
        };
        machine.cpu_mut(CPU0).frame = before;
        let frame = raise(machine, Vector::ALIGNMENT).expect("it goes on");
        assert_eq!(frame.regs, before.regs);
        let flags = before.eflags;
        assert_eq!(
            words(machine, TOP),
            [
                0,
                0x5a,
                1,
                2,
                3,
                4,
                5,
                6,
                7,
                8,
                0x80_1234,
                flags,
                USTACKTOP - 40,
                17
            ]
        );
    });
}

/// TF in the handler would raise the next debug exception at its first instruction.
#[test]
fn the_handler_begins_without_tf_nt_rf_and_ac() {
    with_handlers(DELIVERABLE, |machine| {
        let kept = FLAG_ONE | FLAG_IF | FLAG_DF;
        let eflags = kept | FLAG_TF | FLAG_NT | FLAG_RF | FLAG_AC;
        machine.cpu_mut(CPU0).frame.eflags = eflags;
        let frame = raise(machine, Vector::DEBUG).expect("it goes on");
        assert_eq!(frame.eflags, kept);
        assert_eq!(words(machine, TOP + 44), [eflags & !FLAG_RF]);
    });
}

#[test]
fn the_frame_goes_below_the_stack_pointer_or_to_the_top() {
    for (esp, place) in [
        (0, TOP),
        (USTACKTOP, TOP),
        (EXCEPTION_STACK - 1, TOP),
        (EXCEPTION_STACK + 68, EXCEPTION_STACK),
        (TOP, TOP - 68),
        (JOS_TOP, JOS_TOP - 68),
        (UXSTACKTOP - 1, UXSTACKTOP - 69),
        (UXSTACKTOP, TOP),
    ] {
        with_handlers(DELIVERABLE, |machine| {
            machine.cpu_mut(CPU0).frame.esp = esp;
            let frame = raise(machine, Vector::DIVIDE).expect("it goes on");
            assert_eq!((frame.eip, frame.esp), (HANDLER, place), "{esp:#x}");
        });
    }
    with_handlers(DELIVERABLE, |machine| {
        machine.cpu_mut(CPU0).frame.esp = EXCEPTION_STACK + 67;
        let said = raise(machine, Vector::DIVIDE).expect_err("no room");
        let bad = EXCEPTION_STACK - 1;
        let line = format!("[00001000] user_mem_check assertion failure for va {bad:08x}\n");
        assert!(said.contains(&line), "{said}");
        assert!(!said.contains("TRAP frame"), "{said}");
    });
}

#[test]
fn a_page_fault_is_joss_unless_it_is_asked_for() {
    let fault = |mask: u32| {
        with_handlers(mask, |machine| {
            machine.cpu_mut(CPU0).frame.eflags |= FLAG_TF;
            machine.page_fault(CPU0, NOWHERE, true);
            let frame = after(machine).expect("it goes on");
            let [va, error] = words(machine, frame.esp);
            assert_eq!((va, error), (NOWHERE, 6));
            (frame.eip, frame.esp, frame.eflags & FLAG_TF)
        })
    };
    for mask in [0, DELIVERABLE & !PAGE_FAULT] {
        assert_eq!(fault(mask), (UPCALL, JOS_TOP, FLAG_TF));
    }
    for mask in [PAGE_FAULT, DELIVERABLE] {
        assert_eq!(fault(mask), (HANDLER, TOP, 0));
    }
}

#[test]
fn some_vectors_are_refused() {
    with_handlers(DELIVERABLE, |machine| {
        for vector in (0..32).filter(|vector| DELIVERABLE >> vector & 1 == 0) {
            let mask = 1 << vector | 1;
            let answer = machine.call(CPU0, Call::EnvSetExceptionUpcall, [0, 1, mask, 0, 0]);
            assert_eq!(answer, Answer::Failed(Error::Inval), "{vector}");
        }
        // What there was still holds.
        let frame = raise(machine, Vector::OVERFLOW).expect("it goes on");
        assert_eq!(frame.eip, HANDLER);
    });
}

#[test]
fn a_child_begins_without() {
    with_handlers(DELIVERABLE, |machine| {
        let child = machine.call(CPU0, Call::Exofork, [0; 5]);
        assert_eq!(child, Answer::Value(0x1001));
        let slot = kcore::Slot(1);
        assert_eq!(machine.kernel.envs()[slot].exceptions.mask, 0);
        let arguments = [0x1001, HANDLER, 1 << 6, 0, 0];
        let answer = machine.call(CPU0, Call::EnvSetExceptionUpcall, arguments);
        assert_eq!(answer, Answer::Value(0));
        assert_eq!(machine.kernel.envs()[slot].exceptions.mask, 1 << 6);
        assert_eq!(machine.check(), Ok(()));
        let answer = machine.call(CPU0, Call::EnvDestroy, [0x1001, 0, 0, 0, 0]);
        assert_eq!(answer, Answer::Value(0));
        assert_eq!(machine.check(), Ok(()));
    });
}

/// Graders expect breakpoints in the monitor, whatever the program wants.
#[test]
fn the_graders_monitor_comes_first() {
    let spec = Spec {
        grading: true,
        ..Spec::default()
    };
    for vector in [Vector::DEBUG, Vector::BREAKPOINT, Vector::INVALID_OPCODE] {
        let mut store = Store::new(&spec);
        let mut machine = Machine::with_one_env(&mut store, spec);
        machine.call(CPU0, Call::PageAlloc, [0, EXCEPTION_STACK, 7, 0, 0]);
        let arguments = [0, HANDLER, DELIVERABLE, 0, 0];
        machine.call(CPU0, Call::EnvSetExceptionUpcall, arguments);
        let mut frame = machine.cpu(CPU0).frame;
        frame.trapno = vector.0;
        let eip = frame.eip;
        let step = machine.kernel.step(CPU0, 0, Event::Exception, &mut frame);
        let stops = step == Step::Resume(ToResume::BREAK) && frame.eip == eip;
        assert_eq!(stops, vector != Vector::INVALID_OPCODE, "{vector:?}");
        assert_eq!(frame.eip == HANDLER, !stops, "{vector:?}");
    }
}
