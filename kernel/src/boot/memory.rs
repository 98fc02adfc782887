//! What physical memory is used for.
//!
//! [`FreeMemory`] keeps account of what is free, without touching it. Here the tables
//! whose size depends on the machine get theirs; the rest is for the core. The hard
//! thing is a small machine: nothing is sized before the amount of memory is known,
//! and 8 MiB must be enough.

use crate::machine::address_space;
use crate::machine::console::say;
use crate::machine::smp::fpu;
use abi::env::NENV;
use abi::layout::{DIRECT_MAP_SIZE, KERNBASE};
use abi::{env, page_info};
use core::ops::Range;
use firmware::free::NoMemory;
use firmware::multiboot::MemoryMap;
use firmware::{FreeMemory, PhysRange, RangeSet};
use kcore::frames::Frame;
use witness::trace::Words;

/// Prints how much memory there is, in the words of JOS, and how much stays unused.
pub fn announce(map: &MemoryMap) {
    let kib = |start, end| map.usable.total_in(PhysRange { start, end }) >> 10;
    let base = kib(0, 1 << 20);
    let extended = kib(1 << 20, 1 << 32);
    say!(
        "Physical memory: {}K available, base = {base}K, extended = {extended}K",
        base + extended
    );
    let unused = kib(DIRECT_MAP_SIZE.into(), 1 << 32) + (map.beyond_reach >> 10);
    if unused > 0 {
        say!("{unused}K of RAM lie beyond the direct map's 256 MiB and stay unused");
    }
    announce_lost(map.usable.lost());
}

/// Prints how much RAM within the window is not mapped.
pub fn announce_unmapped(map: &MemoryMap, mapped: &RangeSet) {
    let window = PhysRange::with_len(0, DIRECT_MAP_SIZE.into());
    let bytes = map.usable.total_in(window) - mapped.total();
    if bytes > 0 {
        say!("{}K of RAM among what is none stay unused", bytes >> 10);
    }
}

/// Prints how much RAM is in more pieces than a table has room for.
pub fn announce_lost(bytes: u64) {
    if bytes > 0 {
        say!(
            "{}K of RAM in too many pieces stay unused",
            bytes.div_ceil(1024)
        );
    }
}

/// Takes zeroed whole frames for `bytes` bytes; physical addresses.
pub fn carve(free: &mut FreeMemory, bytes: u32) -> Result<Range<u32>, NoMemory> {
    let range = free.carve(bytes)?;
    // SAFETY: (5) mapped RAM, and whose it is was just decided.
    unsafe { direct_mapped::<u8>(&range).write_bytes(0, range.len()) };
    Ok(range)
}

/// Takes a zeroed table of `count` items.
///
/// # Safety
/// Zeros are a valid `T`, whose alignment is a page's at most.
unsafe fn carve_table<T>(free: &mut FreeMemory, count: u32) -> Result<&'static mut [T], NoMemory> {
    let range = carve(free, count * size_of::<T>() as u32)?;
    // SAFETY: (7) carved for this, zeroed, aligned to a page; the caller promises the
    // rest, and nobody else has a reference there.
    Ok(unsafe { core::slice::from_raw_parts_mut(direct_mapped(&range), count as usize) })
}

fn direct_mapped<T>(range: &Range<u32>) -> *mut T {
    KERNBASE.wrapping_add(range.start) as *mut T
}

/// Records in the ring of a trace: more than a step makes, except for the longest and
/// unlikeliest (a piece of a dead address space: two for each of 4,096 pages).
const RING: u32 = 16 * 1024;

/// The tables whose size depends on the machine.
pub struct MachineTables {
    /// The private table of frames.
    pub frames: &'static mut [Frame],
    /// Physical address of the public table of frames.
    pub upages: u32,
    /// Physical address of the public table of environments.
    pub uenvs: u32,
    /// Physical address of the saved x87 and SSE registers.
    pub fpu_images: u32,
    /// The ring of the trace; empty if there is no trace.
    pub trace: &'static mut [Words],
}

/// Carves the tables, and shows users theirs.
pub fn carve_tables(free: &mut FreeMemory, traced: bool) -> MachineTables {
    match try_carve_tables(free, traced) {
        Ok(tables) => tables,
        Err(NoMemory) => panic!("not enough memory"),
    }
}

fn try_carve_tables(free: &mut FreeMemory, traced: bool) -> Result<MachineTables, NoMemory> {
    let count = free.frames();
    // SAFETY: (6) zero is a valid frame.
    let frames = unsafe { carve_table(free, count)? };
    let upages = carve(free, count * page_info::PAGE_INFO_STRIDE)?;
    let uenvs = carve(free, NENV as u32 * env::PUBLIC_ENV_STRIDE)?;
    let images = free.carve(fpu::ROOM)?;
    // SAFETY: (14) carved for this; no environment exists.
    unsafe { fpu::init(direct_mapped(&images)) };
    address_space::publish(upages.clone(), uenvs.clone());
    // SAFETY: (8) any words are valid.
    let trace = unsafe { carve_table(free, if traced { RING } else { 0 })? };
    Ok(MachineTables {
        frames,
        upages: upages.start,
        uenvs: uenvs.start,
        fpu_images: images.start,
        trace,
    })
}
