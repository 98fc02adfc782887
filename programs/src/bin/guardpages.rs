//! Tries to have a page mapped beside its stacks, everywhere: one that overflows
//! has to fault, and not to grow into the next.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::abi::layout::{PGSIZE, PTSIZE, USTACKTOP, UTOP};
use user::{println, vm};

/// Where the table begins that the stacks are in.
const TABLE: u32 = USTACKTOP & !(PTSIZE - 1);

user::program!(main);

fn main() {
    let empty = |&va: &u32| vm::perm(va).is_none();
    let places = (TABLE..UTOP).step_by(PGSIZE as usize).filter(empty);
    let (tried, mapped) = places.fold((0, 0), |(tried, mapped), va| {
        (tried + 1, mapped + u32::from(vm::allocate(va).is_ok()))
    });
    println!("{tried} empty pages beside the stacks, {mapped} of them could be mapped");
    vm::allocate(TABLE - PGSIZE).expect("the last page below their table");
}
