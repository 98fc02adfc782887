//! Finds QEMU, and gets it installed when it is missing.

use std::path::PathBuf;

use anyhow::bail;

use crate::report::note;
use crate::setup_script;
use crate::workspace::Workspace;

/// The emulator of a 32-bit PC.
pub const PROGRAM: &str = "qemu-system-i386";

/// What to do on a machine that has no QEMU.
pub const REMEDY: &str = "install qemu-system-i386 (Debian, Ubuntu: \
    sudo apt-get install --no-install-recommends qemu-system-x86; \
    Fedora: dnf install qemu-system-x86-core; Arch: pacman -S qemu-system-x86; macOS: brew install qemu)";

/// QEMU's path, if it is installed.
pub fn find() -> Option<PathBuf> {
    which::which(PROGRAM).ok()
}

/// QEMU's path; when it is missing, the set-up script is asked to install it.
pub fn find_or_install(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    if let Some(path) = find() {
        return Ok(path);
    }
    note(format_args!("{PROGRAM} is not installed"));
    if setup_script::ask_for(workspace, "qemu")
        && let Some(path) = find()
    {
        return Ok(path);
    }
    bail!("{PROGRAM} is not installed: {REMEDY}")
}
