//! How the tool speaks: about itself on standard error, a line at a time;
//! results on standard output, which during `run` is the guest's alone.
//!
//! Neither ever fails: when nobody listens any more, that is no reason to end
//! with another exit status, let alone with a panic's.

use std::fmt::Display;
use std::io::Write;

use crate::qemu::patient::Patient;

/// Writes `jostle: message` to standard error.
pub fn note(message: impl Display) {
    line(format_args!("jostle: {message}"));
}

/// Writes one bare line to standard error.
pub fn line(message: impl Display) {
    // Deliberately ignored here and below: see the head of this file.
    let _ = writeln!(Patient(std::io::stderr()), "{message}");
}

/// Writes a command's result to standard output, at once and as it is.
pub fn result(text: impl Display) {
    let mut stdout = std::io::stdout();
    let _ = write!(stdout, "{text}");
    let _ = stdout.flush();
}
