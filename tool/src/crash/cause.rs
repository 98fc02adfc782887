//! Why a program was ended, in a sentence or two: the likely cause, from the address and
//! the registers.
//!
//! The hard thing is to say no more than is known. What is certain is said as such; a
//! guess says that it is one. With a [`Scene`], which has the page tables of that moment,
//! more is certain.

use abi::layout::{PGSIZE, PTSIZE, ULIM, USTACKTOP, UTOP, UXSTACKTOP};
use abi::trap::{FAULT_PROTECTION, FAULT_WRITE, UTRAP_FRAME_SIZE, Vector};

use super::death::{Trap, What};
use super::scene::Scene;

/// Addresses below this are taken for a null pointer and an offset.
const NEAR_NULL: u32 = 0x1_0000;
/// As far from the stack pointer, an access is taken for one of the stack.
const NEAR_STACK: u32 = 0x1_0000;
/// In the error code of a protection fault: it was about an entry of the interrupt table.
const ABOUT_INTERRUPT: u32 = 2;

/// What kind of end it was, for a heading.
pub fn kind(what: &What) -> String {
    match what {
        What::Trap(trap) if trap.vector == Vector::PAGE_FAULT => "a page fault".into(),
        What::Trap(trap) => format!("exception {}, {}", trap.vector.0, trap.vector.name()),
        What::Panic(_) => "a panic".into(),
        What::BadAddress(_) => "a bad address".into(),
    }
}

/// The likely cause.
pub fn cause(what: &What, scene: Option<&Scene>) -> String {
    match what {
        What::Trap(trap) => match trap.cr2 {
            Some(va) if trap.vector == Vector::PAGE_FAULT => page_fault(va, trap, scene),
            _ => exception(trap, scene),
        },
        What::Panic(panic) => format!("{}: {}", panic.place, panic.message),
        What::BadAddress(va) => bad_address(*va, scene),
    }
}

fn page_fault(va: u32, trap: &Trap, scene: Option<&Scene>) -> String {
    if va == trap.eip {
        let why = match va {
            0..NEAR_NULL => "a call through a null pointer",
            ULIM.. => "the kernel's memory, which programs may not enter",
            _ => {
                "a jump into nowhere: a function pointer or a return address is wrong, or \
                 was overwritten"
            }
        };
        return format!("It jumped to {va:#010x}: {why}.");
    }
    let did = match trap.error & FAULT_WRITE {
        0 => "read from",
        _ => "wrote to",
    };
    format!("It {did} {va:#010x}: {}.", place(va, trap, scene))
}

/// What is at the address of a fault.
fn place(va: u32, trap: &Trap, scene: Option<&Scene>) -> String {
    let writes = trap.error & FAULT_WRITE != 0;
    let bottom = scene
        .and_then(|scene| scene.stack_bottom)
        .unwrap_or(USTACKTOP - PGSIZE);
    let on_stack = (USTACKTOP - PTSIZE..=USTACKTOP).contains(&trap.esp);
    match va {
        0 => "a null pointer".into(),
        1..NEAR_NULL => format!("a null pointer and an offset of {va} bytes"),
        ULIM.. => "the kernel's memory, which programs may not use".into(),
        UTOP..ULIM if writes => "the kernel's public tables, which programs may only read".into(),
        UTOP..ULIM => "among the kernel's public tables, where nothing is mapped".into(),
        _ if (UXSTACKTOP - PGSIZE..UXSTACKTOP).contains(&va) => {
            "the exception stack, which it has not mapped".into()
        }
        _ if (USTACKTOP..UXSTACKTOP - PGSIZE).contains(&va) => {
            "the page above the stack, which is never mapped".into()
        }
        _ if va < bottom && on_stack && va.abs_diff(trap.esp) < NEAR_STACK => format!(
            "{} bytes below the lowest page of its stack; a recursion without an end, perhaps, \
             or variables that are too large",
            bottom - va
        ),
        _ if trap.error & FAULT_PROTECTION != 0 && writes => read_only(scene).into(),
        _ if trap.error & FAULT_PROTECTION != 0 => "a page that programs may not use".into(),
        _ => "nothing is mapped there".into(),
    }
}

