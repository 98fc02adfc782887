//! A system description table: a header and so many bytes.
//!
//! ACPI Specification 5.2.6. The hard thing: the length is the table's own
//! claim. It is checked once, here, with the checksum over all of it; later
//! reads stay inside by construction.

use crate::phys::{FOUR_GIB, PhysBytes, bytes_at, sums_to_zero, u32_in};

/// Bytes of the header that every table begins with.
pub(super) const HEADER: u32 = 36;

/// A table that claims to be longer than this, in bytes, is not believed. The
/// MADT of a machine with 255 CPUs is below 8 KiB.
pub const MAX_TABLE: u32 = 64 * 1024;

/// A table whose signature, length and checksum have been verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    pa: u32,
    len: u32,
}

impl Table {
    /// The table at `pa`, if it has this signature and is valid.
    pub(super) fn read(memory: &impl PhysBytes, pa: u32, signature: &[u8; 4]) -> Option<Table> {
        let head: [u8; 8] = bytes_at(memory, pa, 0).filter(|_| pa != 0)?;
        let len = u32_in(&head, 4);
        let plausible = head.starts_with(signature)
            && (HEADER..=MAX_TABLE).contains(&len)
            && u64::from(pa) + u64::from(len) <= FOUR_GIB;
        (plausible && sums_to_zero(memory, pa, len)).then_some(Table { pa, len })
    }

    /// Length in bytes with the header.
    #[expect(clippy::len_without_is_empty, reason = "a table has a header")]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// The `N` bytes at `offset`, if they lie inside.
    pub fn bytes<const N: usize>(&self, memory: &impl PhysBytes, offset: u32) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.copy(memory, offset, &mut bytes).then_some(bytes)
    }

    /// Copies the bytes at `offset` and up into `out`; false if they do not
    /// all lie inside, or cannot be read.
    pub fn copy(&self, memory: &impl PhysBytes, offset: u32, out: &mut [u8]) -> bool {
        let end = u64::from(offset) + out.len() as u64;
        end <= u64::from(self.len)
            && self
                .pa
                .checked_add(offset)
                .is_some_and(|pa| memory.read(pa, out))
    }
}
