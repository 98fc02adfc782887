//! Paths of this machine, kept out of what the guest loads.
//!
//! A panic names the file that it is in. Our own files are named from the workspace's
//! root, but other people's crates and Rust's own library lie wherever cargo and rustup
//! have put them, and a record of a run would be good only where they lie at the same
//! place. The hard thing is to leave the debug information alone: debuggers need the
//! files themselves. Only newer compilers can tell the two apart; older ones are told
//! nothing.

use std::path::{Path, PathBuf};

use super::toolchain::Toolchain;

/// The first release that can rename what is loaded and nothing else.
const SINCE: (u32, u32) = (1, 95);

/// Whether this compiler can keep paths out.
pub fn is_possible(toolchain: &Toolchain) -> bool {
    toolchain.release().is_some_and(|release| release >= SINCE)
}

/// What rustc is told; `root` is the folder that cargo is started in.
pub fn flags(toolchain: &Toolchain, root: &Path) -> Vec<String> {
    if !is_possible(toolchain) {
        return Vec::new();
    }
    let mut flags = vec!["--remap-path-scope=macro".to_owned()];
    let mut rename = |folder: PathBuf, name: &str| {
        flags.push(format!("--remap-path-prefix={}={name}", folder.display()));
    };
    if let Some(home) = cargo_home() {
        rename(root.join(home).join("registry/src"), "registry");
    }
    // So rustc calls the library itself where its sources are not installed.
    let library = format!("/rustc/{}", toolchain.commit().unwrap_or("unknown"));
    rename(toolchain.sysroot.join("lib/rustlib/src/rust"), &library);
    flags
}

/// Where cargo keeps what it has fetched.
fn cargo_home() -> Option<PathBuf> {
    let named = |variable| std::env::var_os(variable).filter(|value| !value.is_empty());
    let home = named("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| Some(PathBuf::from(named("HOME")?).join(".cargo")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toolchain(release: &str) -> Toolchain {
        Toolchain {
            rustc: "rustc".into(),
            cargo: "cargo".into(),
            verbose_version: format!("rustc {release}\ncommit-hash: 0123\nrelease: {release}\n"),
            sysroot: "/home/u/rust".into(),
        }
    }

    #[test]
    fn the_library_has_the_name_that_it_has_without_its_sources() {
        let flags = flags(&toolchain("1.95.0"), Path::new("/w"));
        let library = "--remap-path-prefix=/home/u/rust/lib/rustlib/src/rust=/rustc/0123";
        assert!(flags.iter().any(|flag| flag == library), "{flags:?}");
        assert!(flags.iter().any(|flag| flag == "--remap-path-scope=macro"));
    }

    #[test]
    fn an_older_compiler_is_told_nothing() {
        assert!(flags(&toolchain("1.94.1"), Path::new("/w")).is_empty());
    }
}
