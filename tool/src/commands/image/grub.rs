//! What GRUB is told.
//!
//! The hard thing: GRUB passes on what stands after a file's name, without the
//! name, while QEMU passes both. So the name is written twice, and the kernel
//! finds the same string either way.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::qemu::module_line;

/// The kernel's place in the image.
pub const KERNEL: &str = "/boot/kernel";

/// GRUB's configuration and what it refers to.
#[derive(Debug, PartialEq, Eq)]
pub struct Menu {
    /// `/boot/grub/grub.cfg`.
    pub text: String,
    /// The modules: where they are, and where they go in the image.
    pub files: Vec<(PathBuf, String)>,
}

/// Boots at once: the kernel with these arguments, and modules with these
/// lines, as QEMU would be given them.
pub fn menu(kernel_args: &str, modules: &[OsString]) -> Menu {
    // The serial port may be missing; the screen shows errors either way.
    let mut text = String::from(
        "serial --unit=0 --speed=115200\n\
         terminal_output --append serial\n",
    );
    command(&mut text, "multiboot", KERNEL, kernel_args);
    let mut files = Vec::new();
    for (index, line) in modules.iter().enumerate() {
        let from = module_line::file(line);
        let name = from.file_name().unwrap_or(OsStr::new("program"));
        // Two programs may have the same name; a folder for each.
        let to = format!("/boot/{}/{}", index + 1, name.to_string_lossy());
        let words = line.as_bytes().get(from.as_os_str().len()..);
        let words = String::from_utf8_lossy(words.unwrap_or_default());
        command(&mut text, "module", &to, &words);
        files.push((from.to_path_buf(), to));
    }
    text.push_str("boot\n");
    Menu { text, files }
}

/// `COMMAND FILE FILE WORD...`
fn command(text: &mut String, command: &str, file: &str, words: &str) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{command} {0} {0}", quoted(file));
    for word in words.split_whitespace() {
        let _ = write!(text, " {}", quoted(word));
    }
    text.push('\n');
}

/// A word in GRUB's language, where single quotes work as in a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_twice() {
        let modules = ["t/hello @personality=lab4 a%20b".into(), "/x/hello".into()];
        let menu = menu("lifecycle=on  end=monitor", &modules);
        let expected = [
            "serial --unit=0 --speed=115200",
            "terminal_output --append serial",
            "multiboot '/boot/kernel' '/boot/kernel' 'lifecycle=on' 'end=monitor'",
            "module '/boot/1/hello' '/boot/1/hello' '@personality=lab4' 'a%20b'",
            "module '/boot/2/hello' '/boot/2/hello'",
            "boot",
        ];
        assert_eq!(menu.text.lines().collect::<Vec<_>>(), expected);
        let files = [("t/hello", "/boot/1/hello"), ("/x/hello", "/boot/2/hello")];
        let files = files.map(|(from, to)| (PathBuf::from(from), to.to_owned()));
        assert_eq!(menu.files, files);
    }

    #[test]
    fn nothing_is_grubs_to_interpret() {
        assert_eq!(quoted("a'b;{$c}"), r"'a'\''b;{$c}'");
    }
}
