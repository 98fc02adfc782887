//! Who gets which physical memory.
//!
//! From the memory that the loader calls usable, what is in use is taken out
//! (the kernel, its modules, page 0, the other CPUs' entry page), then the
//! tables whose size depends on the machine are carved, and the rest is the
//! kernel proper's to allocate. The hard thing is a small machine: nothing is
//! sized before the amount of memory is known, and 8 MiB must do.

use super::handover::Module;
use crate::address_space::{self, image_range};
use crate::console::say;
use abi::env::NENV;
use abi::layout::{DIRECT_MAP_SIZE, KERNBASE, MPENTRY_PADDR, PGSIZE};
use abi::{env, page_info};
use core::ops::Range;
use firmware::multiboot::MemoryMap;
use firmware::{PhysRange, RangeSet};
use kcore::frames::Frame;

/// RAM that is mapped and that nobody has yet.
pub struct Memory {
    free: RangeSet,
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
        say!("{unused}K of it lie beyond the direct map's 256 MiB and stay unused");
    }
    if map.usable.lost() > 0 {
        say!(
            "{}K in too many pieces stay unused",
            map.usable.lost() >> 10
        );
    }
}

impl Memory {
    /// `mapped` RAM, without what is in use.
    pub fn new(mapped: RangeSet, modules: &[Module]) -> Memory {
        let end = mapped.iter().last().map_or(0, |range| range.end);
        let mut free = mapped;
        free.remove(PhysRange::with_len(0, PGSIZE.into()));
        free.remove(PhysRange::with_len(MPENTRY_PADDR.into(), PGSIZE.into()));
        free.remove(image_range());
        for module in modules {
            free.remove(module.file);
        }
        Memory {
            free,
            frames: (end / u64::from(PGSIZE)) as u32,
        }
    }

    /// Takes zeroed whole frames for `bytes` bytes; physical addresses.
    pub fn carve(&mut self, bytes: u32) -> Result<Range<u32>, NoMemory> {
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
        // SAFETY: mapped RAM, and whose it was was just decided.
        unsafe {
            let place = KERNBASE.wrapping_add(start) as *mut u8;
            place.write_bytes(0, (pages * PGSIZE) as usize);
        }
        Ok(range)
    }

    /// What is left, as ranges of frame numbers.
    pub fn usable(&self) -> impl Iterator<Item = Range<u32>> + '_ {
        self.free.iter().map(|range| range.whole_frames())
    }
}

/// The tables whose size depends on the machine.
pub struct MachineTables {
    /// The private table of frames.
    pub frames: &'static mut [Frame],
    /// Physical address of the public table of frames.
    pub upages: u32,
    /// Physical address of the public table of environments.
    pub uenvs: u32,
}

/// Carves the tables and shows users theirs.
pub fn carve_tables(memory: &mut Memory) -> MachineTables {
    match try_carve_tables(memory) {
        Ok(tables) => tables,
        Err(NoMemory) => panic!("not enough memory"),
    }
}

fn try_carve_tables(memory: &mut Memory) -> Result<MachineTables, NoMemory> {
    let count = memory.frames;
    let private = memory.carve(count * size_of::<Frame>() as u32)?;
    let upages = memory.carve(count * page_info::PAGE_INFO_STRIDE)?;
    let uenvs = memory.carve(NENV as u32 * env::PUBLIC_ENV_STRIDE)?;
    address_space::publish(upages.clone(), uenvs.clone());
    // SAFETY: carved for this, zeroed, aligned to a page; zero is a valid
    // frame, and nobody else has a reference there.
    let frames = unsafe {
        let first = KERNBASE.wrapping_add(private.start) as *mut Frame;
        core::slice::from_raw_parts_mut(first, count as usize)
    };
    Ok(MachineTables {
        frames,
        upages: upages.start,
        uenvs: uenvs.start,
    })
}
