//! What the machine's processors can do that programs can notice.
//!
//! The core is told at boot, like everything it knows, and a recorded run
//! says it to its replay. The hard thing is that it is the machine's and not one
//! CPU's: a program moves from one to another between two instructions, so it may
//! use only what all of them have.

/// What all CPUs have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processor {
    /// `sysenter` enters the kernel.
    pub sysenter: bool,
}

impl Processor {
    /// One that has everything.
    pub const FULL: Processor = Processor { sysenter: true };
}
