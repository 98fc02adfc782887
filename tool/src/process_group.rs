//! Children that have children of their own, ended together.
//!
//! `cargo test` starts test binaries and those start QEMU. A signal sent to
//! the tool alone would end only the first of them, so such a child leads a
//! process group, and a signal that asks the tool to stop is passed to all of it.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::fair_clock::family;
use crate::status;

/// A running child and all that it starts.
pub struct Group {
    child: Child,
    watch: Watch,
}

/// Passes on signals until it is dropped.
struct Watch {
    handle: Handle,
    /// A signal has come, and the tool ends with its status.
    stopping: Arc<AtomicBool>,
}

impl Group {
    /// Starts `command` at the head of a group of its own. From now on until
    /// it is waited for, a signal to stop ends the group and then the tool.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        Self::spawn_and_clear(command, || ())
    }

    /// The same, with something to be done between the two ends.
    pub fn spawn_and_clear(
        command: &mut Command,
        clear: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT])?;
        let watch = Watch {
            handle: signals.handle(),
            stopping: Arc::default(),
        };
        let stopping = watch.stopping.clone();
        let child = command.process_group(0).spawn()?;
        let leader = Pid::from_child(&child);
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                stopping.store(true, Ordering::SeqCst);
                // The group may have ended just now.
                let _ = kill_process_group(leader, Signal::KILL);
                clear();
                std::process::exit(i32::from(status::stopped_by(signal)));
            }
        });
        Ok(Self { child, watch })
    }

    /// The child's output, if it was piped and not taken yet.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// The child's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends all that the child started, but not the child.
    pub fn kill_children(&self) {
        for process in family(self.id()).into_iter().skip(1) {
            if let Some(id) = Pid::from_raw(process.cast_signed()) {
                // It may have ended just now.
                let _ = kill_process(id, Signal::KILL);
            }
        }
    }

    /// Waits for the child's end.
    pub fn wait(mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait();
        self.watch.yield_to_signal();
        status
    }
}

impl Watch {
    /// The end of the child may be ours: then its status is of no interest.
    fn yield_to_signal(&self) {
        while self.stopping.load(Ordering::SeqCst) {
            std::thread::park();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// Like [`Command::output`], for a child that leads a group.
pub fn output(command: &mut Command) -> io::Result<Output> {
    let Group { child, watch } =
        Group::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let output = child.wait_with_output();
    watch.yield_to_signal();
    drop(watch);
    output
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn grandchildren_are_ended_and_the_child_goes_on() {
        let script = "sh -c 'sleep 60 & echo; sleep 60; :'; echo on";
        let mut group = Group::spawn(
            Command::new("sh")
                .args(["-c", script])
                .stdout(Stdio::piped()),
        )
        .expect("sh starts");
        let mut output = group.stdout().expect("piped");
        output.read_exact(&mut [0]).expect("they have begun");
        group.kill_children();
        // Ends only when nobody holds the other end any more.
        let mut rest = Vec::new();
        output.read_to_end(&mut rest).expect("read");
        assert_eq!(rest, b"on\n");
        assert!(group.wait().expect("ended").success());
    }

    #[test]
    fn both_outputs_are_collected() {
        let output = output(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]))
            .expect("sh starts");
        assert_eq!(output.stdout, b"out\n");
        assert_eq!(output.stderr, b"err\n");
        assert_eq!(output.status.code(), Some(3));
    }
}
