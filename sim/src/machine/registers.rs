//! The contents of x87 and SSE registers, and where they are saved.
//!
//! What is saved lies in memory, where the kernel core can get at it, in the format of FXSAVE
//! (Intel SDM volume 1, 10.5.1). The hard thing is that most machines never have any: so
//! those that a reset leaves take no room. Tests are content with one number in one register;
//! [`Registers::number`] is that.

use crate::memory::Memory;
use kcore::PhysMem;
use std::sync::Arc;

/// Words of an image.
const WORDS: usize = 128;
/// Bytes from one slot's image to the next.
pub(super) const IMAGE: u32 = 4 * WORDS as u32;
/// Where the number is: the lowest word of XMM0.
const NUMBER: usize = 40;
/// Where MXCSR is.
const MXCSR: usize = 6;
/// The bits of MXCSR that this processor has.
pub(super) const MXCSR_MASK: u32 = 0xffff;

/// What a reset leaves: control word 0x37f, MXCSR 0x1f80, and the mask of MXCSR.
const RESET: [u32; WORDS] = {
    let mut words = [0; WORDS];
    words[0] = 0x37f;
    words[MXCSR] = 0x1f80;
    words[MXCSR + 1] = MXCSR_MASK;
    words
};

/// The contents of all x87 and SSE registers. Those that a reset leaves take no room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Registers(Option<Arc<[u32; WORDS]>>);

impl Registers {
    /// Those that this image holds.
    pub fn new(image: [u32; WORDS]) -> Registers {
        Registers((image != RESET).then(|| Arc::new(image)))
    }

    /// Their image.
    pub fn image(&self) -> [u32; WORDS] {
        self.0.as_deref().copied().unwrap_or(RESET)
    }

    /// The registers after a reset, but for one number.
    pub(super) fn with_number(number: u32) -> Registers {
        let mut image = RESET;
        image[NUMBER] = number;
        Registers::new(image)
    }

    /// The number in them; 0 after a reset.
    pub fn number(&self) -> u32 {
        self.image()[NUMBER]
    }

    /// What was saved at `at`. An FXRSTOR of bits that MXCSR has not would fault.
    pub(super) fn load(memory: &Memory, at: u32) -> Registers {
        let image = std::array::from_fn(|index| memory.read(at + index as u32 * 4));
        assert_eq!(image[MXCSR] & !MXCSR_MASK, 0, "bits that MXCSR has not");
        Registers::new(image)
    }

    /// Saves them at `at`.
    pub(super) fn save(&self, memory: &mut Memory, at: u32) {
        for (word, place) in self.image().into_iter().zip((at..).step_by(4)) {
            memory.write(place, word);
        }
    }
}
