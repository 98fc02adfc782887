//! Who gets which physical memory.
//!
//! From the memory that the loader calls usable, what is in use is taken out
//! (the kernel, its modules, page 0, the other CPUs' entry page), then the
//! tables whose size depends on the machine are carved, and the rest is the
//! core's to allocate. The hard thing is a small machine: nothing is
//! sized before the amount of memory is known, and 8 MiB must do.

use super::handover::Module;
use crate::boot::processor;
use crate::machine::address_space::{self, image_range};
use crate::machine::console::say;
use crate::machine::smp::fpu;
use abi::env::NENV;
use abi::layout::{DIRECT_MAP_SIZE, KERNBASE, MPENTRY_PADDR, PGSIZE};
use abi::{env, page_info};
use arrayvec::ArrayVec;
use core::ops::Range;
use firmware::multiboot::MemoryMap;
use firmware::ranges::MAX_RANGES;
use firmware::{PhysRange, RangeSet};
use kcore::frames::Frame;
use witness::trace::{RECORD_SIZE, Words};

/// RAM that is mapped and that nobody has yet.
pub struct Memory {
    free: RangeSet,
    /// Bytes that were forgotten before, which has been said.
    said: u64,
    /// Frame numbers below this may exist.
    frames: u32,
}

/// A carving did not fit.
#[derive(Clone, Copy, Debug)]
pub struct NoMemory;

/// Prints how much memory there is, in the words of JOS, and what of it will
/// not be used.
pub fn announce(map: &MemoryMap) {
    let kib = |range: PhysRange| {
        let mut part = map.usable.clone();
        part.remove(PhysRange {
            start: 0,
            end: range.start,
        });
        part.remove(PhysRange {
            start: range.end,
            end: 1 << 32,
        });
        part.total() >> 10
    };
    let base = kib(PhysRange {
        start: 0,
        end: 1 << 20,
    });
    let extended = kib(PhysRange {
        start: 1 << 20,
        end: 1 << 32,
    });
    say!(
        "Physical memory: {}K available, base = {base}K, extended = {extended}K",
        base + extended
    );
    let beyond = kib(PhysRange {
        start: DIRECT_MAP_SIZE.into(),
        end: 1 << 32,
    });
    let unused = beyond + (map.beyond_reach >> 10);
    if unused > 0 {
        say!("{unused}K of RAM lie beyond the direct map's 256 MiB and stay unused");
    }
    say_lost(map.usable.lost());
}

/// Prints how much RAM within the window is not mapped.
pub fn announce_unmapped(map: &MemoryMap, mapped: &RangeSet) {
    let mut missing = map.usable.clone();
    missing.remove(PhysRange {
        start: DIRECT_MAP_SIZE.into(),
        end: 1 << 32,
    });
    let bytes = missing.total() - mapped.total();
    if bytes > 0 {
        say!("{}K of RAM among what is none stay unused", bytes >> 10);
    }
}

/// Prints that so many bytes are in pieces for which there is no room in a table.
fn say_lost(bytes: u64) {
    if bytes > 0 {
        say!(
            "{}K of RAM in too many pieces stay unused",
            bytes.div_ceil(1024)
        );
    }
}

impl Memory {
    /// `mapped` RAM, without what is in use.
    pub fn new(mapped: RangeSet, modules: &[Module]) -> Memory {
        let end = mapped.iter().last().map_or(0, |range| range.end);
        let mapped_lost = mapped.lost();
        let mut free = mapped;
        free.remove(PhysRange::with_len(0, PGSIZE.into()));
        free.remove(PhysRange::with_len(MPENTRY_PADDR.into(), PGSIZE.into()));
        free.remove(image_range());
        // Only whole frames are of use: what is left of a module's last one would
        // be a piece for each.
        for module in modules {
            free.remove(PhysRange {
                start: module.file.start & !(u64::from(PGSIZE) - 1),
                end: module.file.end.next_multiple_of(PGSIZE.into()),
            });
        }
        Memory {
            said: mapped_lost,
            free,
            frames: (end / u64::from(PGSIZE)) as u32,
        }
    }

