//! Words written so that whoever splits them gets them back whole.
//!
//! A shell splits at many characters, QEMU at commas. The hard thing is a word
//! that is not text, which a path may be: a shell has no way to write its bytes.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A value as QEMU takes it, which splits at commas, but not at doubled ones.
pub fn doubled_commas(value: &OsStr) -> OsString {
    let parts: Vec<&OsStr> = value
        .as_bytes()
        .split(|&byte| byte == b',')
        .map(OsStr::from_bytes)
        .collect();
    parts.join(OsStr::new(",,"))
}

/// The command as a line that a shell in any folder repeats.
pub fn shell_line(folder: &Path, program: &Path, arguments: &[OsString]) -> String {
    let words: Vec<String> = std::iter::once(program.as_os_str())
        .chain(arguments.iter().map(OsString::as_os_str))
        .map(shell_word)
        .collect();
    format!(
        "cd {} && {}",
        shell_word(folder.as_os_str()),
        words.join(" ")
    )
}

/// One word, quoted where a POSIX shell would otherwise change it.
pub fn shell_word(word: &OsStr) -> String {
    let Some(text) = word.to_str() else {
        return printed_word(word.as_bytes());
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+=/.,:@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A word that is not text: a shell has no way to write it, but to run one.
fn printed_word(bytes: &[u8]) -> String {
    let mut word = String::from("\"$(printf '");
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"_+=/.,:@".contains(&byte) {
            word.push(char::from(byte));
        } else {
            word += &format!("\\{byte:03o}");
        }
    }
    word + "')\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_survives_a_shell() {
        assert_eq!(shell_word(OsStr::new("a,b=c")), "a,b=c");
        assert_eq!(shell_word(OsStr::new("")), "''");
        assert_eq!(shell_word(OsStr::new("it's")), r"'it'\''s'");
        assert_eq!(shell_word(OsStr::new("$HOME")), "'$HOME'");
        for bytes in [&b"a\xffb c%d\\n'\"$(id)"[..], b"-n\xfe", b"\x80"] {
            let script = format!("printf %s {}", shell_word(OsStr::from_bytes(bytes)));
            let printed = std::process::Command::new("sh")
                .args(["-c", &script])
                .output();
            assert_eq!(printed.expect("sh starts").stdout, bytes, "{script}");
        }
    }
}
