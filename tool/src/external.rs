//! Programs of others that some commands need, found or installed on first use.
//!
//! Installing is the set-up script's business, so that one place talks to the
//! package manager; this knows what to look for and what to say.

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::report::note;
use crate::setup_script;
use crate::workspace::Workspace;

/// Something that is there when all of its parts are.
#[derive(Debug)]
pub struct External {
    /// What it is called; the first of its programs.
    pub name: &'static str,
    /// Further programs that it calls.
    others: &'static [&'static str],
    /// A folder that it reads.
    folder: Option<&'static str>,
    /// How `./jostle setup` calls it.
    setup: &'static str,
    /// What to do on a machine that lacks it.
    pub remedy: &'static str,
}

/// The emulator of a 32-bit PC.
pub const QEMU: External = External {
    name: "qemu-system-i386",
    others: &[],
    folder: None,
    setup: "qemu",
    remedy: "install qemu-system-i386 (Debian, Ubuntu: \
        sudo apt-get install --no-install-recommends qemu-system-x86; \
        Fedora: dnf install qemu-system-x86-core; Arch: pacman -S qemu-system-x86; \
        macOS: brew install qemu)",
};

/// The debugger. Any that knows i386 will do, as all for x86 do.
pub const GDB: External = External {
    name: "gdb",
    others: &[],
    folder: None,
    setup: "gdb",
    remedy: "install gdb (Debian, Ubuntu: sudo apt-get install --no-install-recommends gdb; \
        Fedora: dnf install gdb; Arch: pacman -S gdb)",
};

/// Where GRUB's modules for a PC's BIOS are.
pub const GRUB_FOLDER: &str = "/usr/lib/grub/i386-pc";

/// GRUB, for images that boot from a CD's or a stick's BIOS entry.
pub const GRUB: External = External {
    name: "grub-mkrescue",
    others: &["xorriso"],
    folder: Some(GRUB_FOLDER),
    setup: "image",
    remedy: "install GRUB for the PC's BIOS, and xorriso (Debian, Ubuntu: \
        sudo apt-get install --no-install-recommends grub-common grub-pc-bin xorriso)",
};

impl External {
    /// Its path, if all of it is there.
    pub fn find(&self) -> Option<PathBuf> {
        let path = which::which(self.name).ok()?;
        let others = self.others.iter().all(|other| which::which(other).is_ok());
        let folder = self.folder.is_none_or(|folder| Path::new(folder).is_dir());
        (others && folder).then_some(path)
    }

    /// Its path; what is missing, the set-up script is asked to install.
    pub fn find_or_install(&self, workspace: &Workspace) -> anyhow::Result<PathBuf> {
        if let Some(path) = self.find() {
            return Ok(path);
        }
        note(format_args!("{} is not installed", self.name));
        if setup_script::ask_for(workspace, self.setup)
            && let Some(path) = self.find()
        {
            return Ok(path);
        }
        bail!("{} is not installed: {}", self.name, self.remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_must_be_there() {
        let shell = External {
            name: "sh",
            others: &["ls"],
            folder: Some("/"),
            setup: "",
            remedy: "",
        };
        assert!(shell.find().is_some());
        let parts: [External; 3] = [
            External {
                name: "no-such-program",
                ..shell
            },
            External {
                others: &["ls", "no-such-program"],
                ..shell
            },
            External {
                folder: Some("/no/such/folder"),
                ..shell
            },
        ];
        assert!(parts.iter().all(|part| part.find().is_none()));
    }
}
