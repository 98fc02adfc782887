//! Which RAM is shown in the direct map, and what of it is free.

use abi::layout::{DIRECT_MAP_SIZE, MPENTRY_PADDR, PTSIZE};
use firmware::free::NoMemory;
use firmware::handover::Module;
use firmware::ranges::MAX_RANGES;
use firmware::stretches::{self, Stretch};
use firmware::{FreeMemory, PhysRange, RangeSet};

const MIB: u64 = 1 << 20;
const KERNEL: PhysRange = PhysRange {
    start: MIB,
    end: 2 * MIB,
};

fn ram(ranges: &[(u64, u64)]) -> RangeSet {
    let mut ram = RangeSet::new();
    for &(start, end) in ranges {
        ram.insert(PhysRange { start, end });
    }
    ram
}

fn count(ram: &RangeSet, kind: Stretch) -> usize {
    stretches::all(ram)
        .filter(|&(_, stretch)| stretch == kind)
        .count()
}

#[test]
fn only_ram_throughout_becomes_a_large_page() {
    let ram = ram(&[(0, 0xa_0000), (MIB, 12 * MIB), (12 * MIB + 4096, 20 * MIB)]);
    let kinds: Vec<_> = stretches::all(&ram).take(6).map(|(_, kind)| kind).collect();
    use Stretch::*;
    assert_eq!(kinds, [Mixed, Whole, Whole, Mixed, Whole, Empty]);
}

#[test]
fn the_first_stretch_is_never_a_large_page() {
    assert_eq!(
        stretches::all(&ram(&[(0, 8 * MIB)])).next(),
        Some((0, Stretch::Mixed))
    );
}

#[test]
fn what_lies_beyond_the_window_is_not_shown() {
    let mut ram = ram(&[(0, 1 << 31)]);
    stretches::limit(&mut ram, 8, KERNEL);
    assert_eq!(ram.total(), DIRECT_MAP_SIZE.into());
    assert_eq!(
        count(&ram, Stretch::Whole),
        (DIRECT_MAP_SIZE / PTSIZE) as usize - 1
    );
}

/// The kernel's stretch has least RAM of all, and stays.
#[test]
fn with_too_few_tables_the_smallest_stretches_go() {
    let mut ranges = vec![(MIB, 2 * MIB)];
    for index in 1..6 {
        ranges.push((4 * index * MIB, (4 * index + 1) * MIB + 4096 * index));
    }
    let mut ram = ram(&ranges);
    stretches::limit(&mut ram, 3, KERNEL);
    let left: Vec<_> = ram.iter().map(|range| range.start / MIB).collect();
    assert_eq!(left, [1, 16, 20]);
    stretches::limit(&mut ram, 0, KERNEL);
    assert_eq!(ram.iter().collect::<Vec<_>>(), [KERNEL]);
}

#[test]
fn nothing_in_use_is_free() {
    let module = Module {
        file: PhysRange {
            start: 3 * MIB + 5,
            end: 3 * MIB + 4097,
        },
        string: b"",
    };
    let free = FreeMemory::new(ram(&[(0, 0xa_0000), (MIB, 8 * MIB)]), KERNEL, &[module]);
    let entry = MPENTRY_PADDR >> 12;
    assert_eq!(
        free.whole_frames().as_slice(),
        [1..entry, entry + 1..0xa0, 0x200..0x300, 0x302..0x800]
    );
    assert_eq!((free.frames(), free.forgotten()), (0x800, 0));
}

/// Modules begin and end within frames; what is left of those is no piece of memory.
#[test]
fn pieces_of_frames_are_not_kept() {
    let module = |start| Module {
        file: PhysRange {
            start: start + 5,
            end: start + 4090,
        },
        string: b"",
    };
    let modules: Vec<_> = (0..40)
        .map(|index| module(3 * MIB + index * 4096))
        .collect();
    let free = FreeMemory::new(ram(&[(2 * MIB, 8 * MIB)]), KERNEL, &modules);
    let frames = free.whole_frames();
    assert_eq!(frames.as_slice(), [0x200..0x300, 0x328..0x800]);
}

#[test]
fn carving_takes_what_fits_and_no_low_memory() {
    let mut free = FreeMemory::new(ram(&[(0, 0xa_0000), (MIB, 8 * MIB)]), KERNEL, &[]);
    assert_eq!(free.carve(1), Ok(0x20_0000..0x20_1000));
    assert_eq!(free.carve(8193), Ok(0x20_1000..0x20_4000));
    assert_eq!(free.carve(8 << 20), Err(NoMemory));
    assert_eq!(free.carve((6 << 20) - 0x4000), Ok(0x20_4000..0x80_0000));
    assert_eq!(free.carve(1), Err(NoMemory));
    assert!(free.whole_frames().iter().all(|frames| frames.end <= 0xa0));
}

/// The first set forgot something too, which does not count again.
#[test]
fn what_is_forgotten_on_the_way_is_counted() {
    let mut ranges = vec![(16 * MIB, 32 * MIB)];
    for index in 0..MAX_RANGES as u64 {
        ranges.push((2 * MIB + index * 8192, 2 * MIB + index * 8192 + 4096));
    }
    let mapped = ram(&ranges);
    assert_eq!(mapped.lost(), 4096);
    let file = PhysRange::with_len(20 * MIB, 4096);
    let free = FreeMemory::new(mapped, KERNEL, &[Module { file, string: b"" }]);
    assert_eq!(free.forgotten(), 4096);
}