fn read_only(scene: Option<&Scene>) -> &'static str {
    match scene {
        Some(scene) if scene.walk.is_copy_on_write() && scene.upcall == 0 => {
            "a page that is to be copied when it is written, but it has no page-fault handler \
             that would"
        }
        Some(_) => "a read-only page",
        None => "a read-only page, or one to be copied by a page-fault handler that it lacks",
    }
}

fn bad_address(va: u32, scene: Option<&Scene>) -> String {
    let bottom = UXSTACKTOP - PGSIZE;
    let own = scene.and_then(|scene| Some((scene.fault_va?, scene.upcall)));
    if let Some((fault, upcall)) = own
        && fault == upcall
    {
        return format!("Its page-fault handler is at {fault:#010x}, where no code is.");
    }
    if (bottom..UXSTACKTOP).contains(&va) {
        let first = first_fault(scene);
        return format!(
            "{first}Its page-fault handler cannot be called: there is no exception stack that \
             may be written, at {bottom:#010x}."
        );
    }
    if (bottom - UTRAP_FRAME_SIZE - 4..bottom).contains(&va) {
        let first = first_fault(scene);
        return format!(
            "{first}Its page-fault handler cannot be called: the exception stack is full. The \
             handler faults itself, perhaps."
        );
    }
    let call = scene.and_then(|scene| scene.call.as_deref());
    let to = call.map_or(String::new(), |call| format!(", in {call}"));
    let why = match va {
        0..NEAR_NULL => "a null pointer, or next to one",
        ULIM.. => "the kernel's memory",
        UTOP..ULIM => "the kernel's public tables",
        _ => "nothing that it may use that way is mapped there",
    };
    format!("It passed the kernel an address that it may not use, {va:#010x}{to}: {why}.")
}

/// The fault that a handler was meant for.
fn first_fault(scene: Option<&Scene>) -> String {
    match scene.and_then(|scene| scene.fault_va) {
        Some(va) => format!("It touched {va:#010x}. "),
        None => String::new(),
    }
}

fn exception(trap: &Trap, scene: Option<&Scene>) -> String {
    match trap.vector {
        Vector::DIVIDE => "It divided by zero, or the quotient was too large.".into(),
        Vector::DEBUG => "Its flags ask for a stop after each instruction.".into(),
        Vector::BREAKPOINT => "It came to a breakpoint (int3), and nobody waits for it.".into(),
        Vector::OVERFLOW => "An instruction (into) found an overflow.".into(),
        Vector::BOUND => "An index was out of bounds (bound).".into(),
        Vector::INVALID_OPCODE => {
            "It came to what is no instruction: ud2, by which compilers mark what must not be \
             reached, or a jump into data."
                .into()
        }
        Vector::X87 | Vector::SIMD => "It had asked for an exception at that result.".into(),
        Vector::ALIGNMENT => "It had asked for aligned accesses only.".into(),
        Vector::GENERAL_PROTECTION => protection(trap, scene),
        other => format!("{}, error code {:#x}.", other.name(), trap.error),
    }
}

fn protection(trap: &Trap, scene: Option<&Scene>) -> String {
    let number = trap.error >> 3;
    match trap.error {
        0 => match scene.and_then(|scene| privileged(scene.code)) {
            Some(what) => format!("It executed {what}, which programs may not."),
            None => "It executed an instruction that programs may not, or used a segment \
                     that it must not."
                .into(),
        },
        error if error & ABOUT_INTERRUPT != 0 => {
            format!("It executed int {number:#x}, which programs may not; calls are int 0x30.")
        }
        error => format!("It loaded the selector {error:#x}, which programs may not."),
    }
}

