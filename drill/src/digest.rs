//! FNV-1a with 64 bits, fed with words of 32.

/// A digest that is being made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest(u64);

const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

impl Default for Digest {
    fn default() -> Digest {
        Digest(BASIS)
    }
}

impl Digest {
    /// Adds a word.
    pub(crate) fn add(&mut self, word: u32) {
        self.0 = (self.0 ^ u64::from(word)).wrapping_mul(PRIME);
    }

    /// Adds bytes, whole words of them.
    pub(crate) fn add_bytes(&mut self, bytes: &[u8]) {
        let (words, _) = bytes.as_chunks();
        words
            .iter()
            .for_each(|&word| self.add(u32::from_le_bytes(word)));
    }

    pub(crate) fn value(self) -> u64 {
        // The last words have not reached the low bits' neighbours yet.
        self.0 ^ self.0 >> 32
    }
}
