//! What a stopped environment is, but for its memory: all that must be kept to have it go
//! on later, there or in another one.
//!
//! The hard thing is a system call that is not over. Whoever was stopped in one makes it
//! again: its registers are as before the call, and [`EnvState::pending`] says which way it
//! was made.

use crate::trap::TRAP_FRAME_WORDS;
use crate::{EnvId, TrapFrame};

/// Words of x87 and SSE registers.
pub const FLOAT_WORDS: usize = 128;

/// The state of an environment. 640 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct EnvState {
    /// Its registers.
    pub frame: TrapFrame,
    /// What it does first when it goes on: [`EnvState::NOTHING`] or one of the others.
    pub pending: u32,
    /// How many bytes of a pending `cputs` have been printed.
    pub printed: u32,
    /// Address of its page-fault handler, 0 if it has none.
    pub upcall: u32,
    /// Address of its exception handler.
    pub exception_entry: u32,
    /// The vectors that this handles, as bits.
    pub exception_mask: u32,
    /// Where its heap begins.
    pub heap_start: u32,
    /// Where its heap ends.
    pub heap_end: u32,
    /// The number of its [`crate::Personality`].
    pub personality: u32,
    /// Its [`crate::EnvType`].
    pub env_type: u32,
    /// Where it last wanted a page.
    pub dstva: u32,
    /// The last message's word, as in the public table.
    pub value: u32,
    /// Its sender.
    pub from: EnvId,
    /// Permissions of the page that came with it.
    pub perm: u32,
    /// What `float` holds: [`EnvState::NO_FLOAT`] or one of the others.
    pub float_format: u32,
    /// Always 0.
    pub reserved: u32,
    /// Its x87 and SSE registers.
    pub float: [u32; FLOAT_WORDS],
}

impl EnvState {
    /// Bytes of the structure.
    pub const SIZE: u32 = 4 * EnvState::WORDS as u32;
    /// Words of the structure.
    pub const WORDS: usize = EnvState::HEAD + FLOAT_WORDS;
    /// Words before [`EnvState::float`].
    pub const HEAD: usize = 32;

    /// `pending`: it goes on at its instruction.
    pub const NOTHING: u32 = 0;
    /// `pending`: the call that its registers hold, as by `int 0x30`.
    pub const INT_CALL: u32 = 1;
    /// `pending`: the same, as by `sysenter`.
    pub const SYSENTER_CALL: u32 = 2;
    /// `pending`: the exception that its frame names.
    pub const EXCEPTION: u32 = 3;

    /// `float_format`: its x87 and SSE registers are as after a reset.
    pub const NO_FLOAT: u32 = 0;
    /// `float_format`: 108 bytes as FNSAVE stores them.
    pub const FNSAVE: u32 = 1;
    /// `float_format`: 512 bytes as FXSAVE stores them.
    pub const FXSAVE: u32 = 2;

    /// Which word of an FXSAVE image is MXCSR.
    pub const MXCSR: usize = 6;

    /// The structure as words, in the order of memory.
    pub fn words(&self) -> [u32; EnvState::WORDS] {
        let mut words = [0; EnvState::WORDS];
        let (head, float) = words.split_at_mut(EnvState::HEAD);
        let (frame, rest) = head.split_at_mut(TRAP_FRAME_WORDS);
        frame.copy_from_slice(&self.frame.words());
        rest.copy_from_slice(&[
            self.pending,
            self.printed,
            self.upcall,
            self.exception_entry,
            self.exception_mask,
            self.heap_start,
            self.heap_end,
            self.personality,
            self.env_type,
            self.dstva,
            self.value,
            self.from.0 as u32,
            self.perm,
            self.float_format,
            self.reserved,
        ]);
        float.copy_from_slice(&self.float);
        words
    }

    /// The structure that these words, in the order of memory, make up.
    pub fn from_words(words: &[u32; EnvState::WORDS]) -> EnvState {
        let mut next = words.iter().copied();
        let mut word = || next.next().unwrap_or(0);
        let frame = TrapFrame::from_words(core::array::from_fn(|_| word()));
        EnvState {
            frame,
            pending: word(),
            printed: word(),
            upcall: word(),
            exception_entry: word(),
            exception_mask: word(),
            heap_start: word(),
            heap_end: word(),
            personality: word(),
            env_type: word(),
            dstva: word(),
            value: word(),
            from: EnvId(word() as i32),
            perm: word(),
            float_format: word(),
            reserved: word(),
            float: core::array::from_fn(|_| word()),
        }
    }
}

impl Default for EnvState {
    fn default() -> EnvState {
        EnvState {
            frame: TrapFrame::default(),
            pending: EnvState::NOTHING,
            printed: 0,
            upcall: 0,
            exception_entry: 0,
            exception_mask: 0,
            heap_start: 0,
            heap_end: 0,
            personality: 0,
            env_type: 0,
            dstva: 0,
            value: 0,
            from: EnvId::NONE,
            perm: 0,
            float_format: EnvState::NO_FLOAT,
            reserved: 0,
            float: [0; FLOAT_WORDS],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn layout_is_that_of_the_interface() {
        assert_eq!(size_of::<EnvState>(), EnvState::SIZE as usize);
        assert_eq!(offset_of!(EnvState, pending), 68);
        assert_eq!(offset_of!(EnvState, heap_start), 88);
        assert_eq!(offset_of!(EnvState, perm), 116);
        assert_eq!(offset_of!(EnvState, float), EnvState::HEAD * 4);
    }

    #[test]
    fn words_come_back_in_the_order_of_memory() {
        let words = core::array::from_fn(|index| index as u32 * 5 + 1);
        let state = EnvState::from_words(&words);
        assert_eq!(state.words(), words);
        assert_eq!(state.pending, 17 * 5 + 1);
        assert_eq!(state.float[0], 32 * 5 + 1);
    }
}
