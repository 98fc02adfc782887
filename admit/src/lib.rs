//! Which files are programs that can be run, for which edition of the interface, and
//! with which arguments.
//!
//! The tool asks before it boots a file, and so does the page in a browser, where files
//! are dropped. The hard thing is that a file may be anything: see [`elf_check`].

#![forbid(unsafe_code)]

pub mod arguments;
pub mod elf_check;
pub mod personality;