    /// Takes zeroed whole frames for `bytes` bytes; physical addresses.
    pub fn carve(&mut self, bytes: u32) -> Result<Range<u32>, NoMemory> {
        let range = self.carve_dirty(bytes)?;
        // SAFETY: (5) mapped RAM, and whose it is was just decided.
        unsafe { direct_mapped(&range).write_bytes(0, range.len()) };
        Ok(range)
    }

    /// Takes whole frames for `bytes` bytes, with whatever is in them.
    fn carve_dirty(&mut self, bytes: u32) -> Result<Range<u32>, NoMemory> {
        let pages = bytes.div_ceil(PGSIZE);
        // Low memory is left for what may ever need it.
        let found = self
            .free
            .iter()
            .map(|range| range.whole_frames())
            .find(|frames| frames.start >= 256 && frames.end - frames.start >= pages)
            .ok_or(NoMemory)?;
        let start = found.start * PGSIZE;
        let range = start..start + pages * PGSIZE;
        self.free.remove(PhysRange {
            start: range.start.into(),
            end: range.end.into(),
        });
        Ok(range)
    }

    /// What is left, as ranges of frame numbers; prints what was forgotten on the way.
    pub fn usable(&self) -> ArrayVec<Range<u32>, MAX_RANGES> {
        say_lost(self.free.lost() - self.said);
        // As many as the set can have.
        self.free.iter().map(|range| range.whole_frames()).collect()
    }
}

/// The direct mapping of a carved range.
fn direct_mapped(range: &Range<u32>) -> *mut u8 {
    KERNBASE.wrapping_add(range.start) as *mut u8
}

/// Records in the ring of a trace: more than the longest step but an unlikely
/// one makes (a piece of a dead address space: two for each of 4,096 pages).
const RING: u32 = 16 * 1024;

/// The tables whose size depends on the machine.
pub struct MachineTables {
    /// The private table of frames.
    pub frames: &'static mut [Frame],
    /// Physical address of the public table of frames.
    pub upages: u32,
    /// Physical address of the public table of environments.
    pub uenvs: u32,
    /// The ring of the trace; empty for none.
    pub trace: &'static mut [Words],
}

/// Carves the tables and shows users theirs. A trace, if one is kept, gets a
/// ring.
pub fn carve_tables(memory: &mut Memory, traced: bool) -> MachineTables {
    match try_carve_tables(memory, traced) {
        Ok(tables) => tables,
        Err(NoMemory) => panic!("not enough memory"),
    }
}

fn try_carve_tables(memory: &mut Memory, traced: bool) -> Result<MachineTables, NoMemory> {
    let count = memory.frames;
    let private = memory.carve(count * size_of::<Frame>() as u32)?;
    let upages = memory.carve(count * page_info::PAGE_INFO_STRIDE)?;
    let uenvs = memory.carve(NENV as u32 * env::PUBLIC_ENV_STRIDE)?;
    let states = memory.carve_dirty(fpu::ROOM)?;
    // SAFETY: (6) carved for this; no environment exists.
    unsafe { fpu::init(direct_mapped(&states).cast(), processor::has_fxsave()) };
    address_space::publish(upages.clone(), uenvs.clone());
    // SAFETY: (7) carved for this, zeroed, aligned to a page; zero is a valid
    // frame, and nobody else has a reference there.
    let frames = unsafe {
        let first = direct_mapped(&private).cast::<Frame>();
        core::slice::from_raw_parts_mut(first, count as usize)
    };
    let ring = memory.carve(if traced { RING * RECORD_SIZE as u32 } else { 0 })?;
    // SAFETY: (8) carved for this, zeroed, aligned to a page; any words are
    // valid, and nobody else has a reference there.
    let trace = unsafe {
        let first = direct_mapped(&ring).cast::<Words>();
        core::slice::from_raw_parts_mut(first, ring.len() / RECORD_SIZE)
    };
    Ok(MachineTables {
        frames,
        upages: upages.start,
        uenvs: uenvs.start,
        trace,
    })
}
