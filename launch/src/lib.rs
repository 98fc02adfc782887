//! What a program finds when it starts: its pages, from an ELF file, and its
//! stack, from its arguments.
//!
//! A program that starts another maps these pages by whatever calls there are. This
//! crate makes no call and reads no address, so its tests run on the host.
//!
//! The hard thing is that segments begin and end anywhere, so that two may have
//! a page in common. So pages are not made segment by segment: each is put
//! together once, from all segments that lie in it, and is writeable if one of
//! them is.

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
