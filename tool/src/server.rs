//! A server to start before the programs: `--with type=fs:PROGRAM`.
//!
//! JOS boots its lab 5 so: first the file server, which the kernel gives
//! another type and the right to use ports, then the program that asks it. A
//! program finds its server by the type.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// What `--with` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The type of its environment.
    pub kind: ServerKind,
    /// One of our programs or, with a slash in it, an ELF file.
    pub program: OsString,
}

/// The types of environment that are no ordinary one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    /// The file server: starts with IOPL 3.
    FileServer,
    /// The network server.
    NetworkServer,
}

/// What is wrong with a `--with`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`type=fs:PROGRAM` or `type=ns:PROGRAM` is needed")]
pub struct ServerError;

impl ServerKind {
    /// The word in a module line: `@type=…`.
    pub fn word(self) -> &'static str {
        match self {
            Self::FileServer => "fs",
            Self::NetworkServer => "ns",
        }
    }
}

impl Server {
    /// Reads the value of `--with`.
    pub fn parse(text: &OsStr) -> Result<Self, ServerError> {
        let bytes = text.as_bytes();
        [ServerKind::FileServer, ServerKind::NetworkServer]
            .into_iter()
            .find_map(|kind| {
                let program = bytes
                    .strip_prefix(b"type=")?
                    .strip_prefix(kind.word().as_bytes())?
                    .strip_prefix(b":")?;
                (!program.is_empty()).then(|| Self {
                    kind,
                    program: OsStr::from_bytes(program).to_owned(),
                })
            })
            .ok_or(ServerError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(ServerKind, String)> {
        let server = Server::parse(OsStr::new(text)).ok()?;
        Some((server.kind, server.program.into_string().expect("text")))
    }

    #[test]
    fn a_type_and_a_program() {
        let fs = |program: &str| Some((ServerKind::FileServer, program.to_owned()));
        assert_eq!(parsed("type=fs:diskserver"), fs("diskserver"));
        // A path may have what separates in it.
        assert_eq!(parsed("type=fs:./a:b=c.elf"), fs("./a:b=c.elf"));
        let ns = Some((ServerKind::NetworkServer, "x/ns".to_owned()));
        assert_eq!(parsed("type=ns:x/ns"), ns);
    }

    #[test]
    fn nothing_else() {
        for text in [
            "",
            "x",
            "fs:x",
            "type=fs",
            "type=fs:",
            "type=:x",
            "type=user:x",
            "Type=fs:x",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
