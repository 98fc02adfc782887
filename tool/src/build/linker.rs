//! Which linker makes i386 executables, and WebAssembly, on this machine.
//!
//! No C compiler for i386 is needed, only a linker that knows the format: the
//! one that comes with Rust, else LLVM's, else GNU's if it was built for i386.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::target::{Flavor, Target};

/// A linker, by the language of its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linker {
    /// LLVM's, under whatever name.
    Lld(PathBuf),
    /// The same, for WebAssembly.
    Wasm(PathBuf),
    /// GNU's, which has to be told that the output is i386.
    Gnu(PathBuf),
}

impl Linker {
    /// The first that is there.
    pub fn find(target: &Target, sysroot: &Path, host: Option<&str>) -> Option<Self> {
        let bundled = host.map(|host| sysroot.join("lib/rustlib").join(host).join("bin/rust-lld"));
        if let Some(path) = bundled.filter(|path| path.exists()) {
            return Some(match target.linker {
                Flavor::Elf => Self::Lld(path),
                Flavor::Wasm => Self::Wasm(path),
            });
        }
        if target.linker == Flavor::Wasm {
            return which::which("wasm-ld").ok().map(Self::Wasm);
        }
        if let Ok(path) = which::which("ld.lld") {
            return Some(Self::Lld(path));
        }
        let gnu = which::which("ld").ok()?;
        let versions = Command::new(&gnu).arg("-V").output().ok()?;
        String::from_utf8_lossy(&versions.stdout)
            .contains("elf_i386")
            .then_some(Self::Gnu(gnu))
    }

    /// The program.
    pub fn path(&self) -> &Path {
        match self {
            Self::Lld(path) | Self::Wasm(path) | Self::Gnu(path) => path,
        }
    }

    /// What rustc has to be told about it.
    pub fn flags(&self) -> &'static [&'static str] {
        match self {
            Self::Lld(_) => &["-Clinker-flavor=ld.lld"],
            Self::Wasm(_) => &["-Clinker-flavor=wasm-ld"],
            Self::Gnu(_) => &["-Clinker-flavor=ld", "-Clink-arg=-melf_i386"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::target::{GUEST, PAGE};
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn gnu_ld_is_told_the_format() {
        assert!(
            Linker::Gnu("/usr/bin/ld".into())
                .flags()
                .contains(&"-Clink-arg=-melf_i386")
        );
    }

    #[test]
    fn the_bundled_one_comes_first() {
        let scratch = Scratch::new("linker");
        let sysroot = scratch.path();
        let folder = sysroot.join("lib/rustlib/some-host/bin");
        std::fs::create_dir_all(&folder).expect("a folder");
        let bundled = folder.join("rust-lld");
        std::fs::write(&bundled, "").expect("a file");
        let found = [&GUEST, &PAGE].map(|target| Linker::find(target, sysroot, Some("some-host")));
        let [guest, page] = found;
        assert_eq!(guest, Some(Linker::Lld(bundled.clone())));
        assert_eq!(page, Some(Linker::Wasm(bundled)));
    }
}
