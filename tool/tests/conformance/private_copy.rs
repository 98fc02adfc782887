//! A private copy made for real: packages fetched, unpacked and started, with
//! nothing installed and nothing in the user's own cache.
//!
//! The debugger's is the smallest, 3 MB to download.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;

use crate::boot::host;
use crate::command_line::status_is;
use crate::trial::Trial;

pub fn trials() -> impl Iterator<Item = Trial> {
    let debian = which::which("apt-get").is_ok();
    [
        Trial::test("private_copy::of_the_debugger", debugger).with_ignored_flag(!debian),
        // 17 MB or more, which every first run on such a machine fetches anyway.
        Trial::test("private_copy::of_the_emulator", emulator).with_ignored_flag(true),
    ]
    .into_iter()
}

fn debugger() -> Result<(), Failed> {
    let cache = Cache::new("gdb")?;
    let Some(gdb) = cache.unpack("gdb")? else {
        println!("private_copy::of_the_debugger was left out: there is no network");
        return Ok(());
    };
    let output = Command::new(gdb)
        .args(["-nx", "-batch", "-ex", "print 6 * 7"])
        .output()?;
    status_is(0, &output)?;
    if output.stdout == b"$1 = 42\n" {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stdout).into_owned().into())
    }
}

/// Boots through it too.
fn emulator() -> Result<(), Failed> {
    let cache = Cache::new("qemu")?;
    let qemu = cache.unpack("qemu")?.ok_or("there is no network")?;
    let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .args(["run", "hello", "-v"])
        .env("PATH", with_first(&qemu)?)
        .output()?;
    status_is(0, &output)?;
    let used = String::from_utf8_lossy(&output.stderr);
    if used.contains(&*qemu.to_string_lossy()) {
        Ok(())
    } else {
        Err(used.into_owned().into())
    }
}

/// The search path with a program's folder before all others.
fn with_first(program: &Path) -> Result<std::ffi::OsString, Failed> {
    let mut folders: Vec<PathBuf> = program
        .parent()
        .map(Path::to_path_buf)
        .into_iter()
        .collect();
    folders.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    Ok(std::env::join_paths(folders)?)
}

/// A cache of a test's own, with a name that wants quoting; gone when dropped.
struct Cache(PathBuf);

impl Cache {
    fn new(name: &str) -> Result<Self, Failed> {
        let folder = host()?.workspace.target().join(format!("ein Käfer {name}"));
        // A run that was stopped may have left it.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// `jostle setup --private PART`; the program's path. Nothing without a
    /// network.
    fn unpack(&self, part: &str) -> Result<Option<PathBuf>, Failed> {
        let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
            .args(["setup", "--private", part])
            .env("XDG_CACHE_HOME", &self.0)
            .output()?;
        if String::from_utf8_lossy(&output.stderr).contains("is there a network?") {
            return Ok(None);
        }
        status_is(0, &output)?;
        let bin = self.0.join("jostle/copies").join(part).join("bin");
        let program = std::fs::read_dir(bin)?.next().ok_or("nothing to start")??;
        Ok(Some(program.path()))
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        // It is in the build folder: no harm if it stays.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
