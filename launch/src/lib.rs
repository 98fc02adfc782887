//! What a program finds when it starts: its pages, from an ELF file, and its
//! stack, from its arguments.
//!
//! Whoever starts a program in user space maps these pages, by whatever calls
//! there are; here is neither a call nor an address that is read, so the tests
//! run on the host.
//!
//! The hard thing is that segments begin and end anywhere, so that two may have
//! a page in common. So pages are not made segment by segment: each is put
//! together from all that lie in it, once, and may be written if one of them
//! may.

#![no_std]
#![forbid(unsafe_code)]

mod image;
mod stack;

use abi::layout::{PGSIZE, USTACKTOP};

pub use image::{BadImage, Image};
pub use stack::arguments;

/// Address of a program's only page of stack.
pub const STACK: u32 = USTACKTOP - PGSIZE;

/// The bytes of a page.
pub type Page = [u8; PGSIZE as usize];
