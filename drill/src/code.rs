//! Machine code under construction.

use crate::layout::EXIT_POINTER;

/// Room for the longest case.
const ROOM: usize = 256;

/// The bytes of a case's instructions.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    bytes: [u8; ROOM],
    length: usize,
}

impl Default for Code {
    fn default() -> Code {
        Code {
            bytes: [0; ROOM],
            length: 0,
        }
    }
}

impl Code {
    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.bytes[self.length..][..bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// The low `size` bytes of a value.
    pub(crate) fn add_value(&mut self, value: u32, size: u32) {
        self.add(&value.to_le_bytes()[..size as usize]);
    }

    /// Fills up with a trap, so that what comes next is at `offset`.
    pub(crate) fn go_to(&mut self, offset: usize) {
        self.bytes[self.length..offset].fill(0xcc);
        self.length = offset;
    }

    /// `jmp [EXIT_POINTER]`, which changes nothing.
    pub(crate) fn exit(&mut self) {
        self.add(&[0xff, 0x25]);
        self.add_value(EXIT_POINTER, 4);
    }
}
