//! What is hard about a command line, without a machine under it: bytes become
//! keys, keys become a line, a line becomes a command.
//!
//! Programs in the guest use this crate, and its tests run on the host; so it has
//! neither input nor output. Bytes come in as arguments, and what the terminal will
//! show goes to a [`core::fmt::Write`].
//!
//! | module | what |
//! |---|---|
//! | [`keys`] | bytes from a terminal become keys |
//! | [`editor`] | keys become a line, and the terminal shows it |
//! | [`history`] | the lines that were entered before |
//! | [`words`] | a line becomes words |
//! | [`command`] | words become a command |

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod command;
pub mod editor;
pub mod history;
pub mod keys;
pub mod tour;
pub mod words;

/// What the prompt shows when a line may be entered. Scripts wait for it.
pub const PROMPT: &str = "jostle> ";
