//! Exceptions of any kind that a program handles itself: which there are, and what
//! the handler finds on its stack.
//!
//! ```text
//!   esp +52  vector          all that JOS's frame lacks
//!       +48  esp
//!       +44  eflags          JOS's frame for page faults, at its place:
//!       +40  eip             code that returns from one returns from this
//!        +8  edi ... eax
//!        +4  error code      0 where the processor has none
//!   esp  +0  fault_va        0 unless it is a page fault
//! ```
//!
//! The hard thing is to go back. JOS's way (`popad`, `popfd`, `pop esp`, `ret`, with
//! eip stored below the stack that goes on) works on this frame too: it reads from esp
//! upwards, and drops all that lies above the word that it loads esp from. But it
//! cannot single-step: TF takes effect one instruction after `popfd`, in the handler's
//! own return. Only `iretd` sets flags and eip at once, and it takes eip, cs and flags
//! from the stack that goes on. So that this is possible in a handler that was itself
//! interrupted, [`EXCEPTION_GAP`] leaves three words there, where JOS leaves one.

use crate::UTrapFrame;
use crate::trap::{UTRAP_FRAME_SIZE, Vector};

/// What an exception upcall finds on its stack. 56 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct ExceptionFrame {
    /// As for a page fault.
    pub fault: UTrapFrame,
    /// Which exception it is.
    pub vector: u32,
}

/// Bytes of an [`ExceptionFrame`].
pub const EXCEPTION_FRAME_SIZE: u32 = UTRAP_FRAME_SIZE + 4;

/// Bytes that stay free between what is on the exception stack already and the frame
/// of an exception in a handler.
pub const EXCEPTION_GAP: u32 = 12;

impl ExceptionFrame {
    /// The frame as it stands in memory.
    pub fn bytes(&self) -> [u8; EXCEPTION_FRAME_SIZE as usize] {
        let mut bytes = [0; EXCEPTION_FRAME_SIZE as usize];
        let (fault, vector) = bytes.split_at_mut(UTRAP_FRAME_SIZE as usize);
        fault.copy_from_slice(&self.fault.bytes());
        vector.copy_from_slice(&self.vector.to_le_bytes());
        bytes
    }
}

/// The vectors that a program may ask for, as bits.
///
/// Left out is what is never a program's: NMI (2), double fault (8) and machine check
/// (18); "device not available" (7), by which the kernel lends the x87 unit; and what
/// processors do not raise any more.
pub const DELIVERABLE: u32 = {
    let vectors = [
        Vector::DIVIDE,
        Vector::DEBUG,
        Vector::BREAKPOINT,
        Vector::OVERFLOW,
        Vector::BOUND,
        Vector::INVALID_OPCODE,
        Vector::INVALID_TSS,
        Vector::NOT_PRESENT,
        Vector::STACK,
        Vector::GENERAL_PROTECTION,
        Vector::PAGE_FAULT,
        Vector::X87,
        Vector::ALIGNMENT,
        Vector::SIMD,
    ];
    let mut mask = 0;
    let mut index = 0;
    while index < vectors.len() {
        mask |= 1 << vectors[index].0;
        index += 1;
    }
    mask
};

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn the_frame_begins_as_a_page_faults() {
        assert_eq!(size_of::<ExceptionFrame>(), 56);
        assert_eq!(offset_of!(ExceptionFrame, fault), 0);
        assert_eq!(offset_of!(ExceptionFrame, vector), 52);
        let frame = ExceptionFrame {
            fault: UTrapFrame {
                fault_va: 1,
                esp: 0x1234_5678,
                ..UTrapFrame::default()
            },
            vector: 17,
        };
        let bytes = frame.bytes();
        assert_eq!(bytes[..52], frame.fault.bytes());
        assert_eq!(bytes[52..], [17, 0, 0, 0]);
    }

    #[test]
    fn some_vectors_are_never_a_programs() {
        assert_eq!(DELIVERABLE, 0x000b_7c7b);
    }
}
