//! Processor features that programs can notice.
//!
//! The hardware half reports them at boot, and a recorded run tells them to its
//! replay. The hard thing: a program may move to another CPU between any two
//! instructions, so it may use only features that all CPUs have.

/// The features that all CPUs have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processor {
    /// `sysenter` enters the kernel.
    pub sysenter: bool,
}

impl Processor {
    /// A processor with every feature, for simulated machines and tests.
    pub const FULL: Processor = Processor { sysenter: true };
}
