//! `jostle doc`: the pages of the library that programs use.
//!
//! They are made with the guest's compiler, for on the host the library does not compile. The
//! hard thing is that there may be no browser: where the pages are is printed always, and
//! opened only if that is asked for.

use std::process::Stdio;

use anyhow::bail;

use crate::build::inner_cargo;
use crate::build::plan::Plan;
use crate::child_process;
use crate::report::{note, result};
use crate::status;
use crate::workspace::Workspace;

/// What opens a file with whatever a person has chosen for it.
const OPENERS: [&str; 3] = ["xdg-open", "open", "wslview"];

/// Makes the pages, and says where they are.
pub fn doc(open: bool) -> anyhow::Result<u8> {
    let workspace = Workspace::locate();
    let plan = Plan::make(&workspace)?;
    let page = inner_cargo::document(&workspace, &plan, "user")?;
    result(format_args!("{}\n", page.display()));
    if !open {
        return Ok(status::CLEAN);
    }
    let Some(opener) = OPENERS.iter().find_map(|name| which::which(name).ok()) else {
        bail!(
            "nothing to open it with: neither of {} is there",
            OPENERS.join(", ")
        );
    };
    let opened = child_process::command(&opener)
        .arg(&page)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()?;
    if !opened.success() {
        note(format_args!("{}: {opened}", opener.display()));
        return Ok(status::FAILURE);
    }
    Ok(status::CLEAN)
}
