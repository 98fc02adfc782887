//! Ranges of user memory: where they end, and what is copied from them.

use abi::layout::{PGSIZE, ULIM};
use abi::{Call, Perm};
use kcore::paging::Space;
use kcore::usermem::{BadAddress, UserSlice, read_word, read_words};
use kcore::{CpuId, CpuSet};
use sim::machine::{Machine, Spec, Store};

const CPU0: CpuId = CpuId(0);
/// Where the two pages begin. The second is read-only; around them nothing is mapped.
const START: u32 = 0x40_1000;
const MIDDLE: u32 = START + PGSIZE;
const END: u32 = MIDDLE + PGSIZE;

/// An environment with the two pages, in which each byte depends on its address.
fn with_pages(f: impl FnOnce(&mut Machine<'_>, Space)) {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    for va in [START, MIDDLE] {
        machine.call(CPU0, Call::PageAlloc, [0, va, 7, 0, 0]);
    }
    for va in (START..END).step_by(4) {
        let bytes = [0, 1, 2, 3].map(|byte| content(va + byte));
        machine.store(CPU0, va, u32::from_le_bytes(bytes));
    }
    machine.call(CPU0, Call::PageMap, [0, MIDDLE, 0, MIDDLE, 5]);
    let space = Space {
        pgdir: machine.cpu(CPU0).cr3,
    };
    f(&mut machine, space);
}

fn content(va: u32) -> u8 {
    (va % 251) as u8
}

/// Addresses around every edge.
fn places() -> impl Iterator<Item = u32> + Clone {
    let edges = [0, START, MIDDLE, END, ULIM, u32::MAX];
    let near = |edge: u32| (0..17).map(move |more| edge.wrapping_add(more).wrapping_sub(8));
    edges.into_iter().flat_map(near)
}

/// The address that is reported for a range that lies not wholly in `pages`.
fn bad(ptr: u32, len: u32, pages: std::ops::Range<u32>) -> Option<u32> {
    let is_bad = |&at: &u64| !(u64::from(pages.start)..u64::from(pages.end)).contains(&at);
    let end = u64::from(ptr) + u64::from(len);
    let first = (u64::from(ptr)..end).find(is_bad)?;
    Some((first as u32 & !(PGSIZE - 1)).max(ptr))
}

#[test]
fn words_are_read_up_to_the_last_byte() {
    with_pages(|machine, space| {
        for va in places() {
            let wanted = |from: u32| {
                u32::from_le_bytes([0, 1, 2, 3].map(|byte| content(from.wrapping_add(byte))))
            };
            let mem = machine.kernel.mem();
            let one = match bad(va, 4, START..END) {
                None => Ok(wanted(va)),
                Some(bad) => Err(BadAddress(bad)),
            };
            assert_eq!(read_word(mem, space, va), one, "{va:#x}");
            let three = match bad(va, 12, START..END) {
                None => Ok([va, va.wrapping_add(4), va.wrapping_add(8)].map(wanted)),
                Some(bad) => Err(BadAddress(bad)),
            };
            assert_eq!(read_words(mem, space, va), three, "{va:#x}");
        }
    });
}

#[test]
fn nothing_is_written_unless_all_can_be() {
    for ptr in places() {
        for len in [1, 2, 7, 8, 9, 16, PGSIZE - 1, PGSIZE, PGSIZE + 1] {
            with_pages(|machine, space| {
                let bytes: Vec<u8> = (0..len).map(|i| !content(ptr.wrapping_add(i))).collect();
                let slice = UserSlice { ptr, len };
                let stored = slice.store(machine.kernel.mem(), space, &bytes);
                let wanted = match bad(ptr, len, START..MIDDLE) {
                    None => Ok(()),
                    Some(bad) => Err(BadAddress(bad)),
                };
                assert_eq!(stored, wanted, "{ptr:#x} {len}");
                let range = if stored.is_ok() { ptr..ptr + len } else { 0..0 };
                for va in (START..END).step_by(4) {
                    let word = machine.load(CPU0, va).expect("readable").to_le_bytes();
                    for (va, byte) in (va..).zip(word) {
                        let mask = if range.contains(&va) { 0xff } else { 0 };
                        assert_eq!(byte, content(va) ^ mask, "{ptr:#x} {len}: {va:#x}");
                    }
                }
            });
        }
    }
}

