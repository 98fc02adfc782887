//! A simulated machine around the kernel core.
//!
//! The kernel is a state machine without hardware, so the code that is tested,
//! searched and replayed here on the host is the code that boots.
//!
//! | module | what |
//! |---|---|
//! | [`memory`], [`mmu`], [`machine`] | the machine: memory, TLBs, CPUs, the lock |
//! | [`image`] | small programs to boot |
//! | [`audit`] | what must hold of the kernel's state |
//! | [`checks`], [`poison`] | what must hold of a whole machine |
//! | [`model`], [`random`] | random programs against an independent model |
//! | [`explorer`] | every interleaving of small histories |
//! | [`named`] | what a step asks for, to compare |
//! | [`log`], [`reader`], [`replay`] | the log of a run, and running it again |

#![forbid(unsafe_code)]

pub mod audit;
pub mod checks;
pub mod code;
pub mod explorer;
pub mod image;
pub mod log;
pub mod machine;
pub mod memory;
pub mod mmu;
pub mod model;
pub mod named;
pub mod poison;
pub mod random;
pub mod reader;
pub mod replay;
