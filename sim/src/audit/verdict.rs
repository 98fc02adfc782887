//! The result of checking an invariant.
//!
//! The hard thing is to help the reader: say which invariant is broken, and where.

/// A broken invariant: its number and name, and the frame or slot concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The invariant's number and name, as in `docs/promises.md`.
    pub what: &'static str,
    /// Number of the frame, slot or CPU that breaks it.
    pub at: u32,
}

/// The first broken invariant, as an error.
pub type Verdict = Result<(), Broken>;

/// Turns a condition into a verdict.
#[inline]
pub(super) fn check(holds: bool, what: &'static str, at: u32) -> Verdict {
    if holds {
        Ok(())
    } else {
        Err(Broken { what, at })
    }
}
