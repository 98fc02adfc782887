//! What a program finds when it starts: its pages, from an ELF file, and its
//! stack, from its arguments.
//!
//! The program that starts another one maps these pages, with whatever calls it
//! has. This crate makes no call and reads no address, so its tests run on the
//! host.
//!
//! The hard thing is that segments begin and end anywhere, so two may share a
//! page. So pages are not made segment by segment: each page is filled once, from
//! all segments that lie in it, and is writeable if any of them is.

#![no_std]
#![forbid(unsafe_code)]

mod image;
mod stack;

use abi::layout::{PGSIZE, USTACKTOP};

pub use image::{BadImage, Image};
pub use stack::arguments;

/// Address of a program's only page of stack.
pub const STACK: u32 = USTACKTOP - PGSIZE;

/// A copy of a page, filled here and mapped by the caller.
pub type Page = [u8; PGSIZE as usize];
