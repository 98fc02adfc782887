//! The scripts that start unpacked programs, which were built to be in `/usr`.
//!
//! The hard thing is that each looks for its libraries and data in places of
//! its own. A launcher finds its folder from its own path, so the copy may be
//! moved, and no name needs to be quoted.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// How one program is started.
#[derive(Debug)]
pub struct Launcher {
    name: &'static str,
    /// Where the program itself may be, below the root.
    places: &'static [&'static str],
    /// Its first arguments, if a path below the root exists.
    arguments: &'static [If],
}

/// A path below the root, and text for the script if that is there; `$root` is
/// the root.
type If = (&'static str, &'static str);

/// Debian's release 7 has a script in `usr/bin` that starts the program by an
/// absolute path, later ones have the program there.
pub const QEMU: Launcher = Launcher {
    name: "qemu-system-i386",
    places: &["usr/libexec/qemu-system-i386", "usr/bin/qemu-system-i386"],
    arguments: &[
        ("usr/share/qemu", "-L \"$root/usr/share/qemu\""),
        ("usr/share/seabios", "-L \"$root/usr/share/seabios\""),
        ("usr/lib/ipxe/qemu", "-L \"$root/usr/lib/ipxe/qemu\""),
    ],
};

/// The one without Python, whose library would be one more thing to find.
pub const GDB: Launcher = Launcher {
    name: "gdb",
    places: &["usr/bin/gdb"],
    arguments: &[],
};

/// GRUB's modules and its helper may be the machine's.
pub const GRUB: Launcher = Launcher {
    name: "grub-mkrescue",
    places: &["usr/bin/grub-mkrescue"],
    arguments: &[
        (
            "usr/lib/grub/i386-pc",
            "--directory=\"$root/usr/lib/grub/i386-pc\"",
        ),
        ("usr/bin/xorriso", "--xorriso=\"${0%/*}/xorriso\""),
    ],
};

/// What GRUB writes images with.
pub const XORRISO: Launcher = Launcher {
    name: "xorriso",
    places: &["usr/bin/xorriso"],
    arguments: &[],
};

impl Launcher {
    /// Writes the script for what is unpacked in `root`; for a program that is
    /// not there, one that starts the machine's.
    pub fn write(&self, root: &Path, bin: &Path) -> std::io::Result<()> {
        let script = bin.join(self.name);
        fs::write(&script, self.script(root))?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))
    }

    fn script(&self, root: &Path) -> String {
        let mut text = String::from(
            "#!/bin/sh\n\
             # Starts a program that is unpacked beside this, not installed.\n\
             root=${0%/*}/../root\n",
        );
        let libraries: Vec<String> = library_folders(root)
            .iter()
            .map(|folder| format!("$root/{}", folder.display()))
            .collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "export LD_LIBRARY_PATH=\"{}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\"",
            libraries.join(":")
        );
        if let Some(modules) = libraries.iter().find(|folder| folder.ends_with("/qemu")) {
            let _ = writeln!(text, "export QEMU_MODULE_DIR=\"{modules}\"");
        }
        let unpacked = self.places.iter().find(|place| root.join(place).exists());
        let program = match unpacked {
            Some(place) => format!("\"$root/{place}\""),
            None => self.name.to_owned(),
        };
        let there = |(path, text): &If| root.join(path).exists().then_some(*text);
        let arguments: Vec<&str> = self.arguments.iter().filter_map(there).collect();
        let _ = writeln!(text, "exec {program} {} \"$@\"", arguments.join(" "));
        text
    }
}

/// The folders below `root` that hold shared libraries, named from there.
fn library_folders(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from("usr/lib"), PathBuf::from("lib")];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(root.join(&folder)) else {
            continue;
        };
        let mut holds = false;
        for entry in entries.flatten() {
            let name = entry.file_name();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(folder.join(name));
            } else {
                holds |= name.to_string_lossy().contains(".so");
            }
        }
        if holds {
            found.push(folder);
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_script_finds_everything_from_its_own_place() {
        let scratch = Scratch::new("launcher");
        let root = scratch.file("a root");
        for file in [
            "usr/libexec/qemu-system-i386",
            "usr/share/seabios/bios.bin",
            "usr/lib/any-linux-gnu/libslirp.so.0",
            "usr/lib/any-linux-gnu/qemu/block.so",
        ] {
            let file = root.join(file);
            fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            fs::write(file, "").expect("written");
        }
        let expected = [
            "root=${0%/*}/../root",
            "export LD_LIBRARY_PATH=\"$root/usr/lib/any-linux-gnu:$root/usr/lib/any-linux-gnu/qemu\
             ${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\"",
            "export QEMU_MODULE_DIR=\"$root/usr/lib/any-linux-gnu/qemu\"",
            "exec \"$root/usr/libexec/qemu-system-i386\" -L \"$root/usr/share/seabios\" \"$@\"",
        ];
        let script = QEMU.script(&root);
        assert_eq!(script.lines().skip(2).collect::<Vec<_>>(), expected);
        assert!(GDB.script(&root).ends_with("exec gdb  \"$@\"\n"));
    }

    #[test]
    fn an_unpacked_program_starts_wherever_the_copy_lies() {
        let scratch = Scratch::new("launcher");
        let copy = scratch.file("ein ÄÖ");
        let (root, bin) = (copy.join("root"), copy.join("bin"));
        fs::create_dir_all(root.join("usr/bin")).expect("made");
        fs::create_dir_all(&bin).expect("made");
        let program = root.join("usr/bin/xorriso");
        fs::write(&program, "#!/bin/sh\nprintf '%s|' \"$@\"\n").expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("set");
        XORRISO.write(&root, &bin).expect("written");
        let output = std::process::Command::new(bin.join("xorriso"))
            .args(["a b", "-c"])
            .output()
            .expect("it starts");
        assert_eq!(output.stdout, b"a b|-c|");
    }
}
