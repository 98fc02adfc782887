//! The programs of others, and all that is known of each beforehand.
//!
//! The hard thing is that one program has many names: its own, that of another
//! build, a package's for each distribution, and what a person calls it.

use std::ffi::OsString;

use super::launcher::{self, Launcher};

/// Something that is there when all of its parts are.
#[derive(Debug)]
pub struct External {
    /// What it is called; the first of its programs.
    pub name: &'static str,
    /// Names under which another build of it serves as well.
    pub(super) also: &'static [&'static str],
    /// Further programs that it calls.
    pub(super) others: &'static [&'static str],
    /// A folder that it reads.
    pub(super) folder: Option<&'static str>,
    /// The oldest release that will do, where that matters.
    pub(super) oldest: Option<(u32, u32)>,
    /// Arguments that come before all others, given the program's name.
    pub(super) arguments: fn(&str) -> Vec<OsString>,
    /// How `./jostle doctor` calls it.
    pub called: &'static str,
    /// The one command that needs it; empty, if several do.
    pub command: &'static str,
    /// How `./jostle setup` calls it, and its folder among the private copies.
    pub setup: &'static str,
    /// Debian's packages, to be installed.
    pub(super) packages: &'static [&'static str],
    /// Those to be unpacked.
    pub(super) unpacked: &'static [&'static str],
    /// How an unpacked copy is started.
    pub(super) launchers: &'static [Launcher],
    /// What to do on a machine that lacks it.
    pub remedy: &'static str,
}

impl External {
    /// Whether the tool is not complete without it.
    pub fn is_needed(&self) -> bool {
        self.command.is_empty()
    }
}

/// The emulator of a 32-bit PC.
pub const QEMU: External = External {
    name: "qemu-system-i386",
    also: &["qemu-system-x86_64"],
    others: &[],
    folder: None,
    oldest: Some((6, 2)),
    arguments: same_machine,
    called: "qemu",
    command: "",
    setup: "qemu",
    packages: &["qemu-system-x86"],
    unpacked: &["qemu-system-x86"],
    launchers: &[launcher::QEMU],
    remedy: "install QEMU 6.2 or later for the PC (Debian, Ubuntu, also inside WSL: \
        sudo apt-get install --no-install-recommends qemu-system-x86; \
        Fedora: sudo dnf install qemu-system-x86-core; Arch: sudo pacman -S qemu-system-x86; \
        macOS: brew install qemu; Windows: wsl --install, then as for Debian)",
};

/// The debugger. Any that knows i386 will do, as all for x86 do.
pub const GDB: External = External {
    name: "gdb",
    also: &[],
    others: &[],
    folder: None,
    oldest: None,
    arguments: nothing,
    called: "gdb",
    command: "gdb",
    setup: "gdb",
    packages: &["gdb"],
    unpacked: &["gdb-minimal"],
    launchers: &[launcher::GDB],
    remedy: "install gdb (Debian, Ubuntu: sudo apt-get install --no-install-recommends gdb; \
        Fedora: sudo dnf install gdb; Arch: sudo pacman -S gdb)",
};

/// Where GRUB's modules for a PC's BIOS are.
const GRUB_FOLDER: &str = "/usr/lib/grub/i386-pc";

/// GRUB, for images that boot from a CD's or a stick's BIOS entry.
pub const GRUB: External = External {
    name: "grub-mkrescue",
    also: &[],
    others: &["xorriso"],
    folder: Some(GRUB_FOLDER),
    oldest: None,
    arguments: only_for_the_bios,
    called: "grub-mkrescue",
    command: "image",
    setup: "image",
    packages: &["grub-common", "grub-pc-bin", "xorriso"],
    unpacked: &["grub-common", "grub-pc-bin", "xorriso"],
    launchers: &[launcher::GRUB, launcher::XORRISO],
    remedy: "install GRUB for the PC's BIOS, and xorriso (Debian, Ubuntu: \
        sudo apt-get install --no-install-recommends grub-common grub-pc-bin xorriso)",
};

/// A browser, for the tests of the page. It is not unpacked as a private copy, which
/// would be half a gigabyte.
pub const BROWSER: External = External {
    name: "chromium",
    also: &["chromium-browser", "google-chrome"],
    others: &[],
    folder: None,
    oldest: None,
    arguments: nothing,
    called: "chromium",
    command: "web",
    setup: "browser",
    packages: &["chromium"],
    unpacked: &[],
    launchers: &[],
    remedy: "install Chromium (Debian: sudo apt-get install --no-install-recommends chromium)",
};

/// Another emulator, for the tests of images. Its firmware lies where only its packages put
/// it, so it is not unpacked.
pub const BOCHS: External = External {
    name: "bochs",
    also: &[],
    others: &[],
    folder: None,
    oldest: None,
    arguments: nothing,
    called: "bochs",
    command: "image",
    setup: "bochs",
    packages: &["bochs", "bochs-term", "bochsbios", "vgabios"],
    unpacked: &[],
    launchers: &[],
    remedy: "install Bochs (Debian: sudo apt-get install --no-install-recommends bochs bochs-term)",
};

fn nothing(_: &str) -> Vec<OsString> {
    Vec::new()
}

/// The build for 64 bits has another default processor.
fn same_machine(name: &str) -> Vec<OsString> {
    match name {
        "qemu-system-x86_64" => vec!["-cpu".into(), "qemu32".into()],
        _ => Vec::new(),
    }
}

/// Whatever else GRUB could do on this machine.
fn only_for_the_bios(_: &str) -> Vec<OsString> {
    vec![format!("--directory={GRUB_FOLDER}").into()]
}

/// All of them, in the order in which `./jostle setup` looks for them.
pub const ALL: [&External; 3] = [&QEMU, &GDB, &GRUB];
