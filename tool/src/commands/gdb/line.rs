//! gdb's command line: from the machine's reset to the program's first
//! instruction.
//!
//! The hard thing: when gdb connects, the program's pages do not exist. A
//! hardware breakpoint needs no memory to be written, only an address to be
//! reached.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::named;
use crate::cli::At;

/// What is debugged, and how.
pub struct Session<'a> {
    /// The kernel's ELF file.
    pub kernel: PathBuf,
    /// The programs', the first to run first.
    pub programs: Vec<PathBuf>,
    /// The address of that one's first instruction.
    pub entry: u64,
    /// Where QEMU listens.
    pub socket: &'a Path,
    /// A file with definitions of commands.
    pub definitions: PathBuf,
    /// Where to stand, if not at that instruction.
    pub at: Option<At>,
    /// Commands to carry out instead of asking for some.
    pub script: Option<PathBuf>,
}

impl Session<'_> {
    /// gdb's arguments, without its own name.
    pub fn arguments(&self) -> Vec<OsString> {
        // Several sets of symbols, and a guest that ends with the session: both
        // would be asked about.
        let mut line: Vec<OsString> = ["--quiet", "-iex", "set confirm off"]
            .map(OsString::from)
            .into();
        if self.script.is_some() {
            line.push("--batch".into());
        }
        line.push(self.kernel.clone().into());
        let mut carry_out = |command: OsString| line.extend(["-ex".into(), command]);
        // At the addresses that each file has itself. Programs may share them,
        // and of two names for one gdb shows that of the first file.
        for program in &self.programs {
            carry_out(with_path("add-symbol-file", program));
        }
        carry_out(with_path("target remote", self.socket));
        carry_out(format!("thbreak *{:#x}", self.entry).into());
        carry_out("continue".into());
        carry_out(with_path("source", &self.definitions));
        for command in self.at.into_iter().flat_map(named::commands) {
            carry_out(command.into());
        }
        if let Some(script) = &self.script {
            line.extend(["-x".into(), script.clone().into()]);
        }
        line
    }
}

/// A command with a path, quoted as gdb does it if that is needed.
pub fn with_path(command: &str, path: &Path) -> OsString {
    let mut text = OsString::from(command);
    text.push(" ");
    let awkward = |c: char| c.is_whitespace() || "'\"\\".contains(c);
    match path.to_str() {
        Some(plain) if plain.contains(awkward) => {
            let escaped = plain.replace('\\', r"\\").replace('"', "\\\"");
            text.push(format!("\"{escaped}\""));
        }
        _ => text.push(path),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(script: Option<&str>, at: Option<At>) -> String {
        let session = Session {
            kernel: "/t/kernel".into(),
            programs: vec!["/t/my hello".into(), "/t/fs".into()],
            entry: 0x80_0020,
            socket: Path::new("/tmp/s"),
            definitions: "/tmp/c".into(),
            at,
            script: script.map(Into::into),
        };
        session
            .arguments()
            .join("|".as_ref())
            .into_string()
            .expect("text")
    }

    #[test]
    fn it_ends_at_the_entry() {
        assert_eq!(
            joined(None, None),
            "--quiet|-iex|set confirm off|/t/kernel|-ex|add-symbol-file \"/t/my hello\"\
             |-ex|add-symbol-file /t/fs|-ex|target remote /tmp/s|-ex|thbreak *0x800020|-ex|continue\
             |-ex|source /tmp/c"
        );
    }

    #[test]
    fn a_script_comes_after_that() {
        let line = joined(Some("-x.gdb"), Some(At::Crash));
        assert!(line.contains("|--batch|/t/kernel|"), "{line}");
        let end = "|-ex|source /tmp/c|-ex|break-crash|-ex|continue|-x|-x.gdb";
        assert!(line.ends_with(end), "{line}");
    }

    #[test]
    fn paths_are_quoted_as_gdb_reads_them() {
        let quoted = |path: &str| with_path("f", Path::new(path)).into_string().expect("text");
        assert_eq!(quoted("/a/b-1.elf"), "f /a/b-1.elf");
        assert_eq!(quoted("a'b"), "f \"a'b\"");
        assert_eq!(quoted("a\"\\"), r#"f "a\"\\""#);
    }
}
