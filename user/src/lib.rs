//! The library that programs use: Jostle's system calls as Rust functions.
//!
//! Written against the interface of JOS, so a program runs on Jostle and on
//! any other JOS kernel.
//!
//! # A first program
//!
//! `./jostle new NAME` writes this one, with its own name where `NAME` stands, and a test;
//! `./jostle run NAME` builds and runs it:
//!
//! ```ignore
#![doc = include_str!("../../tool/templates/program.rs")]
//! ```
//!
//! An *environment* is what other systems call a process: memory, registers, and an
//! [`EnvId`], printed as the kernel prints it. It makes others ([`fork()`]), sends them words
//! and pages ([`ipc`]), and ends when `main` returns or it calls [`exit`]. Calls that can
//! fail return an [`Error`], which is printed as its text. A panic prints its message and
//! place to the console, and ends the environment.
//!
//! | to | there is |
//! |---|---|
//! | print | [`println!`], [`print!`] |
//! | read the arguments | [`args`] |
//! | have a child with a copy of all memory | [`fork()`] |
//! | run another program | [`spawn()`] |
//! | send and receive a word | [`ipc::send`], [`ipc::recv`] |
//! | ask a server and wait for its reply | [`ipc::call`], [`ipc::reply`] |
//! | send a page, or have one in common | [`share::page`] for one, then [`ipc::send_page`] |
//! | use `Vec`, `Box` and `String` | [`heap!`], then `extern crate alloc` |
//! | have pages come when they are touched | [`page_fault::set_handler`] |
//! | handle other exceptions | [`exception`] |
//! | know the time, sleep, wait no longer than that | [`time`] |
//! | have threads, locks and queues | [`thread`], [`sync`] |
//! | look at other environments | [`env::Env`] |
//!
//! A page that two environments have is memory that changes at any time, so it is a
//! [`share::Page`]: words that are read and written as atomics. This is `sendpage`, which
//! sends one each way:
//!
//! ```ignore
#![doc = include_str!("../../programs/src/bin/sendpage.rs")]
//! ```
//!
//! The rights that a page is sent with are a [`Perm`]: [`Perm::READ`] or [`Perm::WRITE`].
//!
//! # All modules
//!
//! | module | what |
//! |---|---|
//! | [`sys`] | the system calls, typed |
//! | [`exofork`] | making an environment that goes on where its parent is |
//! | [`fork`](mod@fork) | the Unix call, built from it |
//! | `copy_on_write` | pages that parent and child share until one writes |
//! | `whole_memory` | all pages for a child, in one call |
//! | [`page_fault`] | page faults that the program handles itself |
//! | [`ipc`] | messages that wait |
//! | [`env`](mod@env) | the public table of environments |
//! | [`vm`] | one's own page tables |
//! | [`share`] | memory that parent and children have in common |
//! | [`area`] | pages to map and unmap at will |
//! | [`port`] | devices, for an environment that may |
//! | [`spawn`](mod@spawn) | running another program |
//! | [`checkpoint`] | children as they are at one moment, and back |
//! | [`archive`] | the files that the system was booted with |
//! | [`heap`](mod@heap) | memory for `alloc`, for programs that want it |
//! | [`scheduling`] | priority and shares |
//! | [`time`] | the time, sleeping, waits that end by themselves |
//! | [`thread`] | environments that share all memory |
//! | [`sync`] | locks and queues for them |
//! | [`sfork`](mod@sfork) | a child that shares all but the stack |
//! | `together` | what that takes: memory that does not change any more |
//! | `own` | what each of them has to itself |
//! | [`interface`] | which numbering and which entry the kernel offers |
//! | [`entry`] | the two instructions that enter the kernel |
//! | [`print`](mod@print) | `print!` and `println!` |
//! | [`start`] | before and after `main`; arguments |
//!
//! The hard thing is shared by all of them: an environment's memory is at once
//! Rust's memory and raw material for system calls. What may pull memory from
//! under the compiler is `unsafe` here; what cannot is not.
//!
//! # What safe code cannot do
//!
//! Whatever a program without `unsafe` calls here, with whatever arguments and
//! however its parent and its children behave by safe calls of theirs:
//!
//! - No page of its program, stacks or heap is unmapped, replaced or written
//!   but as Rust code writes it. Safe calls map pages only where there are none
//!   ([`vm::allocate`]), in the range of [`area`], where no Rust object lies, and
//!   behind a [`share::Page`].
//! - Memory that another environment may write is reached through atomics
//!   ([`share`]) or volatile reads ([`env`](mod@env), [`vm`]) only. Slices into
//!   mapped memory ([`archive`], [`raw_args`]) are of pages that nobody writes.
//! - Rust code runs in a child only as a whole copy of its parent
//!   ([`fork`](mod@fork) has the argument), as a program that was loaded from
//!   its start ([`spawn`](mod@spawn)), with the memory that belongs to its
//!   registers ([`checkpoint`]), or as a thread, which begins with a closure that is
//!   `Send` ([`thread`]; `together` has the argument). Nobody fills, renumbers or starts a
//!   child by safe calls that is none of these.
//! - Registers and upcalls are this library's to set, and so are ports to use.
//!
//! Ending is always allowed: a program may be killed, stopped, or die of a
//! fault at any instruction. What is `unsafe` says what it asks in `# Safety`.

#![no_std]

use runtime as _;

pub mod archive;
pub mod area;
pub mod checkpoint;
mod copy_on_write;
pub mod entry;
pub mod env;
pub mod exception;
pub mod exofork;
pub mod fork;
pub mod heap;
pub mod interface;
pub mod ipc;
mod own;
pub mod page_fault;
mod panic;
pub mod port;
pub mod print;
pub mod scheduling;
pub mod sfork;
pub mod share;
pub mod spawn;
pub mod start;
pub mod sync;
pub mod sys;
pub mod thread;
pub mod time;
mod together;
pub mod vm;
mod whole_memory;

pub use abi;
pub use abi::{EnvId, EnvStatus, Error, Perm};
pub use exofork::Fork;
pub use fork::fork;
pub use sfork::sfork;
pub use spawn::spawn;
pub use start::{args, exit, raw_args};
