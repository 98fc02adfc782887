//! What another program says on its standard error, without lines that would
//! tell the user nothing.
//!
//! The hard thing is the end: it comes when nobody holds the pipe any more, the
//! [`Command`] that was given our end of it included. So that must be gone
//! before anybody waits.

use std::io::{self, BufRead, BufReader, PipeReader, Write};
use std::process::Command;
use std::thread::JoinHandle;

use crate::qemu::blocking_writer::BlockingWriter;

/// Passes on what comes, until it ends.
pub struct Filtered(JoinHandle<()>);

impl Filtered {
    /// Stands between the standard error of `command` and ours. Lines of which
    /// `dropped` is true are left out.
    pub fn stderr(command: &mut Command, dropped: fn(&str) -> bool) -> io::Result<Self> {
        let (from, to) = io::pipe()?;
        command.stderr(to);
        Ok(Self(std::thread::spawn(move || {
            // Nobody can be told that standard error is closed.
            let _ = pass_on(from, BlockingWriter(io::stderr()), dropped);
        })))
    }

    /// Returns when all has been passed on.
    pub fn finish(self) {
        // It cannot panic; and if it did, that was said.
        let _ = self.0.join();
    }
}

fn pass_on(from: PipeReader, mut to: impl Write, dropped: fn(&str) -> bool) -> io::Result<()> {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        if !dropped(&String::from_utf8_lossy(&line)) {
            // Read on even if nobody listens, or the other would be stopped.
            let _ = to.write_all(&line);
        }
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_such_lines_are_left_out() {
        let (from, mut to) = io::pipe().expect("a pipe");
        to.write_all(b"one\nnoise: two\nthree \xff\nunfinished")
            .expect("room");
        drop(to);
        let mut out = Vec::new();
        pass_on(from, &mut out, |line| line.starts_with("noise")).expect("readable");
        assert_eq!(out, b"one\nthree \xff\nunfinished");
    }
}
