//! The library that programs use: Jostle's system calls as Rust functions.
//!
//! Written against the interface of JOS, so a program runs on Jostle and on
//! any other JOS kernel. A whole program:
//!
//! ```ignore
//! #![no_std]
//! #![no_main]
//! #![forbid(unsafe_code)]
//!
//! user::program!(main);
//!
//! fn main() {
//!     user::println!("hello, world");
//! }
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`sys`] | the system calls, typed |
//! | [`exofork`] | making an environment that goes on where its parent is |
//! | [`fork`](mod@fork) | the Unix call, built from it |
//! | `copy_on_write` | pages that parent and child share until one writes |
//! | [`page_fault`] | page faults that the program handles itself |
//! | [`ipc`] | messages that wait |
//! | [`env`](mod@env) | the public table of environments |
//! | [`vm`] | one's own page tables |
//! | [`share`] | memory that parent and children have in common |
//! | [`area`] | pages to map and unmap at will |
//! | [`port`] | devices, for an environment that may |
//! | [`spawn`](mod@spawn) | running another program |
//! | [`archive`] | the files that the system was booted with |
//! | [`heap`](mod@heap) | memory for `alloc`, for programs that want it |
//! | [`interface`] | which numbering and which entry the kernel offers |
//! | [`entry`] | the two instructions that enter the kernel |
//! | [`print`](mod@print) | `print!` and `println!` |
//! | [`start`] | before and after `main`; arguments |
//!
//! The hard thing is shared by all of them: an environment's memory is at once
//! Rust's memory and raw material for system calls. What may pull memory from
//! under the compiler is `unsafe` here; what cannot is not.

#![no_std]

use runtime as _;

pub mod archive;
pub mod area;
mod copy_on_write;
pub mod entry;
pub mod env;
pub mod exofork;
pub mod fork;
pub mod heap;
pub mod interface;
pub mod ipc;
pub mod page_fault;
mod panic;
pub mod port;
pub mod print;
pub mod share;
pub mod spawn;
pub mod start;
pub mod sys;
pub mod time;
pub mod vm;

pub use abi;
pub use abi::{EnvId, EnvStatus, Error, Perm};
pub use exofork::Fork;
pub use fork::fork;
pub use spawn::spawn;
pub use start::{args, exit, raw_args};
