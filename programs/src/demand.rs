//! A fault handler that maps a page and writes into it where it was touched.
//!
//! The hard thing is a touch shortly before the end of a page: the text goes on
//! in the next, which faults inside this handler. If something is mapped there
//! already, it is somebody's, and must not be written over.

use user::abi::UTrapFrame;
use user::abi::layout::PGSIZE;
use user::{println, vm};

use crate::raw_text::RawText;

/// More than the text's bytes.
const ROOM: u32 = 64;

/// Handles a fault by a page that says so.
pub fn fault_in(fault: &UTrapFrame) {
    let va = fault.fault_va;
    println!("fault {va:x}");
    let [page, last] = [va, va.saturating_add(ROOM)].map(|va| va & !(PGSIZE - 1));
    if let Err(error) = vm::allocate(page) {
        panic!("allocating at {va:x}: {}", error.message());
    }
    if last != page && vm::perm(last).is_some() {
        println!("no room for a text at {va:x}");
        user::exit();
    }
    // SAFETY: nothing was mapped where it begins, and nothing is in the next
    // page if it goes on there, so both are nobody's.
    let text = unsafe { RawText::at(va) };
    text.set(format_args!("this string was faulted in at {va:x}"));
}
