//! What the tool itself has to say goes to standard error, a line at a time.
//!
//! Standard output belongs to the guest (or to a command's result), so there
//! is one way to speak, and it never fails: when nobody listens to standard
//! error any more, that is no reason to end with another exit status.

use std::fmt::Display;
use std::io::Write;

/// Writes `jostle: message` to standard error.
pub fn note(message: impl Display) {
    line(format_args!("jostle: {message}"));
}

/// Writes one bare line to standard error.
pub fn line(message: impl Display) {
    // Deliberately ignored: see the head of this file.
    let _ = writeln!(std::io::stderr(), "{message}");
}
