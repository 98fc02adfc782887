//! Reads strings that do not exist until they are read: a page-fault handler
//! allocates and fills the pages. The second string crosses into a page that
//! the handler itself faults on.

#![no_std]
#![no_main]

use programs::demand;
use programs::raw_text::RawText;
use user::{page_fault, println};

user::program!(main);

fn main() {
    // SAFETY: the handler works with integers only.
    unsafe { page_fault::set_handler(demand::fault_in) }.expect("set_handler");
    for address in [0xdead_beef, 0xcafe_bffe] {
        // SAFETY: nothing is mapped there but what the handler maps.
        println!("{}", unsafe { RawText::at(address) });
    }
}
