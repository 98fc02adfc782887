//! Opening a page with whatever a person has chosen for it.
//!
//! The hard thing is that there may be nothing: then that is said, and the page is there all
//! the same.

use std::path::Path;
use std::process::Stdio;

use anyhow::bail;

use crate::child_process;
use crate::report::note;
use crate::status;

const OPENERS: [&str; 3] = ["xdg-open", "open", "wslview"];

/// Opens the file; the status says whether that went well.
pub fn open(page: &Path) -> anyhow::Result<u8> {
    let Some(opener) = OPENERS.iter().find_map(|name| which::which(name).ok()) else {
        bail!(
            "nothing to open it with: none of {} is there",
            OPENERS.join(", ")
        );
    };
    let opened = child_process::command(&opener)
        .arg(page)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()?;
    if !opened.success() {
        note(format_args!("{}: {opened}", opener.display()));
        return Ok(status::FAILURE);
    }
    Ok(status::CLEAN)
}
