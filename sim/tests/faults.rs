//! Page faults that programs handle themselves: where the frame goes, and every way
//! in which a fault can end the program. And breakpoints.

use abi::layout::{PGSIZE, USTACKTOP, UXSTACKTOP};
use abi::trap::Vector;
use abi::{Call, TrapFrame};
use kcore::{CpuId, Event, Step, ToResume};
use sim::machine::call::Answer;
use sim::machine::{Machine, Spec, Store};

const CPU0: CpuId = CpuId(0);
/// An address where nothing is mapped.
const NOWHERE: u32 = 0x1234_5678;
/// The handler.
const HANDLER: u32 = 0x80_0abc;
/// The page of the exception stack, and the one below it.
const EXCEPTION_STACK: u32 = UXSTACKTOP - PGSIZE;
const GUARD: u32 = EXCEPTION_STACK - PGSIZE;
/// Where a frame goes if the exception stack is empty.
const TOP: u32 = 0xeebf_ffcc;
const RW: u32 = 7;
const RO: u32 = 5;

/// Pages, each with its permissions.
type Pages = &'static [(u32, u32)];

/// Runs a program that has registered a handler and mapped these pages.
fn with_handler<R>(pages: Pages, f: impl FnOnce(&mut Machine<'_>) -> R) -> R {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    for &(va, perm) in pages {
        let answer = machine.call(CPU0, Call::PageAlloc, [0, va, perm, 0, 0]);
        assert_eq!(answer, Answer::Value(0));
    }
    let answer = machine.call(CPU0, Call::EnvSetPgfaultUpcall, [0, HANDLER, 0, 0, 0]);
    assert_eq!(answer, Answer::Value(0));
    f(&mut machine)
}

/// The program writes to [`NOWHERE`] with this stack pointer. Returns its registers
/// in the handler, or what the kernel printed when it ended the program.
fn fault(machine: &mut Machine<'_>, esp: u32) -> Result<TrapFrame, String> {
    machine.cpu_mut(CPU0).frame.esp = esp;
    machine.page_fault(CPU0, NOWHERE, true);
    machine.enter(CPU0);
    machine.calm_down();
    assert_eq!(machine.check(), Ok(()));
    match machine.env_on(CPU0) {
        Some(_) => Ok(machine.cpu(CPU0).frame),
        None => Err(String::from_utf8_lossy(&machine.uart.output).into_owned()),
    }
}

fn assertion_failure(va: u32) -> String {
    format!("[00001000] user_mem_check assertion failure for va {va:08x}\n")
}

#[test]
fn the_frame_goes_below_the_stack_pointer_or_to_the_top() {
    for (esp, place) in [
        (0, TOP),
        (USTACKTOP, TOP),
        (EXCEPTION_STACK - 1, TOP),
        (EXCEPTION_STACK + 56, EXCEPTION_STACK),
        (EXCEPTION_STACK + 57, EXCEPTION_STACK + 1),
        (TOP, TOP - 56),
        (UXSTACKTOP - 1, UXSTACKTOP - 57),
        (UXSTACKTOP, TOP),
        (u32::MAX, TOP),
    ] {
        with_handler(&[(EXCEPTION_STACK, RW)], |machine| {
            let frame = fault(machine, esp).expect("it goes on");
            assert_eq!((frame.eip, frame.esp), (HANDLER, place), "{esp:#x}");
            if place.is_multiple_of(4) {
                assert_eq!(machine.load(CPU0, place), Some(NOWHERE));
                assert_eq!(machine.load(CPU0, place + 48), Some(esp));
            }
        });
    }
}

#[test]
fn a_frame_may_lie_on_two_pages() {
    with_handler(&[(EXCEPTION_STACK, RW), (GUARD, RW)], |machine| {
        let frame = fault(machine, EXCEPTION_STACK + 16).expect("it goes on");
        assert_eq!(frame.esp, EXCEPTION_STACK - 40);
        assert_eq!(machine.load(CPU0, frame.esp), Some(NOWHERE));
        assert_eq!(
            machine.load(CPU0, frame.esp + 48),
            Some(EXCEPTION_STACK + 16)
        );
    });
}

#[test]
fn a_handler_that_faults_has_room_for_73_frames() {
    with_handler(&[(EXCEPTION_STACK, RW)], |machine| {
        let mut esp = USTACKTOP;
        for depth in 0..73 {
            esp = fault(machine, esp).expect("there is room").esp;
            assert_eq!(esp, TOP - 56 * depth);
        }
        let said = fault(machine, esp).expect_err("the stack is full");
        assert!(said.contains(&assertion_failure(0xeebf_efd4)), "{said}");
        assert!(!said.contains("user fault"), "{said}");
    });
}

#[test]
fn a_bad_exception_stack_is_the_end() {
    let cases: [(Pages, u32, u32); 5] = [
        // No exception stack; one that is read-only.
        (&[], USTACKTOP, TOP),
        (&[(EXCEPTION_STACK, RO)], USTACKTOP, TOP),
        (&[(EXCEPTION_STACK, RO)], TOP, TOP - 56),
        // No room; the part that would lie on the stack's page is not written.
        (
            &[(EXCEPTION_STACK, RW)],
            EXCEPTION_STACK,
            EXCEPTION_STACK - 56,
        ),
        // The page below can be written, and the stack's own cannot.
        (
            &[(EXCEPTION_STACK, RO), (GUARD, RW)],
            EXCEPTION_STACK + 16,
            EXCEPTION_STACK,
        ),
    ];
    for (pages, esp, bad) in cases {
        with_handler(pages, |machine| {
            let said = fault(machine, esp).expect_err("it ends");
            assert!(said.contains(&assertion_failure(bad)), "{said}");
            assert!(!said.contains("user fault"), "{said}");
        });
    }
}

#[test]
fn without_a_handler_a_page_fault_is_the_end() {
    with_handler(&[(EXCEPTION_STACK, RW)], |machine| {
        machine.call(CPU0, Call::EnvSetPgfaultUpcall, [0; 5]);
        let said = fault(machine, USTACKTOP).expect_err("it ends");
        let eip = 0x80_0020;
        let line = format!("[00001000] user fault va {NOWHERE:08x} ip {eip:08x}\n");
        assert!(said.contains(&line), "{said}");
    });
}

#[test]
fn a_breakpoint_stops_in_the_monitor_only_for_graders() {
    for vector in [Vector::BREAKPOINT, Vector::DEBUG, Vector::DIVIDE] {
        for grading in [false, true] {
            let spec = Spec {
                grading,
                ..Spec::default()
            };
            let mut store = Store::new(&spec);
            let mut machine = Machine::with_one_env(&mut store, spec);
            let mut frame = machine.cpu(CPU0).frame;
            frame.trapno = vector.0;
            let before = frame;
            let step = machine.kernel.step(CPU0, 0, Event::Exception, &mut frame);
            let stops = Step::Resume(ToResume::BREAK);
            if grading && vector != Vector::DIVIDE {
                assert_eq!((step, frame), (stops, before));
            } else {
                assert!(matches!(step, Step::Again(_)), "{vector:?} {grading}");
            }
        }
    }
}
