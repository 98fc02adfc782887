//! QEMU's own monitor, through a socket, while a guest runs.
//!
//! The hard thing is not to wait for ever: whoever talks runs beside the boot
//! and is done when either has ended. Each command's answer is read up to the
//! next prompt, so nothing is said faster than QEMU obeys.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jostle::qemu::machine::Machine;

/// What the monitor asks with.
const PROMPT: &[u8] = b"(qemu) ";

/// A monitor that answers.
pub struct Monitor(UnixStream);

impl Monitor {
    /// Gives a command, and returns the answer. An error when
    /// QEMU has ended.
    pub fn command(&mut self, command: &str) -> io::Result<String> {
        writeln!(self.0, "{command}")?;
        self.answer()
    }

    /// Whether the CPU that it looks at runs a program: then the kernel is there.
    pub fn sees_a_program(&mut self) -> io::Result<bool> {
        Ok(self.command("info registers")?.contains(" CPL=3 "))
    }

    /// Reads up to the prompt.
    fn answer(&mut self) -> io::Result<String> {
        let mut read = Vec::new();
        while !read.ends_with(PROMPT) {
            let mut byte = [0];
            self.0.read_exact(&mut byte)?;
            read.push(byte[0]);
        }
        Ok(String::from_utf8_lossy(&read).into_owned())
    }
}

/// Somebody who gives commands while the guest runs.
pub struct Operator {
    path: PathBuf,
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Operator {
    /// Calls `operate` again and again, from when the machine is there until its
    /// end.
    pub fn new(operate: impl Fn(&mut Monitor) -> io::Result<()> + Send + 'static) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Relaxed);
        // The folder's own path may be too long for a socket.
        let name = format!("jostle-{}-{number}.socket", std::process::id());
        let path = std::env::temp_dir().join(name);
        let over = Arc::new(AtomicBool::new(false));
        let (to, until) = (path.clone(), over.clone());
        let thread = thread::spawn(move || {
            while !until.load(Relaxed) {
                if let Ok(stream) = UnixStream::connect(&to) {
                    let mut monitor = Monitor(stream);
                    // Ends with the error that QEMU's end is.
                    let greeted = monitor.answer();
                    let _ = greeted.and_then(|_| repeat(&until, || operate(&mut monitor)));
                }
                thread::sleep(Duration::from_millis(10));
            }
        });
        Self { path, over, thread }
    }

    /// Has the machine listen to it.
    pub fn attach(&self, machine: &mut Machine) {
        let mut socket = OsString::from("unix:");
        socket.push(&self.path);
        socket.push(",server=on,wait=off");
        machine.further.extend(["-monitor".into(), socket]);
    }

    /// The machine has ended.
    pub fn dismiss(self) {
        self.over.store(true, Relaxed);
        // It has nothing to tell, and a panic of its has been shown.
        let _ = self.thread.join();
        let _ = std::fs::remove_file(self.path);
    }
}

fn repeat(over: &AtomicBool, mut act: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    while !over.load(Relaxed) {
        act()?;
    }
    Ok(())
}
