//! The commands that make finds before the machine's own.
//!
//! They are scripts of a few lines, found by their names: a path would be cut
//! at its first blank by the makefile. Each calls what it stands for by its full
//! path, in the search path as it was.

use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::compiler::Compiler;
use super::copy::Workplace;
use crate::cli::Grade;
use crate::quoting::shell_word;

/// What make starts as QEMU. A makefile that does not ask for it by the
/// variable looks for one of [`QEMU_TOO`].
pub const QEMU: &str = "jostle-qemu";
const QEMU_TOO: [&str; 2] = ["qemu", "qemu-system-i386"];

/// A folder of scripts.
pub struct Scripts {
    folder: PathBuf,
    before: OsString,
}

impl Scripts {
    /// Writes them.
    pub fn write(
        workplace: &Workplace,
        options: &Grade,
        compiler: Option<&Compiler>,
    ) -> anyhow::Result<Self> {
        let scripts = Self {
            folder: workplace.folder("bin")?,
            before: std::env::var_os("PATH").unwrap_or_default(),
        };
        let ourselves = std::env::current_exe().context("the tool's own path")?;
        let line = stand_in_line(&ourselves, &workplace.lock(), options);
        let text = format!(
            "PATH={}\nunset MAKEFLAGS MFLAGS MAKELEVEL\nexec {line} -- \"$@\"\n",
            shell_word(&scripts.before)
        );
        for name in QEMU_TOO.into_iter().chain([QEMU]) {
            scripts.add(name, &text)?;
        }
        if let Some(compiler) = compiler {
            scripts.add("gcc", &compiler.script())?;
        }
        Ok(scripts)
    }

    fn add(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}"))?;
        std::fs::set_permissions(path, Permissions::from_mode(0o755))?;
        Ok(())
    }

    /// `PATH`, with these first.
    pub fn search_path(&self) -> OsString {
        let mut path = self.folder.clone().into_os_string();
        if !self.before.is_empty() {
            path.push(":");
            path.push(&self.before);
        }
        path
    }
}

fn stand_in_line(ourselves: &Path, lock: &Path, options: &Grade) -> String {
    let mut words = vec![ourselves.as_os_str().to_owned(), "stand-in".into()];
    let mut option = |name: &str, value: &OsStr| words.extend([name.into(), value.to_owned()]);
    option("--lock", lock.as_os_str());
    if let Some(year) = options.edition {
        option("--edition", year.to_string().as_ref());
    }
    if let Some(cpus) = options.cpus {
        option("--cpus", cpus.to_string().as_ref());
    }
    if options.verbose {
        words.push("--verbose".into());
    }
    let words: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
    words.join(" ")
}
