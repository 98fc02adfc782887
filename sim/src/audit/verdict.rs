//! What a check of an invariant comes to.
//!
//! The hard thing is to be of use to whoever reads it: which invariant, and where.

/// A broken invariant: its number and name, and the frame or slot concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The invariant.
    pub what: &'static str,
    /// Number of the frame, slot or CPU at which it shows.
    pub at: u32,
}

/// Nothing, or the first invariant that is broken.
pub type Verdict = Result<(), Broken>;

/// Whether an invariant holds.
#[inline]
pub(super) fn check(holds: bool, what: &'static str, at: u32) -> Verdict {
    if holds {
        Ok(())
    } else {
        Err(Broken { what, at })
    }
}
