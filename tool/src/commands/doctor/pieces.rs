//! What the tool needs beside itself: what each piece is called, who misses it, and how to
//! get it.
//!
//! The hard thing is to promise no more than `jostle setup` keeps. It gets what it gets on
//! Debian and its relatives; so what to do elsewhere is said too.

use crate::build::c;
use crate::external::External;

/// Something that is looked for.
pub enum Piece {
    /// The compiler.
    Rust,
    /// The guest's library, and how to get that with the Rust that there is.
    Core(String),
    /// What links the guest.
    Linker,
    /// What looks at the sources' form.
    Fmt,
    /// What looks at more than their form.
    Clippy,
    /// What links this tool.
    Cc,
    /// What compiles programs in C.
    GuestC,
    /// A program of others.
    External(&'static External),
    /// What makes the book.
    MdBook,
    /// What ends QEMU when the tool is killed.
    Setpriv,
}

impl Piece {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Core(_) => "core library",
            Self::Linker => "linker",
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Cc => "cc",
            Self::GuestC => "C for i386",
            Self::External(external) => external.called,
            Self::MdBook => "mdbook",
            Self::Setpriv => "setpriv",
        }
    }

    /// Who misses it if it is not there; nobody else does.
    pub fn who_misses_it(&self) -> Option<String> {
        Some(match self {
            Self::GuestC => "which only programs in C need".into(),
            Self::MdBook => "which only the book needs".into(),
            Self::Setpriv => "so QEMU would survive a kill -9 of jostle".into(),
            Self::External(external) if !external.is_needed() => {
                let command = external.command;
                format!("which only `./jostle {command}` and its tests need")
            }
            _ => return None,
        })
    }

    /// What `jostle setup` calls it, if that can get it: nothing, if it does so
    /// with all the rest only.
    pub fn setup(&self) -> Option<&'static str> {
        match self {
            Self::Rust | Self::Core(_) | Self::Fmt | Self::Clippy | Self::Cc => Some(""),
            Self::External(external) => Some(external.setup),
            Self::Linker | Self::GuestC | Self::MdBook | Self::Setpriv => None,
        }
    }

    /// How to get it otherwise.
    fn by_hand(&self) -> String {
        match self {
            Self::Rust => "install it from https://rustup.rs".into(),
            Self::Core(remedy) => remedy.clone(),
            Self::Linker => "install LLVM's linker (Debian: apt-get install lld)".into(),
            Self::Fmt => {
                "rustup component add rustfmt (Debian: apt-get install rustfmt-web)".into()
            }
            Self::Clippy => {
                "rustup component add clippy (Debian: apt-get install rust-web-clippy)".into()
            }
            Self::Cc => "install a C compiler (Debian: apt-get install gcc libc6-dev)".into(),
            Self::GuestC => format!("install {}", c::REMEDY),
            Self::External(external) => external.remedy.into(),
            Self::MdBook => "`./jostle book` gets it, which takes minutes".into(),
            Self::Setpriv => "install util-linux, which has it".into(),
        }
    }

    /// How to get it.
    pub fn remedy(&self) -> String {
        let by_hand = self.by_hand();
        match self.setup() {
            None => by_hand,
            Some("") => format!("`./jostle setup` gets it on Debian and Ubuntu; or {by_hand}"),
            Some(part) => {
                format!("`./jostle setup {part}` gets it on Debian and Ubuntu; or {by_hand}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{Parser, ValueEnum};

    use super::*;
    use crate::cli::{Cli, Command, Part};
    use crate::commands::setup::needed;
    use crate::external::ALL;

    fn pieces() -> Vec<Piece> {
        let mut pieces = vec![
            Piece::Rust,
            Piece::Core("do this".into()),
            Piece::Linker,
            Piece::Fmt,
            Piece::Clippy,
            Piece::Cc,
            Piece::GuestC,
            Piece::MdBook,
            Piece::Setpriv,
        ];
        pieces.extend(ALL.map(Piece::External));
        pieces
    }

    /// What a remedy says in backticks can be typed, and a part is the piece's own.
    #[test]
    fn remedies_can_be_typed() {
        for piece in pieces() {
            let remedy = piece.remedy();
            assert!(remedy.len() > 10, "{}", piece.name());
            let commands: Vec<&str> = remedy.split('`').skip(1).step_by(2).collect();
            for command in &commands {
                let words = command.replace("./jostle", "jostle");
                let asked = Cli::try_parse_from(words.split(' '));
                match (asked.expect(command).command, &piece) {
                    (
                        Command::Setup {
                            part: Some(part), ..
                        },
                        Piece::External(external),
                    ) => {
                        let names: Vec<_> = needed(Some(part)).iter().map(|it| it.name).collect();
                        assert_eq!(names, [external.name]);
                    }
                    (Command::Setup { part: None, .. }, piece) => {
                        assert!(!matches!(piece, Piece::External(_)), "{remedy}");
                    }
                    (Command::Book { .. }, Piece::MdBook) => {}
                    (other, _) => panic!("{remedy}: {other:?}"),
                }
            }
            assert!(piece.setup().is_none() || commands.len() == 1, "{remedy}");
        }
    }

    /// What it can be asked for is looked for.
    #[test]
    fn every_part_of_setup_is_looked_for() {
        for part in Part::value_variants() {
            for external in needed(Some(*part)) {
                assert!(ALL.iter().any(|known| known.name == external.name));
            }
        }
        assert_eq!(Part::value_variants().len(), ALL.len());
        assert_eq!(needed(None).len(), ALL.len());
    }
}
