//! Vectors, strings and maps, in parent and child at once.
//!
//! The heap is memory like any other: after a fork each has its own, although
//! nothing was copied before somebody wrote. The hard thing is to see that: so
//! both change everything that they have in common, and compare.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use user::{Fork, fork, ipc, println};

/// Entries of the map.
const COUNT: u32 = 1000;
/// Bytes of one large block: more than the heap ever gets at once by itself.
const LARGE: usize = 3 << 20;

user::heap!();
user::program!(main);

fn main() {
    let mut names: BTreeMap<u32, String> = (0..COUNT).map(|n| (n, format!("entry {n}"))).collect();
    println!("made {} strings", names.len());
    free_and_reuse(&mut names);

    match fork() {
        Ok(Fork::Parent(child)) => {
            change(&mut names, "parent");
            // The child is done with its own when it receives.
            if let Err(error) = ipc::send(child, 0) {
                panic!("send: {}", error.message());
            }
            check(&names, "parent");
        }
        Ok(Fork::Child) => {
            change(&mut names, "child");
            if let Err(error) = ipc::recv() {
                panic!("recv: {}", error.message());
            }
            check(&names, "child");
        }
        Err(error) => panic!("fork: {}", error.message()),
    }
}

/// What is given back is used again: a hundred times as much as there is room
/// for.
fn free_and_reuse(names: &mut BTreeMap<u32, String>) {
    for round in 0..100 {
        let large: Vec<u8> = core::iter::repeat_n(round, LARGE).collect();
        assert!(large.iter().all(|&byte| byte == round), "round {round}");
    }
    names.retain(|n, _| n % 2 == 0);
    names.extend((1..COUNT).step_by(2).map(|n| (n, format!("entry {n}"))));
    println!("used {} MiB, a few at a time", (100 * LARGE) >> 20);
}

/// Writes into every string.
fn change(names: &mut BTreeMap<u32, String>, who: &str) {
    for name in names.values_mut() {
        name.push_str(" of the ");
        name.push_str(who);
    }
}

fn check(names: &BTreeMap<u32, String>, who: &str) {
    for (n, name) in names {
        assert!(
            *name == format!("entry {n} of the {who}"),
            "{name} in the {who}"
        );
    }
    println!("the {who} has its own {} strings", names.len());
}
