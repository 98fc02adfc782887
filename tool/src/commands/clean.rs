//! `jostle clean`: removes what was built, and if told to, what was fetched.

use std::fs;

use anyhow::Context;

use super::book;
use crate::external::cache;
use crate::host_cargo;
use crate::report::note;
use crate::status;
use crate::workspace::Workspace;

/// Cargo's build folder; with `all` the private copies too. Installed packages
/// are the machine's, and stay.
pub fn clean(all: bool) -> anyhow::Result<u8> {
    if all && let Some(folder) = cache::folder().filter(|folder| folder.exists()) {
        let size = cache::size(&folder).div_ceil(1_000_000);
        let _turn = cache::take_turn(&folder)?;
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
        note(format_args!("removed {} ({size} MB)", folder.display()));
    }
    let workspace = Workspace::locate();
    // The book is where its links to sources are right, and so not in cargo's folder.
    let book = workspace.root().join(book::FOLDER);
    if book.exists() {
        fs::remove_dir_all(&book).with_context(|| format!("cannot remove {}", book.display()))?;
    }
    // Last: it removes this very program.
    let status = host_cargo::command(&workspace, "clean").status();
    Ok(if status.is_ok_and(|status| status.success()) {
        status::CLEAN
    } else {
        status::FAILURE
    })
}
