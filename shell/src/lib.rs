//! What is hard about a command line, without a machine under it: bytes become
//! keys, keys become a line, a line becomes a command.
//!
//! Programs in the guest use it, and its tests run on the host; so there is
//! neither input nor output in it. Bytes come in as arguments, and what the
//! terminal is to show goes to a [`core::fmt::Write`].
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
pub mod words;

/// What is shown when a line may be entered. Whoever speaks to the prompt in a
/// script waits for it.
pub const PROMPT: &str = "jostle> ";
