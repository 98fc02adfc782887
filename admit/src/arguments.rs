//! A program's arguments, in the string that the kernel gets with the program's file.
//!
//! The hard thing is that people write them and parsers read them: the kernel splits
//! that string at spaces, and QEMU the list of all strings at commas. So every byte that
//! could mean something to either is percent-encoded, and the kernel decodes it.

use std::fmt::Write as _;

/// Arguments, their pointers and argc share the program's one stack page with
/// its first calls, so they get at most three quarters of it.
const MOST: usize = 3072;

/// Why arguments cannot be passed on.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadArguments {
    /// More bytes than the stack has room for.
    #[error("the arguments take {0} bytes; a program's stack has room for {MOST}")]
    TooLong(usize),
    /// The string has no way to write it.
    #[error("an empty argument cannot be passed on")]
    Empty,
}

/// The arguments as the string has them: each encoded, with a space before it.
pub fn line<A: AsRef<[u8]>>(arguments: &[A]) -> Result<String, BadArguments> {
    // Each argument takes its bytes, a NUL and a pointer in the guest.
    let sizes = arguments.iter().map(|argument| argument.as_ref().len() + 5);
    let size: usize = sizes.sum();
    if size > MOST {
        return Err(BadArguments::TooLong(size));
    }
    let mut line = String::new();
    for argument in arguments.iter().map(AsRef::as_ref) {
        if argument.is_empty() {
            return Err(BadArguments::Empty);
        }
        line.push(' ');
        line.push_str(&encode(argument));
    }
    Ok(line)
}

/// Percent-encodes every byte that is not plain.
pub fn encode(word: &[u8]) -> String {
    let mut encoded = String::new();
    for &byte in word {
        if is_plain(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Whether a byte means nothing to QEMU's parser nor to the kernel's.
pub fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._/=:+-".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_encoded() {
        assert_eq!(line::<&str>(&[]), Ok(String::new()));
        assert_eq!(line(&["-n", "4"]), Ok(" -n 4".into()));
        let awkward = line(&["a b", "c,d", "100%"]);
        assert_eq!(awkward, Ok(" a%20b c%2Cd 100%25".into()));
        // An argument cannot pose as a directive.
        let posing = line(&["@personality=lab6"]);
        assert_eq!(posing, Ok(" %40personality=lab6".into()));
        assert_eq!(line(&["\u{e9}\n"]), Ok(" %C3%A9%0A".into()));
    }

    #[test]
    fn arguments_have_a_limit() {
        assert!(line(&["x".repeat(MOST - 5)]).is_ok());
        let long = line(&["x".repeat(MOST - 4)]);
        assert_eq!(long, Err(BadArguments::TooLong(MOST + 1)));
        let many = vec!["x"; MOST / 6 + 1];
        assert_eq!(line(&many), Err(BadArguments::TooLong(MOST + 6)));
        assert_eq!(line(&["x", ""]), Err(BadArguments::Empty));
    }
}
