//! `jostle setup`: gets what is missing now, not when it is first used.
//!
//! Rust itself, a C compiler and what checks the sources are the script's part, without
//! which this tool would not be here. The hard thing is not to claim success for what
//! nobody could get: so it ends with what `doctor` finds.

use super::doctor::{findings, missing};
use crate::build::plan::Plan;
use crate::cli::Part;
use crate::external::{self, External};
use crate::report::note;
use crate::status;
use crate::workspace::Workspace;

/// Obtains everything or one part; says what each is.
pub fn setup(part: Option<Part>, private: bool) -> anyhow::Result<u8> {
    let workspace = Workspace::locate();
    if part.is_none()
        && let Err(error) = Plan::make(&workspace)
    {
        note(format_args!("{error:#}"));
    }
    for external in needed(part) {
        let found = if private {
            external.unpack()?
        } else {
            external.find_or_obtain()?
        };
        note(format_args!("{}: {}", external.name, found.path.display()));
    }
    if part.is_some() {
        return Ok(status::CLEAN);
    }
    let findings = findings(&workspace);
    let mut complete = true;
    for (what, remedy) in missing(&findings) {
        note(format_args!("{what} is still missing: {remedy}"));
        complete = false;
    }
    if !complete {
        return Ok(status::FAILURE);
    }
    note("everything is there");
    Ok(status::CLEAN)
}

/// What is meant by a part, or by none.
pub fn needed(part: Option<Part>) -> &'static [&'static External] {
    match part {
        None => &external::ALL,
        Some(Part::Qemu) => &[&external::QEMU],
        Some(Part::Gdb) => &[&external::GDB],
        Some(Part::Image) => &[&external::GRUB],
    }
}
