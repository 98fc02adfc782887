//! Which release of QEMU a program is: the only one whose age matters.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

/// A release, as far as features depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The first number.
    pub major: u32,
    /// The second one.
    pub minor: u32,
}

/// What `PROGRAM --version` says; nothing if it does not start.
pub fn of(program: &Path) -> Option<Release> {
    parse(&first_line(program, &["--version"])?)
}

/// `QEMU emulator version 7.2.22 (Debian ...)`
fn parse(line: &str) -> Option<Release> {
    let (_, version) = line.split_once("version ")?;
    let mut numbers = version.split(|c: char| !c.is_ascii_digit());
    Some(Release {
        major: numbers.next()?.parse().ok()?,
        minor: numbers.next()?.parse().ok()?,
    })
}

/// The first line a program prints, if it succeeds.
pub fn first_line(program: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.to_owned();
    output.status.success().then_some(line)
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_found() {
        let release = |line: &str| parse(line).map(|found| found.to_string());
        for (line, numbers) in [
            ("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)", "7.2"),
            ("QEMU emulator version 10.0.2", "10.0"),
            ("QEMU emulator version 9.2.0-rc1 (qemu-9.2.0)", "9.2"),
            (
                "QEMU emulator version 6.2.0 (Debian 1:6.2+dfsg-2ubuntu6.22)",
                "6.2",
            ),
        ] {
            assert_eq!(release(line).as_deref(), Some(numbers), "{line}");
        }
        assert_eq!(release("QEMU emulator version x.y"), None);
        assert_eq!(release("something else 7.2"), None);
    }
}
