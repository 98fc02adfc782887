//! Which memory the last positions used, for a debugger that watches some.
//!
//! The hard thing is that looking must change nothing: the run is the same with and
//! without. So an access is noted where its data pass, by its physical address, and
//! neither translated nor delayed for that. Code that is decoded passes elsewhere
//! ([`ring3::Bus::code8`]): when that happens is no property of the run.

/// An access to physical memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noted {
    /// Where.
    pub pa: u32,
    /// How many bytes.
    pub len: u32,
    /// Whether it wrote.
    pub write: bool,
}

impl Noted {
    /// Whether it used this byte.
    pub fn uses(&self, pa: u32) -> bool {
        pa.wrapping_sub(self.pa) < self.len
    }
}
