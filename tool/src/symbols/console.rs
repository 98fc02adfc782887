//! The console with names in its backtraces.
//!
//! The hard thing is to add without changing: every byte goes on as it comes,
//! unfinished lines too (a prompt is one), and only the end of a line that
//! belongs to a backtrace is followed by lines of ours.

use std::io::{self, Write};

use super::{Place, Symbols};

/// Longer lines are in no backtrace.
const LONGEST: usize = 128;

/// A writer that passes everything on, and after each line of a backtrace
/// says what function that is.
pub struct Annotated<W> {
    inner: W,
    symbols: Symbols,
    /// The unfinished line, as far as it may matter.
    line: Vec<u8>,
    /// The lines before this one are a backtrace so far.
    in_backtrace: bool,
}

impl<W: Write> Annotated<W> {
    /// Passes everything on to `inner`.
    pub fn new(inner: W, symbols: Symbols) -> Self {
        Self {
            inner,
            symbols,
            line: Vec::new(),
            in_backtrace: false,
        }
    }

    /// What the line that has just ended says.
    fn place(&mut self) -> Option<Place> {
        let line = str::from_utf8(&self.line).ok()?;
        let was_in_backtrace = std::mem::take(&mut self.in_backtrace);
        if line == "Stack backtrace:" {
            self.in_backtrace = true;
            return None;
        }
        if let Some(address) = line.strip_prefix("At eip ") {
            return hexadecimal(address).map(Place::At);
        }
        let (_, rest) = line.strip_prefix("  ebp ")?.split_once("  eip ")?;
        let (eip, _) = rest.split_once("  args ")?;
        let place = hexadecimal(eip).map(Place::ReturnTo);
        self.in_backtrace = was_in_backtrace && place.is_some();
        place.filter(|_| was_in_backtrace)
    }
}

/// Eight digits.
fn hexadecimal(text: &str) -> Option<u32> {
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u32::from_str_radix(text, 16).ok())?
}

impl<W: Write> Write for Annotated<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.inner.write_all(part)?;
            let text = part.strip_suffix(b"\n").unwrap_or(part);
            let room = (LONGEST + 1).saturating_sub(self.line.len());
            self.line.extend(text.iter().take(room));
            if text.len() < part.len() {
                if let Some(place) = self.place() {
                    self.inner.write_all(self.symbols.lines(place).as_bytes())?;
                }
                self.line.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSOLE: &str = "K> backtrace\nAt eip 00800020\nStack backtrace:\n  \
        ebp f0000000  eip f0100010  args 1 2\n  ebp f0000010  eip f0100020  args 1 2\nother\n  \
        ebp f0000020  eip f0100030  args 1 2\nK> ";

    fn annotated() -> Annotated<Vec<u8>> {
        let missing = || "/no/such/file".into();
        Annotated::new(Vec::new(), Symbols::new(vec!["/".into()], missing(), None))
    }

    /// The place after each line that is in a backtrace.
    fn places(console: &str) -> Vec<Place> {
        let mut annotated = annotated();
        let mut places = Vec::new();
        for line in console.lines() {
            annotated.line = line.into();
            places.extend(annotated.place());
        }
        places
    }

    #[test]
    fn only_lines_of_a_backtrace_are_read() {
        let found = [
            Place::At(0x80_0020),
            Place::ReturnTo(0xf010_0010),
            Place::ReturnTo(0xf010_0020),
        ];
        assert_eq!(places(CONSOLE), found);
        let head = "Stack backtrace:\n  ebp f0000000  eip ";
        for end in [
            "",
            "f010",
            "f010001x  args 1",
            "+0100010  args 1",
            "f0100010",
        ] {
            assert_eq!(places(&format!("{head}{end}\n")), [], "{end}");
        }
    }

    /// However the bytes are cut, all come through at once and unchanged.
    #[test]
    fn every_byte_comes_through_at_once() {
        let odd = format!("{CONSOLE}\0\u{fffd}{}\n\n\r\nend", "x".repeat(1000));
        for size in [1, 2, 7, 4096] {
            let mut annotated = annotated();
            let mut given = 0;
            for part in odd.as_bytes().chunks(size) {
                assert_eq!(annotated.write(part).expect("written"), part.len());
                given += part.len();
                assert_eq!(annotated.inner, &odd.as_bytes()[..given]);
                assert!(annotated.line.len() <= LONGEST + 1);
            }
        }
    }
}
