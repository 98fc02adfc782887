//! Zero-terminated strings in physical memory.
//!
//! The hard thing: nobody knows where a string ends before reading it, and the
//! bytes behind its end need not be readable. So no read goes on to the next page
//! before it has looked for the terminator.

use crate::phys::{CHUNK, PhysBytes};

/// A string copied out of physical memory, without its terminator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootString<'b> {
    /// The bytes, in whatever encoding the loader used.
    pub bytes: &'b [u8],
    /// Whether the buffer was too short for all of it.
    pub truncated: bool,
}

impl<'b> BootString<'b> {
    /// Reads the string at `pa` into `buffer`. A null pointer is the empty
    /// string; one that runs into unreadable memory ends there.
    pub(super) fn read(memory: &impl PhysBytes, pa: u32, buffer: &'b mut [u8]) -> BootString<'b> {
        let (len, truncated) = if pa == 0 {
            (0, false)
        } else {
            fill(memory, pa, buffer)
        };
        BootString {
            bytes: buffer.get(..len).unwrap_or_default(),
            truncated,
        }
    }
}

/// Copies up to the terminator; returns the length and whether there was no
/// room for the terminator.
fn fill(memory: &impl PhysBytes, pa: u32, buffer: &mut [u8]) -> (usize, bool) {
    let mut len = 0;
    while len < buffer.len() {
        let Some(at) = u32::try_from(len).ok().and_then(|len| pa.checked_add(len)) else {
            return (len, false);
        };
        let to_page_end = 0x1000 - (at as usize & 0xfff);
        let want = to_page_end.min(CHUNK).min(buffer.len() - len);
        let Some(chunk) = buffer.get_mut(len..len + want) else {
            return (len, false);
        };
        if !memory.read(at, chunk) {
            return (len, false);
        }
        if let Some(end) = chunk.iter().position(|byte| *byte == 0) {
            return (len + end, false);
        }
        len += want;
    }
    (len, true)
}
