//! How the tool speaks: about itself on standard error, a line at a time;
//! results on standard output, which during `run` is the guest's alone.
//!
//! Neither ever fails where it is called. But a result that reached nobody is
//! none: it is remembered, and is what the tool's exit status says if it would
//! say that all went well.

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::sync::OnceLock;

use crate::qemu::blocking_writer::BlockingWriter;
use crate::status;

/// Why a result could not be written, the first time.
static LOST: OnceLock<std::io::Error> = OnceLock::new();

/// Writes `jostle: message` to standard error.
pub fn note(message: impl Display) {
    let message = without_numbers(&message.to_string());
    line(format_args!("jostle: {message}"));
}

/// The text without the numbers that the library adds to the system's errors.
fn without_numbers(text: &str) -> String {
    let mut pieces = text.split(" (os error ");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once(')') {
            Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                plain.push_str(rest);
            }
            _ => {
                plain.push_str(" (os error ");
                plain.push_str(piece);
            }
        }
    }
    plain
}

/// Writes one bare line to standard error.
pub fn line(message: impl Display) {
    // There is nobody left to be told.
    let _ = writeln!(BlockingWriter(std::io::stderr()), "{message}");
}

/// Writes a command's result to standard output, at once and as it is.
pub fn result(text: impl Display) {
    let mut stdout = std::io::stdout();
    if let Err(error) = write!(stdout, "{text}").and_then(|()| stdout.flush()) {
        // The first reason counts.
        let _ = LOST.set(error);
    }
}

/// Whether a result could not be written: nor will any other be.
pub fn is_lost() -> bool {
    LOST.get().is_some()
}

/// The tool's exit status, if what it did calls for `status`.
pub fn final_status(status: u8) -> u8 {
    match LOST.get() {
        Some(error) if status == status::CLEAN => status_of_lost(error),
        _ => status,
    }
}

fn status_of_lost(error: &std::io::Error) -> u8 {
    if error.kind() == ErrorKind::BrokenPipe {
        // Whoever closed it knows.
        return status::OUTPUT_CLOSED;
    }
    note(format_args!("standard output: {error}"));
    status::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_no_number() {
        let error = std::io::Error::from_raw_os_error(2);
        let text = format!("x: {error}; and {error}: y");
        let plain = "x: No such file or directory; and No such file or directory: y";
        assert_eq!(without_numbers(&text), plain);
        assert_eq!(without_numbers("a (os error x) b"), "a (os error x) b");
    }
}
