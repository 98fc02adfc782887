//! Four mebibytes of zeros: checks that they are there, are zero and are ours,
//! and that they end where they should.
//!
//! The hard thing is the last: the array begins on a page's boundary and all
//! other data are smaller than a page, so 4 KiB past its end is unmapped,
//! wherever the linker puts it.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use programs::attack;
use user::abi::layout::PGSIZE;
use user::println;

const WORDS: usize = 1024 * 1024;

#[repr(align(4096))]
struct PageAligned([AtomicU32; WORDS]);

static ARRAY: PageAligned = PageAligned([const { AtomicU32::new(0) }; WORDS]);

user::program!(main);

fn main() {
    println!("Making sure bss works right...");
    let array = &ARRAY.0;
    for (i, word) in array.iter().enumerate() {
        assert!(word.load(Relaxed) == 0, "bigarray[{i}] isn't cleared!");
    }
    for (i, word) in array.iter().enumerate() {
        word.store(i as u32, Relaxed);
    }
    for (i, word) in array.iter().enumerate() {
        assert!(
            word.load(Relaxed) == i as u32,
            "bigarray[{i}] didn't hold its value!"
        );
    }

    println!("Yes, good.  Now doing a wild write off the end...");
    let end = array.as_ptr_range().end as u32;
    // SAFETY: nothing is mapped there, as the head of this file says; the
    // fault ends us.
    unsafe { attack::store(end + PGSIZE, 0) };
    panic!("SHOULD HAVE TRAPPED!!!");
}
