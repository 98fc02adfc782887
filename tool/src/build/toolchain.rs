//! Looks at a Rust toolchain: two short questions to rustc, then the disk.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::ladder::Has;
use super::target::Target;

/// Debian's compiler, wherever another one comes first in the search path.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
/// The workspace's own minimum, so that an older compiler is not even tried.
const MINIMUM: (u32, u32) = (1, 91);

/// A compiler with its cargo.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// How to call its compiler.
    pub rustc: PathBuf,
    /// How to call its cargo.
    pub cargo: PathBuf,
    /// All that `rustc -vV` prints: two toolchains that differ, differ here.
    pub verbose_version: String,
    /// Where its libraries are.
    pub sysroot: PathBuf,
}

impl Toolchain {
    /// The toolchain that cargo uses here, as told by CARGO and RUSTC or found
    /// in the search path.
    pub fn active() -> anyhow::Result<Self> {
        let named = |variable: &str, name: &str| {
            let value = std::env::var_os(variable).filter(|value| !value.is_empty());
            PathBuf::from(value.unwrap_or_else(|| OsString::from(name)))
        };
        Self::probe(named("RUSTC", "rustc"), named("CARGO", "cargo"), false)
    }

    /// Debian's own, if it is installed and new enough.
    pub fn debian() -> Option<Self> {
        if !Path::new(DEBIAN_CARGO).exists() || !Path::new(DEBIAN_RUSTC).exists() {
            return None;
        }
        let toolchain = Self::probe(DEBIAN_RUSTC.into(), DEBIAN_CARGO.into(), true).ok()?;
        (toolchain.release()? >= MINIMUM).then_some(toolchain)
    }

    fn probe(rustc: PathBuf, cargo: PathBuf, clean: bool) -> anyhow::Result<Self> {
        let ask = |question: &[&str]| {
            let mut command = Command::new(&rustc);
            command.args(question).stdin(Stdio::null());
            if clean {
                command.env_remove("RUSTUP_TOOLCHAIN");
                command.env_remove("LD_LIBRARY_PATH");
            }
            answer(&mut command)
        };
        let verbose_version = ask(&["-vV"])?;
        let sysroot = ask(&["--print", "sysroot"])?.trim_end().into();
        Ok(Self {
            rustc,
            cargo,
            verbose_version,
            sysroot,
        })
    }

    /// What it has of a target's library.
    pub fn has(&self, target: &Target) -> Has {
        let rustlib = self.sysroot.join("lib/rustlib");
        let libraries = rustlib.join(target.triple).join("lib");
        let compiled = format!("lib{}-", target.library);
        let core = std::fs::read_dir(libraries).is_ok_and(|entries| {
            entries
                .flatten()
                .any(|entry| entry.file_name().to_string_lossy().starts_with(&compiled))
        });
        Has {
            core,
            source: rustlib.join("src/rust/library/core/src/lib.rs").exists(),
        }
    }

    /// Its name in rustup, if rustup manages it.
    pub fn rustup_name(&self) -> Option<&str> {
        let folder = self.sysroot.parent()?.file_name()?;
        if folder != "toolchains" || which::which("rustup").is_err() {
            return None;
        }
        self.sysroot.file_name()?.to_str()
    }

    /// The triple of the host.
    pub fn host(&self) -> Option<&str> {
        self.field("host: ")
    }

    /// The short form of its version, for people.
    pub fn version(&self) -> &str {
        self.verbose_version.lines().next().unwrap_or("unknown")
    }

    /// The commit that its compiler was built from, if it says so.
    pub(super) fn commit(&self) -> Option<&str> {
        self.field("commit-hash: ")
    }

    /// Its version.
    pub(super) fn release(&self) -> Option<(u32, u32)> {
        parse_release(self.field("release: ")?)
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.verbose_version
            .lines()
            .find_map(|line| line.strip_prefix(name))
    }
}

fn answer(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        bail!("{:?} failed: {}", command.get_program(), reason.trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn parse_release(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(['.', '-']);
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    Some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_as_numbers() {
        assert_eq!(parse_release("1.96.0"), Some((1, 96)));
        assert_eq!(parse_release("1.100.0-nightly"), Some((1, 100)));
        assert!(parse_release("1.9.0") < Some(MINIMUM));
        assert_eq!(parse_release("unknown"), None);
    }

    #[test]
    fn rustups_name_comes_from_the_folder() {
        let toolchain = |sysroot: &str| Toolchain {
            rustc: "rustc".into(),
            cargo: "cargo".into(),
            verbose_version: "rustc 1.95.0\nhost: x86_64-unknown-linux-gnu\n".into(),
            sysroot: sysroot.into(),
        };
        assert_eq!(toolchain("/usr").rustup_name(), None);
        assert_eq!(toolchain("/usr").host(), Some("x86_64-unknown-linux-gnu"));
        if which::which("rustup").is_ok() {
            let managed = toolchain("/home/u/.rustup/toolchains/stable-x");
            assert_eq!(managed.rustup_name(), Some("stable-x"));
        }
    }
}
