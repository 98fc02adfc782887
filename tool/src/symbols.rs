//! Names for the addresses in backtraces.
//!
//! The guest prints bare addresses: it has neither the tables nor, in the
//! middle of a panic, the health to read them. The files that it was booted
//! from are here, with all their debug information, so the tool adds the lines
//! that JOS's kernel would print itself.
//!
//! The hard thing is that most calls were inlined. Each address therefore
//! gives a line for every function that the compiler folded into the one that
//! the address is in, innermost first; only the last has an offset.

mod console;
mod names;
mod stabs;
mod table;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use self::table::Table;

pub use self::console::Annotated;
pub use self::names::{Function, Names};

/// Where the kernel begins (KERNBASE in the JOS memory map); programs are below.
const KERNBASE: u32 = 0xF000_0000;
/// Before every line, as JOS has it.
const INDENT: &str = "         ";

/// The files in which addresses are looked up.
pub struct Symbols {
    /// Paths below one of them are shown without it: the first that fits.
    roots: Vec<PathBuf>,
    kernel: File,
    program: Option<File>,
}

/// An ELF file, read when it is first needed; in most runs that is never.
enum File {
    Unread(PathBuf),
    /// Nothing, if there was nothing to learn.
    Read(Option<Box<Table>>),
}

/// How an address came to be in a backtrace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// What would be executed next.
    At(u32),
    /// Where a call returns to: the call itself is before it.
    ReturnTo(u32),
}

impl Symbols {
    /// Looks in `kernel`, and for addresses in user space in `program`: there
    /// is none if several were booted, since an address does not say whose it
    /// is. Paths below one of `roots` are shown relative to the first.
    pub fn new(roots: Vec<PathBuf>, kernel: PathBuf, program: Option<PathBuf>) -> Self {
        Self {
            roots,
            kernel: File::Unread(kernel),
            program: program.map(File::Unread),
        }
    }

    /// The lines about a place, each with its end; empty if nothing is known.
    fn lines(&mut self, place: Place) -> String {
        let file = if place.address() >= KERNBASE {
            Some(&mut self.kernel)
        } else {
            self.program.as_mut()
        };
        file.and_then(File::table)
            .and_then(|table| lines(table, &self.roots, place))
            .unwrap_or_default()
    }
}

impl File {
    fn table(&mut self) -> Option<&Table> {
        if let Self::Unread(path) = self {
            *self = Self::Read(Table::read(path).map(Box::new));
        }
        match self {
            Self::Read(table) => table.as_deref(),
            Self::Unread(_) => None,
        }
    }
}

impl Place {
    fn address(self) -> u32 {
        match self {
            Self::At(address) | Self::ReturnTo(address) => address,
        }
    }

    /// An address of the instruction that is meant.
    fn instruction(self) -> u32 {
        match self {
            Self::At(address) => address,
            Self::ReturnTo(address) => address.saturating_sub(1),
        }
    }
}

fn lines(table: &Table, roots: &[PathBuf], place: Place) -> Option<String> {
    let instruction = place.instruction().into();
    let (function, start) = table.function(instruction)?;
    let whole = format!(
        "{}+{}",
        plain(&function),
        u64::from(place.address()) - start
    );
    let mut frames = table.frames(instruction);
    let outermost = frames.pop();
    let mut lines = String::new();
    for frame in &frames {
        let name = frame.name.as_deref().unwrap_or("?");
        say(
            &mut lines,
            roots,
            &frame.line,
            &format!("{} (inlined)", plain(name)),
        );
    }
    say(
        &mut lines,
        roots,
        &outermost.and_then(|frame| frame.line),
        &whole,
    );
    Some(lines)
}

/// Adds a line.
fn say(lines: &mut String, roots: &[PathBuf], line: &Option<(String, u32)>, name: &str) {
    // Writing to a String cannot fail.
    let _ = match line {
        Some((file, line)) => writeln!(lines, "{INDENT}{}:{line}: {name}", shown(file, roots)),
        None => writeln!(lines, "{INDENT}{name}"),
    };
}

/// A source file, without what only says where things lie on this machine.
fn shown(file: &str, roots: &[PathBuf]) -> String {
    let below = |root| Path::new(file).strip_prefix(root).ok()?.to_str();
    let ours = roots.iter().find_map(below);
    // Rust's own library, and other people's crates.
    let library = || file.find("/library/").map(|at| &file[at + 1..]);
    let registry = || file.split_once("/registry/src/")?.1.split_once('/');
    let shown = ours
        .or_else(library)
        .or_else(|| registry().map(|(_, path)| path))
        .unwrap_or(file);
    plain(shown)
}

/// Without what a hostile file might say to the terminal.
fn plain(name: &str) -> String {
    name.replace(char::is_control, "?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_shown_without_the_machine() {
        let roots = ["/home/x/jostle/target/planted", "/home/x/jostle"].map(PathBuf::from);
        let cases = [
            (
                "/home/x/jostle/target/planted/kernel/src/x86.rs",
                "kernel/src/x86.rs",
            ),
            ("/home/x/jostle/kernel/src/main.rs", "kernel/src/main.rs"),
            (
                "/rustc/0123/library/core/src/panicking.rs",
                "library/core/src/panicking.rs",
            ),
            (
                "/home/x/.cargo/registry/src/index-1/arrayvec-0.7.8/src/lib.rs",
                "arrayvec-0.7.8/src/lib.rs",
            ),
            ("/elsewhere/a.c", "/elsewhere/a.c"),
            ("a\u{1b}[2J.c", "a?[2J.c"),
        ];
        for (file, wanted) in cases {
            assert_eq!(shown(file, &roots), wanted);
        }
    }

    /// This very test program is an ELF file with debug information, even if
    /// its functions are not where the file says.
    #[test]
    fn functions_and_lines_are_found() {
        let ourselves = std::env::current_exe().expect("a path");
        let table = Table::read(&ourselves).expect("readable");
        let name = "jostle::symbols::tests::functions_and_lines_are_found";
        let start = *table.starts_of(name).first().expect("a symbol");
        let place = Place::At(u32::try_from(start).expect("near") + 1);
        let told = lines(&table, &["/no/root".into()], place).expect("known");
        let last = told.lines().last().expect("a line");
        assert!(last.starts_with("         "), "{last}");
        assert!(last.contains("tool/src/symbols.rs:"), "{last}");
        assert!(last.ends_with(&format!(": {name}+1")), "{last}");
        assert_eq!(lines(&table, &["/".into()], Place::At(0)), None);
    }

    #[test]
    fn a_file_that_cannot_be_read_has_no_names() {
        let missing = PathBuf::from("/no/such/file");
        let mut symbols = Symbols::new(vec!["/".into()], missing.clone(), Some(missing));
        assert_eq!(symbols.lines(Place::At(KERNBASE)), "");
        assert_eq!(symbols.lines(Place::ReturnTo(0x80_0020)), "");
        assert_eq!(symbols.lines(Place::ReturnTo(0)), "");
    }
}
