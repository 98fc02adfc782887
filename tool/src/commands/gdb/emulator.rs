//! QEMU beside gdb: halted until gdb says otherwise, and gone when gdb is.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use super::socket::Socket;
use crate::fair_clock::FairClock;
use crate::quoting::doubled_commas;

/// How long QEMU may take until it listens.
const PATIENCE: Duration = Duration::from_secs(20);

/// What QEMU must be told: to listen at `socket`, and not to start the CPUs.
pub fn arguments(socket: &Socket) -> Vec<OsString> {
    let mut chardev = OsString::from("socket,id=gdb,server=on,wait=off,path=");
    // A comma ends a value unless it is doubled.
    chardev.push(doubled_commas(socket.path().as_os_str()));
    let words = ["-S", "-gdb", "chardev:gdb", "-chardev"];
    let mut arguments: Vec<OsString> = words.map(OsString::from).into();
    arguments.push(chardev);
    arguments
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
        while !socket.path().exists() {
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
