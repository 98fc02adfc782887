//! Ways out of the kernel, as numbers that the stubs understand.
//!
//! The hard thing is `sysexit`: it is short because it restores next to nothing, so it is
//! taken only where the frame is still as `sysenter` left it.

use crate::effects::Leave;
use abi::TrapFrame;
use abi::trap::{FLAG_AC, FLAG_DF, FLAG_IOPL, FLAG_NT, FLAG_TF, Vector};

/// Leave with `iret`, by the frame.
pub const EXIT_FRAME: u32 = 0;
/// Leave by `sysexit`.
pub const EXIT_FAST: u32 = 1;
/// Wait for an interrupt.
pub const EXIT_IDLE: u32 = 2;
/// Let interrupts in, then enter again.
pub const EXIT_AGAIN: u32 = 3;

/// The number for a way to go on.
pub fn exit(left: Leave) -> u32 {
    match left {
        Leave::Same | Leave::Switched => EXIT_FRAME,
        Leave::Idle => EXIT_IDLE,
        Leave::Again => EXIT_AGAIN,
    }
}

/// After `int 0x30`.
#[inline(always)]
pub fn exit_by_iret(left: Leave, _: &TrapFrame) -> u32 {
    exit(left)
}

/// After `int 0x30` by a caller that goes on with its registers as they came.
#[inline(always)]
pub fn back_by_iret(_: &TrapFrame) -> u32 {
    EXIT_FRAME
}

/// Flags that a caller of `sysenter` gets back only by `iret`: `sysexit` loads none.
const NEED_FRAME: u32 = FLAG_TF | FLAG_NT | FLAG_AC | FLAG_DF | FLAG_IOPL;

/// Whether the frame is still the one that the `sysenter` stub made. A call may
/// have replaced it, with registers that `sysexit` does not restore.
#[inline(always)]
fn is_the_callers(frame: &TrapFrame) -> bool {
    frame.trapno == Vector::SYSCALL.0
}

/// After `sysenter`: by `sysexit`, unless the frame has what that does not restore.
#[inline(always)]
pub fn exit_by_sysexit(left: Leave, frame: &TrapFrame) -> u32 {
    match left {
        Leave::Same if frame.eflags & NEED_FRAME == 0 && is_the_callers(frame) => EXIT_FAST,
        left => exit(left),
    }
}

/// After `sysenter` by a caller that goes on with its registers as they came.
#[inline(always)]
pub fn back_by_sysexit(frame: &TrapFrame) -> u32 {
    if frame.eflags & NEED_FRAME == 0 {
        EXIT_FAST
    } else {
        EXIT_FRAME
    }
}
