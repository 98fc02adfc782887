//! How much RAM there is, and where.
//!
//! Entries: Multiboot Specification section 3.3, after the BIOS call E820. The
//! hard thing: entries have 64-bit addresses and a variable size, and may
//! overlap, come in any order, or be nonsense. What any entry calls something
//! else than RAM is not RAM, whatever others say: usable is the union of the
//! entries of type 1 minus the union of all others.

use crate::phys::{FOUR_GIB, PhysBytes, bytes_at, u32_in, u64_in};
use crate::ranges::{PhysRange, RangeSet};

/// A place and a size in physical memory that came as two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Array {
    pub pa: u32,
    /// Entries or bytes, as the field says.
    pub count: u32,
}

/// A map with more entries than this is not believed: if only its beginning were
/// read, RAM that the rest calls reserved would be used.
pub const MAX_ENTRIES: u32 = 1024;

/// Smallest size field of an entry: base, length, type.
const ENTRY_SIZE: u32 = 20;
const TYPE_AVAILABLE: u32 = 1;

/// Where a [`MemoryMap`] was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemorySource {
    /// The loader's memory map.
    Map,
    /// `mem_lower` and `mem_upper`: there was no map worth the name.
    Sizes,
    /// Nothing: the loader says nothing about memory.
    Nothing,
}

/// The RAM that may be used, below 4 GiB, at byte granularity.
///
/// It still contains what the loader put there: kernel, modules, and the boot
/// information itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryMap {
    /// The usable ranges.
    pub usable: RangeSet,
    /// Bytes of RAM at or above 4 GiB, which this kernel leaves alone.
    pub beyond_reach: u64,
    /// Where the numbers come from.
    pub source: MemorySource,
}

impl MemoryMap {
    pub(super) fn read(
        memory: &impl PhysBytes,
        map: Option<Array>,
        sizes: Option<(u32, u32)>,
    ) -> MemoryMap {
        map.and_then(|map| from_entries(memory, map))
            .unwrap_or_else(|| from_sizes(sizes))
    }
}

/// The map that the entries describe; `None` if they cannot all be read, or
/// none of them is RAM.
fn from_entries(memory: &impl PhysBytes, map: Array) -> Option<MemoryMap> {
    let mut usable = RangeSet::new();
    let mut beyond_reach = 0u64;
    for_each_entry(memory, map, |range, kind| {
        if kind == TYPE_AVAILABLE {
            usable.insert(range);
            let high = range.start.max(FOUR_GIB);
            beyond_reach = beyond_reach.saturating_add(range.end.saturating_sub(high));
        }
    })?;
    if usable.total() == 0 {
        return None;
    }
    for_each_entry(memory, map, |range, kind| {
        if kind != TYPE_AVAILABLE {
            usable.remove(range);
        }
    })?;
    Some(MemoryMap {
        usable,
        beyond_reach,
        source: MemorySource::Map,
    })
}

/// Calls `visit` with the range and type of each entry; `None` if the map is
/// longer than [`MAX_ENTRIES`] or cannot be read. An entry too small to have
/// all fields is skipped, one that sticks out of the map is still read.
fn for_each_entry(
    memory: &impl PhysBytes,
    map: Array,
    mut visit: impl FnMut(PhysRange, u32),
) -> Option<()> {
    let mut offset = 0u32;
    for _ in 0..MAX_ENTRIES {
        if offset >= map.count {
            return Some(());
        }
        let size = u32::from_le_bytes(bytes_at(memory, map.pa, offset)?);
        if size >= ENTRY_SIZE {
            let fields: [u8; 20] = bytes_at(memory, map.pa, offset.checked_add(4)?)?;
            let range = PhysRange::with_len(u64_in(&fields, 0), u64_in(&fields, 8));
            visit(range, u32_in(&fields, 16));
        }
        // The size field does not count itself.
        offset = offset.saturating_add(size).saturating_add(4);
    }
    (offset >= map.count).then_some(())
}

/// RAM as two sizes in KiB: from 0, and from 1 MiB.
fn from_sizes(sizes: Option<(u32, u32)>) -> MemoryMap {
    let mut usable = RangeSet::new();
    if let Some((lower, upper)) = sizes {
        // Whatever the loader says, 640 KiB is where the I/O hole begins.
        usable.insert(PhysRange::with_len(0, u64::from(lower.min(640)) << 10));
        usable.insert(PhysRange::with_len(1 << 20, u64::from(upper) << 10));
    }
    let source = if usable.total() > 0 {
        MemorySource::Sizes
    } else {
        MemorySource::Nothing
    };
    MemoryMap {
        usable,
        beyond_reach: 0,
        source,
    }
}
