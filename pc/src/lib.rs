//! A whole PC that runs JOS programs, as a value.
//!
//! The kernel core on the machine of `sim`, and a processor of `ring3` for each of
//! its CPUs. Nothing in it asks the host for anything, so a run is decided by what
//! goes in: the program files, the number of CPUs, and a seed.
//!
//! | module | what |
//! |---|---|
//! | [`mod@pc`] | the machine, and its way through time |
//! | [`bus`] | memory as one processor sees it |
//! | `context` | where the registers of a program are |
//! | [`ide`] | a disk |
//! | [`crossing`] | from ring 3 into the kernel and back |

#![forbid(unsafe_code)]

pub mod bus;
mod context;
pub mod crossing;
pub mod ide;
pub mod pc;

pub use pc::{Config, Pc};
