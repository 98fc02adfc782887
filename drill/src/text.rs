//! What both sides print, so that lines can be compared.

use crate::Outcome;
use crate::case::Case;
use crate::groups::Group;
use core::fmt::{self, Display};

/// The line of a group.
pub fn line(group: &Group, digest: u64) -> impl Display {
    let Group { name, cases, .. } = *group;
    fmt::from_fn(move |out| {
        write!(
            out,
            "instructions: {name} {cases} cases, digest {digest:016x}"
        )
    })
}

/// The line of a case: its code, and what became of it.
pub fn case_line(number: u32, case: &Case, outcome: &Outcome) -> impl Display {
    fmt::from_fn(move |out| {
        write!(out, "{number} ")?;
        for byte in case.code.bytes() {
            write!(out, "{byte:02x}")?;
        }
        write!(out, " flags {:x} ->", case.state.flags)?;
        for word in outcome.state.general {
            write!(out, " {word:x}")?;
        }
        let flags = outcome.state.flags;
        write!(out, " flags {flags:x} {:016x}", outcome.digest)
    })
}
