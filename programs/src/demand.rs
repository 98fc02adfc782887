//! A fault handler that maps a page and writes into it where it was touched.
//!
//! The hard thing is a touch shortly before the end of a page: the text goes on
//! in the next, which faults inside this handler.

use user::abi::UTrapFrame;
use user::abi::layout::PGSIZE;
use user::{println, vm};

use crate::raw_text::RawText;

/// Handles a fault by a page that says so.
pub fn fault_in(fault: &UTrapFrame) {
    let va = fault.fault_va;
    println!("fault {va:x}");
    if let Err(error) = vm::allocate(va & !(PGSIZE - 1)) {
        panic!("allocating at {va:x}: {}", error.message());
    }
    // SAFETY: nothing was mapped there, so it is nobody's.
    let text = unsafe { RawText::at(va) };
    text.set(format_args!("this string was faulted in at {va:x}"));
}
