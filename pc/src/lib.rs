//! A whole PC that runs JOS programs, as a value.
//!
//! The kernel core on the machine of `sim`, and a processor of `ring3` for each of
//! its CPUs. Nothing in it asks the host for anything, so a run is decided by what
//! goes in: the program files, the number of CPUs, and a seed.
//!
//! | module | what |
//! |---|---|
//! | [`boot`] | what is booted |
//! | [`mod@pc`] | the machine, and its way through time |
//! | [`plan`] | who moves next: fairly, with malice, or as somebody chose |
//! | `turn` | one turn of one CPU |
//! | [`snapshot`] | the whole machine at one position, to come back to |
//! | [`history`] | any position of a run, forwards and backwards |
//! | `watch` | a run whose every step in the kernel is checked |
//! | `look` | registers and memory, for a debugger |
//! | [`digest`] | a position as a number |
//! | `used` | how much of the kernel's frame table was ever used |
//! | [`noted`] | which memory was used, for a debugger |
//! | [`typing`] | input that comes by itself, as it came before |
//! | [`bus`] | memory as one processor sees it |
//! | [`stores`], [`care`] | store buffers, and accesses that others may notice |
//! | `context` | where the registers of a program are |
//! | [`ide`] | a disk |
//! | [`crossing`] | from ring 3 into the kernel and back |

#![forbid(unsafe_code)]

pub mod boot;
pub mod bus;
pub mod care;
mod context;
pub mod crossing;
pub mod digest;
pub mod history;
pub mod ide;
mod look;
pub mod noted;
pub mod pc;
pub mod plan;
pub mod snapshot;
pub mod stores;
mod turn;
pub mod typing;
mod used;
mod watch;

pub use history::History;
pub use pc::{Config, Pace, Pc};
