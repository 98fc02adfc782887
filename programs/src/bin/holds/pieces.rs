//! Calls that are made in pieces, by a child; what is printed is the longest piece.
//!
//! The hard thing is to have several bounded things in one entry: pieces of a dead
//! address space may be taken apart in it, one to find memory and one that is due.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use programs::lives;
use user::abi::PageRange;
use user::abi::layout::{NPTENTRIES, PGSIZE, PTSIZE};
use user::env::Env;
use user::fork::eager_fork;
use user::{EnvId, EnvStatus, Fork, Perm, println, share, sys};

use super::gap;

/// Nothing of this program lives from here on.
const PLACE: u32 = 0x1000_0000;
/// The most that a call of `sbrk` moves the end.
const HEAP: i32 = PTSIZE as i32;
/// Pages of an address space that takes long to take apart: 80 MiB.
const LARGE: u32 = 20 << 20 >> 10;
/// What a `cputs` has to check: three tables.
const TEXT: u32 = 3 * PTSIZE;

pub fn all() {
    let words = share::words(1).expect("memory to share");
    heap("sbrk", words);
    heap("sbrk-back", words);
    ranges(&words[0]);
    large();
    shortage(words);
    text();
}

fn child(work: impl FnOnce()) -> EnvId {
    match eager_fork().expect("eager_fork") {
        Fork::Parent(child) => child,
        Fork::Child => {
            work();
            user::exit()
        }
    }
}

fn lives(child: EnvId) -> bool {
    Env::of(child).id() == child && Env::of(child).status() != Some(EnvStatus::Free)
}

/// A heap that grows, or shrinks, by as much as one call can.
fn heap(row: &str, words: &[AtomicU32]) {
    words[0].store(0, Relaxed);
    let child = child(|| {
        // SAFETY: nobody here has a heap.
        unsafe {
            if row == "sbrk-back" {
                sys::sbrk(HEAP).expect("sbrk");
                words[0].store(1, Relaxed);
                sys::yield_now();
                sys::sbrk(-HEAP).expect("sbrk");
            } else {
                words[0].store(1, Relaxed);
                sys::yield_now();
                sys::sbrk(HEAP).expect("sbrk");
            }
        }
        words[0].store(2, Relaxed);
        sys::yield_now();
    });
    while words[0].load(Relaxed) == 0 {
        sys::yield_now();
    }
    gap::print(row, gap::longest(|| words[0].load(Relaxed) == 1));
    lives::wait_for(child);
}

/// What lists of pages ask for: the row, the action, from where and to where.
const RANGES: [(&str, u32, u32, u32); 4] = [
    ("ranges-fresh", PageRange::ALLOC, 0, PLACE),
    ("ranges-copy", PageRange::COPY, PLACE, PLACE + PTSIZE),
    ("ranges-share", PageRange::SHARE, PLACE, PLACE + 2 * PTSIZE),
    ("ranges-unmap", PageRange::UNMAP, 0, PLACE + PTSIZE),
];

/// Lists of one entry with a whole table of pages, one after the other.
fn ranges(turn: &AtomicU32) {
    turn.store(0, Relaxed);
    let child = child(|| {
        for (_, action, source_va, target_va) in RANGES {
            let mut list = [PageRange {
                action,
                source_va,
                target_va,
                pages: NPTENTRIES,
                set: match action {
                    PageRange::ALLOC => Perm::WRITE.bits() as u16,
                    _ => 0,
                },
                ..PageRange::default()
            }];
            turn.fetch_add(1, Relaxed);
            sys::yield_now();
            // SAFETY: nothing of ours is there.
            unsafe { sys::page_ranges(&mut list) }.expect("page_ranges");
            turn.fetch_add(1, Relaxed);
            sys::yield_now();
        }
    });
    let times = core::array::from_fn::<_, 4, _>(|number| {
        let now = 2 * number as u32 + 1;
        while turn.load(Relaxed) < now {
            sys::yield_now();
        }
        gap::longest(|| turn.load(Relaxed) == now)
    });
    lives::wait_for(child);
    for ((row, ..), time) in RANGES.into_iter().zip(times) {
        gap::print(row, time);
    }
}

/// A text that has to be checked in pieces, and then fills the console.
fn text() {
    // SAFETY: nothing is there.
    unsafe {
        sys::page_alloc(EnvId::NONE, PLACE, Perm::WRITE).expect("page_alloc");
        core::ptr::with_exposed_provenance_mut::<u8>(PLACE as usize)
            .write_bytes(b'.', PGSIZE as usize);
        for va in (PLACE + PGSIZE..PLACE + TEXT).step_by(PGSIZE as usize) {
            let own = EnvId::NONE;
            sys::page_map(own, PLACE, own, va, Perm::READ).expect("page_map");
        }
    }
    let child = child(|| {
        // SAFETY: just mapped, and nobody writes there.
        let text = unsafe {
            let start = core::ptr::with_exposed_provenance(PLACE as usize);
            core::slice::from_raw_parts(start, TEXT as usize)
        };
        sys::cputs(text);
    });
    // Far more turns than the checks and the first 28 KiB take.
    let turns = core::cell::Cell::new(0);
    let longest = gap::longest(|| {
        turns.set(turns.get() + 1);
        turns.get() < 500
    });
    println!("\nhold cputs {longest}");
    sys::env_destroy(child).expect("env_destroy");
}

/// A child that has so many pages of its own and waits.
fn large_child() -> EnvId {
    let Fork::Parent(child) = eager_fork().expect("eager_fork") else {
        loop {
            sys::yield_now();
        }
    };
    for page in 0..LARGE {
        // SAFETY: nothing of the child's is there.
        unsafe { sys::page_alloc(child, PLACE + page * PGSIZE, Perm::WRITE) }.expect("page_alloc");
    }
    child
}

/// The death of a large environment, and the entries after it.
fn large() {
    let child = large_child();
    let death = gap::of(|| sys::env_destroy(child).expect("env_destroy"));
    let turns = core::cell::Cell::new(0);
    let longest = gap::longest(|| {
        turns.set(turns.get() + 1);
        turns.get() < 1000
    });
    gap::print("env_destroy-large", death);
    gap::print("yield-after-large", longest);
}

/// No memory is free but what a dead environment has, and a heap wants to grow.
fn shortage(words: &[AtomicU32]) {
    let doomed = large_child();
    words[0].store(0, Relaxed);
    let grower = child(|| {
        while words[0].load(Relaxed) == 0 {
            sys::yield_now();
        }
        // SAFETY: nobody here has a heap.
        unsafe { sys::sbrk(HEAP) }.expect("sbrk");
        words[0].store(2, Relaxed);
        sys::yield_now();
    });
    let mut next = PLACE;
    // SAFETY: nothing is there.
    while unsafe { sys::page_alloc(EnvId::NONE, next, Perm::WRITE) }.is_ok() {
        next += PGSIZE;
    }
    sys::env_destroy(doomed).expect("env_destroy");
    let alloc = gap::of(|| {
        // SAFETY: nothing is there.
        unsafe { sys::page_alloc(EnvId::NONE, next, Perm::WRITE) }.expect("page_alloc");
    });
    words[0].store(1, Relaxed);
    let longest = gap::longest(|| words[0].load(Relaxed) == 1);
    gap::print("page_alloc-in-shortage", alloc);
    gap::print("sbrk-in-shortage", longest);
    while lives(grower) {
        sys::yield_now();
    }
    for va in (PLACE..=next).step_by(PGSIZE as usize) {
        // SAFETY: from above.
        unsafe { sys::page_unmap(EnvId::NONE, va) }.expect("page_unmap");
    }
}