#[test]
fn a_piece_ends_with_its_page_its_range_and_its_room() {
    with_pages(|machine, space| {
        for ptr in [START, START + 1, MIDDLE - 5, MIDDLE - 1, MIDDLE, END - 1] {
            for len in [1, 4, 5, 6, 100, 2 * PGSIZE] {
                for room in [0, 1, 4, 5, 6, 128] {
                    let mut out = vec![0xee; room as usize];
                    let slice = UserSlice { ptr, len };
                    let count = slice.read_some(machine.kernel.mem(), space, &mut out);
                    let page = PGSIZE - ptr % PGSIZE;
                    let wanted = page.min(len).min(room) as usize;
                    assert_eq!(count, wanted, "{ptr:#x} {len} {room}");
                    for (i, &byte) in (0..).zip(&out) {
                        let copied = (i as usize) < count;
                        let wanted = if copied { content(ptr + i) } else { 0xee };
                        assert_eq!(byte, wanted, "{ptr:#x} {len} {room}: {i}");
                    }
                }
            }
        }
        let mut out = [0xee; 4];
        let outside = UserSlice { ptr: END, len: 4 };
        assert_eq!(outside.read_some(machine.kernel.mem(), space, &mut out), 0);
        assert_eq!(out, [0xee; 4]);
        for perm in [Perm::READ, Perm::WRITE] {
            let last = if perm == Perm::READ { END } else { MIDDLE };
            for ptr in places() {
                for len in [0, 1, 8, 9, PGSIZE, PGSIZE + 8, u32::MAX] {
                    let checked =
                        UserSlice { ptr, len }.check(machine.kernel.memory(), space, perm);
                    let wanted = match bad(ptr, len.min(3 * PGSIZE), START..last) {
                        None => Ok(()),
                        Some(bad) => Err(BadAddress(bad)),
                    };
                    assert_eq!(checked, wanted, "{ptr:#x} {len} {perm:?}");
                }
            }
        }
    });
}

#[test]
fn a_range_is_cut_in_two() {
    for len in [0, 1, 5, u32::MAX] {
        for count in [0, 1, 4, 5, 6, u32::MAX] {
            let whole = UserSlice {
                ptr: 0xffff_fff8,
                len,
            };
            let (first, rest) = (whole.first(count), whole.skip(count));
            assert_eq!((first.ptr, first.len), (whole.ptr, count.min(len)));
            assert_eq!(first.len + rest.len, len, "{len} {count}");
            assert_eq!(rest.ptr, whole.ptr.wrapping_add(count));
        }
    }
}

#[test]
fn a_set_of_cpus_has_what_was_put_in() {
    let mut set = CpuSet::EMPTY;
    assert!(set.is_empty() && set.first().is_none());
    let members = [31, 0, 7, 30].map(CpuId);
    for (count, cpu) in (1..).zip(members) {
        set.insert(cpu);
        set.insert(cpu);
        assert!(!set.is_empty() && set.contains(cpu));
        assert_eq!(set.iter().count(), count);
    }
    assert!(set.iter().eq([0, 7, 30, 31].map(CpuId)));
    assert!(!set.contains(CpuId(1)) && !set.contains(CpuId(29)));
    for (left, cpu) in [3, 2, 1, 0].into_iter().zip([0, 7, 30, 31].map(CpuId)) {
        assert_eq!(set.first(), Some(cpu));
        set.remove(cpu);
        set.remove(cpu);
        assert_eq!((set.iter().count(), set.is_empty()), (left, left == 0));
    }
}

/// The list of free slots has the order in which they will be used, and an end.
#[test]
fn slots_are_listed_as_they_are_used_again() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let listed = |machine: &Machine<'_>| {
        let slots = machine.kernel.envs().free_list();
        slots.map(|slot| u32::from(slot.0)).collect::<Vec<_>>()
    };
    assert!(listed(&machine).is_empty());
    for _ in 0..4 {
        machine.call(CPU0, Call::Exofork, [0; 5]);
    }
    assert!(listed(&machine).is_empty());
    let mut wanted = Vec::new();
    for child in [2, 4, 1] {
        machine.call(CPU0, Call::EnvDestroy, [0x1000 + child, 0, 0, 0, 0]);
        machine.clean_up(CPU0);
        wanted.insert(0, child);
        assert_eq!(listed(&machine), wanted);
    }
    machine.call(CPU0, Call::Exofork, [0; 5]);
    assert_eq!(listed(&machine), wanted[1..]);
}
