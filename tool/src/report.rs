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
    // Deliberately ignored here and below: see the head of this file.
    let _ = writeln!(Patient(std::io::stderr()), "{message}");
}

/// Writes a command's result to standard output, at once and as it is.
pub fn result(text: impl Display) {
    let mut stdout = std::io::stdout();
    let _ = write!(stdout, "{text}");
    let _ = stdout.flush();
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
