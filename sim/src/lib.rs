//! A simulated machine around the kernel core.
//!
//! The kernel is a state machine without hardware, so what is tested, searched
//! and replayed here on the host is the code that boots.
//!
//! | module | what |
//! |---|---|
//! | [`memory`], [`mmu`], [`machine`] | the machine: memory, TLBs, CPUs, the lock |
//! | [`image`] | small programs to boot |
//! | [`log`] | the log of a run |

#![forbid(unsafe_code)]

pub mod image;
pub mod log;
pub mod machine;
pub mod memory;
pub mod mmu;
