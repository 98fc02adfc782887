//! How long the kernel's operations take, seen from a program.
//!
//! `bench [ROW]...` measures the rows named, or all, as [`programs::measure`]
//! says. `benchfork` has those that depend on the size of the program.
//!
//! The hard thing is to have nothing else between two readings of the counter:
//! the calls are expanded in the loop, and what a row needs is made before.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod calls;
mod memory;
mod messages;

use programs::measure::rows;
use user::entry::Int;
use user::interface::Interface;
use user::println;

/// All rows.
const ROWS: [&str; 12] = [
    "null-sysenter",
    "null-int",
    "yield1",
    "yield1-int",
    "switch",
    "switch-int",
    "ipc",
    "call",
    "ipcpage",
    "fault",
    "cow",
    "page",
];

user::program!(main);

fn main() {
    if rows().next().is_some() {
        rows().for_each(run);
    } else {
        ROWS.into_iter().for_each(run);
    }
}

/// Measures one row, or says that the kernel does not offer what it needs. Those without an
/// entry in their name use the best that there is.
fn run(row: &str) {
    // Also has the library use it from the first row on.
    let sysenter = Interface::get().sysenter();
    match (row, sysenter) {
        ("null" | "null-sysenter", Some(sysenter)) => calls::null(row, sysenter),
        ("null" | "null-int", _) => calls::null(row, Int),
        ("null-sysenter", None) => println!("bench {row} not offered"),
        ("yield1", Some(sysenter)) => calls::yield1(row, sysenter),
        ("yield1" | "yield1-int", _) => calls::yield1(row, Int),
        ("switch", Some(sysenter)) => calls::switch(row, sysenter),
        ("switch" | "switch-int", _) => calls::switch(row, Int),
        _ => run_other(row),
    }
}

/// Measures one of the rows that have no entry in their name.
fn run_other(row: &str) {
    match row {
        "ipc" => messages::ipc(row),
        "call" => messages::call(row),
        "ipcpage" => messages::ipcpage(row),
        "fault" => memory::fault(row),
        "cow" => memory::cow(row),
        "page" => memory::page(row),
        _ => println!("bench: no row is named {row}"),
    }
}