/// An instruction that only the kernel may execute, or who has I/O privilege.
fn privileged(code: [u8; 2]) -> Option<&'static str> {
    Some(match code {
        [0xf4, _] => "hlt",
        [0xfa, _] => "cli",
        [0xfb, _] => "sti",
        [0xe4..=0xe7 | 0xec..=0xef | 0x6c..=0x6f, _] => "port I/O",
        [0x0f, 0x20..=0x23] => "a move of a control or debug register",
        [0x0f, 0x01] => "a move of a descriptor table",
        [0x0f, 0x30 | 0x32] => "an access to a model-specific register",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::walk::Walk;

    fn fault(va: u32, error: u32, eip: u32, esp: u32) -> What {
        What::Trap(Trap {
            vector: Vector::PAGE_FAULT,
            error,
            eip,
            esp,
            cr2: Some(va),
        })
    }

    fn said(what: &What, wanted: &str) {
        let said = cause(what, None);
        assert!(said.contains(wanted), "{said}");
    }

    #[test]
    fn addresses_are_recognised() {
        let (eip, esp) = (0x80_0020, USTACKTOP - 0x50);
        for (va, error, wanted) in [
            (0, 4, "read from 0x00000000: a null pointer."),
            (
                8,
                6,
                "wrote to 0x00000008: a null pointer and an offset of 8",
            ),
            (0xf010_0000, 5, "the kernel's memory"),
            (UTOP, 7, "may only read"),
            (UXSTACKTOP - 4, 6, "exception stack"),
            (USTACKTOP, 6, "above the stack"),
            (0xeebf_cffc, 6, "4 bytes below the lowest page of its stack"),
            (0x80_0000, 7, "a read-only page, or"),
            (0x1234_5678, 4, "nothing is mapped there"),
            // Far from the stack pointer: no overflow.
            (0xeeb0_0000, 4, "nothing is mapped there"),
        ] {
            said(&fault(va, error, eip, esp), wanted);
        }
        said(&fault(0, 4, 0, esp), "a call through a null pointer");
        said(&fault(0xdead_beec, 4, 0xdead_beec, esp), "into nowhere");
    }

    #[test]
    fn what_the_kernel_refused_is_recognised() {
        said(&What::BadAddress(1), "a null pointer, or next to one");
        said(&What::BadAddress(0xeebf_ffcc), "no exception stack");
        said(&What::BadAddress(0xeebf_effc), "exception stack is full");
        said(&What::BadAddress(0xf010_0000), "the kernel's memory");
    }

    #[test]
    fn exceptions_are_recognised() {
        let trap = |vector, error| {
            What::Trap(Trap {
                vector,
                error,
                ..Trap::default()
            })
        };
        said(&trap(Vector::DIVIDE, 0), "divided by zero");
        said(&trap(Vector::GENERAL_PROTECTION, 14 * 8 + 2), "int 0xe");
        said(&trap(Vector::GENERAL_PROTECTION, 0x28), "selector 0x28");
        said(
            &trap(Vector::GENERAL_PROTECTION, 0),
            "may not, or used a segment",
        );
    }

    #[test]
    fn page_tables_say_more() {
        let what = fault(0x80_2000, 7, 0x80_0020, USTACKTOP - 0x50);
        let mut scene = Scene {
            walk: Walk {
                va: 0x80_2000,
                directory: 0x1007,
                table: Some(0x2805),
                below: None,
            },
            ..Scene::default()
        };
        let without = cause(&what, Some(&scene));
        assert!(without.contains("no page-fault handler"), "{without}");
        scene.upcall = 0x80_1000;
        let with = cause(&what, Some(&scene));
        assert!(with.contains("a read-only page."), "{with}");
        scene.code = [0xfa, 0];
        let halted = What::Trap(Trap {
            vector: Vector::GENERAL_PROTECTION,
            ..Trap::default()
        });
        assert!(cause(&halted, Some(&scene)).contains("executed cli"));
    }
}
