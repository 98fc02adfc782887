//! What both sides print, so that lines can be compared.

use crate::Outcome;
use crate::case::Case;
use crate::groups::Group;
use core::fmt::{self, Display, Formatter};

/// The line of a group.
pub fn line(group: &Group, digest: u64) -> impl Display {
    GroupLine(group, digest)
}

/// The line of a case: its code, and what became of it.
pub fn case_line<'a>(number: u32, case: &'a Case, outcome: &'a Outcome) -> impl Display {
    CaseLine(number, case, outcome)
}

struct GroupLine<'a>(&'a Group, u64);

impl Display for GroupLine<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let GroupLine(Group { name, cases, .. }, digest) = self;
        write!(
            out,
            "instructions: {name} {cases} cases, digest {digest:016x}"
        )
    }
}

struct CaseLine<'a>(u32, &'a Case, &'a Outcome);

impl Display for CaseLine<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let CaseLine(number, case, outcome) = self;
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
    }
}
