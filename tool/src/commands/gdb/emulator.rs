//! QEMU beside gdb: halted until gdb says otherwise, and gone when gdb is.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::fair_clock::FairClock;
use crate::quoting::doubled_commas;

/// How long QEMU may take until it listens.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where QEMU listens for gdb: in a folder of its own that nobody else may
/// enter, since whoever connects rules the machine. Gone when dropped.
pub struct Socket {
    folder: PathBuf,
    path: PathBuf,
}

impl Socket {
    /// Makes the folder. It is in the system's place for temporary files: the
    /// path of a socket has a limit, about 100 bytes.
    pub fn new() -> anyhow::Result<Self> {
        // One that was killed outright may have left its folder behind.
        for number in 0..100 {
            let name = format!("jostle-gdb-{}-{number}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            match DirBuilder::new().mode(0o700).create(&folder) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    let what = format!("cannot make the folder {}", folder.display());
                    return Err(error).context(what);
                }
                Ok(()) => {
                    let path = folder.join("socket");
                    return Ok(Self { folder, path });
                }
            }
        }
        bail!(
            "too many folders are left in {}",
            std::env::temp_dir().display()
        )
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What QEMU must be told: to listen there, and not to start the CPUs.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut chardev = OsString::from("socket,id=gdb,server=on,wait=off,path=");
        // A comma ends a value unless it is doubled.
        chardev.push(doubled_commas(self.path.as_os_str()));
        let words = ["-S", "-gdb", "chardev:gdb", "-chardev"];
        let mut arguments: Vec<OsString> = words.map(OsString::from).into();
        arguments.push(chardev);
        arguments
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // In a place for temporary files; nothing depends on it.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A running QEMU; ended when dropped.
pub struct Emulator(Child);

impl Emulator {
    /// Starts it and returns when it listens at `socket`. In a process group
    /// of its own no signal from the terminal reaches it.
    pub fn start(command: &mut Command, socket: &Socket) -> anyhow::Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {:?}", command.get_program()))?;
        let mut emulator = Self(child);
        let mut clock = FairClock::of(emulator.0.id());
        while !socket.path.exists() {
            if let Some(status) = emulator.0.try_wait()? {
                bail!("QEMU failed: {status}");
            }
            if clock.read() > PATIENCE {
                bail!("QEMU does not listen for gdb");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(emulator)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing in it to be saved.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
