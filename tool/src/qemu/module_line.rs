//! A boot module's string: path, directives, arguments.
//!
//! QEMU splits `-initrd` at commas into modules and cuts the file's name at the first
//! space; the kernel splits the rest at spaces. So every word that comes from
//! a person is percent-encoded, and the kernel decodes it. A path cannot be
//! encoded, since QEMU opens it: one with awkward characters is reached
//! through a link whose own name is the encoded name of the file.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use abi::Personality;
use admit::arguments::{encode, is_plain};
use anyhow::Context;

use crate::server::ServerKind;
use crate::status::usage;
use crate::workspace::Workspace;

/// What stands behind the name of a file that is for the program before it.
const ARCHIVE: &[u8] = b"@archive";
/// As many modules as the kernel looks at.
pub const MAX_MODULES: usize = 64;
/// The room that the kernel has for the strings of all modules, in bytes.
const STRINGS: usize = 8192;

/// A program's arguments as the module line has them: each encoded, with a
/// space before it.
pub fn arguments(args: &[OsString]) -> anyhow::Result<String> {
    let args: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
    admit::arguments::line(&args).map_err(usage)
}

/// One module.
#[derive(Debug, Clone)]
pub struct Module<'a> {
    /// From [`openable`].
    pub path: PathBuf,
    /// The type of its environment, if it is no ordinary one.
    pub kind: Option<ServerKind>,
    /// The edition it was built for; nothing for ours, which find out.
    pub personality: Option<Personality>,
    /// From [`arguments`].
    pub arguments: &'a str,
}

impl Module<'_> {
    /// The string, of which `-initrd` is a list.
    pub fn line(&self) -> OsString {
        let mut line = self.path.as_os_str().to_owned();
        let mut directive = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                line.push(format!(" @{name}={value}"));
            }
        };
        directive("type", self.kind.map(ServerKind::word));
        directive("personality", self.personality.map(Personality::name));
        line.push(self.arguments);
        line
    }
}

/// Fails if the kernel could not keep all these strings.
pub fn check_room(lines: &[OsString]) -> anyhow::Result<()> {
    // Each needs room for its terminator too.
    let size: usize = lines.iter().map(|line| line.len() + 1).sum();
    if size > STRINGS {
        return Err(usage(format_args!(
            "the names and arguments of all programs take {size} bytes; the kernel has room for {STRINGS}"
        )));
    }
    Ok(())
}

/// The file that a line names.
pub fn file(line: &OsStr) -> &Path {
    let path = line.as_bytes().split(|&byte| byte == b' ').next();
    Path::new(OsStr::from_bytes(path.unwrap_or_default()))
}

/// Whether a line is a program's, and not a file for one.
pub fn is_program(line: &OsStr) -> bool {
    let mut words = line.as_bytes().split(|&byte| byte == b' ');
    words.nth(1) != Some(ARCHIVE)
}

/// The string of a file that is for the program before it; `path` must come from
/// [`openable`].
pub fn archive(path: &Path) -> OsString {
    let mut line = path.as_os_str().to_owned();
    line.push(" ");
    line.push(OsStr::from_bytes(ARCHIVE));
    line
}

fn is_plain_path(path: &Path) -> bool {
    path.as_os_str().as_bytes().iter().copied().all(is_plain)
}

/// A name for `file` that QEMU, started in the workspace's root, can open
/// from a module line: relative to the root if it lies there, as it is if it
/// is plain, else a link in the build folder, kept so that the line can be
/// repeated.
pub fn openable(workspace: &Workspace, file: &Path) -> anyhow::Result<PathBuf> {
    let file = std::path::absolute(file)?;
    if let Ok(relative) = file.strip_prefix(workspace.root())
        && is_plain_path(relative)
    {
        return Ok(relative.to_path_buf());
    }
    if is_plain_path(&file) {
        return Ok(file);
    }
    let name = file.file_name().context("the program has no file name")?;
    let folder = links(workspace).join(folder_for(&file));
    let link = folder.join(encode(name.as_bytes()));
    let on_disk = workspace.root().join(&link);
    std::fs::create_dir_all(workspace.root().join(&folder))?;
    if std::fs::read_link(&on_disk).ok().as_ref() != Some(&file) {
        // Another run may be making the same link: whoever comes last, it points there.
        let _ = std::fs::remove_file(&on_disk);
        match std::os::unix::fs::symlink(&file, &on_disk) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(error)
                    .with_context(|| format!("cannot make the link {}", on_disk.display()));
            }
            _ => {}
        }
    }
    Ok(link)
}

/// Where links are: in the build folder, whose own name may be odd too; then
/// among the temporary files. The sources may be read-only.
fn links(workspace: &Workspace) -> PathBuf {
    let target = workspace.target();
    let target = target.strip_prefix(workspace.root()).unwrap_or(target);
    if is_plain_path(target) {
        return target.join("linked");
    }
    std::env::temp_dir().join(format!(
        "jostle-linked-{}",
        rustix::process::geteuid().as_raw()
    ))
}

/// A folder name that differs from file to file (FNV-1a over the path), so
/// that two programs of one name do not share a link.
fn folder_for(file: &Path) -> String {
    let hash = file
        .as_os_str()
        .as_bytes()
        .iter()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
        });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(personality: Option<Personality>, args: &[&str]) -> String {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        let arguments = arguments(&args).expect("fits");
        let module = Module {
            path: "t/hello".into(),
            kind: None,
            personality,
            arguments: &arguments,
        };
        module.line().into_string().expect("plain")
    }

    #[test]
    fn a_line_begins_with_its_file() {
        assert_eq!(file(OsStr::new("t/hello")), Path::new("t/hello"));
        assert_eq!(file(OsStr::new("t/a%20b @x c")), Path::new("t/a%20b"));
        assert!(!is_program(&archive(Path::new("t/archive.tar"))));
        assert!(is_program(OsStr::new("t/hello")));
        assert!(is_program(OsStr::new("t/hello x @archive")));
    }

    #[test]
    fn a_line_is_file_directives_arguments() {
        assert_eq!(line(None, &[]), "t/hello");
        assert_eq!(
            line(Some(Personality::Lab5), &["-n", "4"]),
            "t/hello @personality=lab5 -n 4"
        );
        assert_eq!(line(None, &["a b"]), "t/hello a%20b");
        assert!(arguments(&[OsString::new()]).is_err());
    }

    #[test]
    fn directives_stand_before_the_arguments() {
        let module = Module {
            path: "fs".into(),
            kind: Some(ServerKind::FileServer),
            personality: Some(Personality::Lab5),
            arguments: " x",
        };
        assert_eq!(module.line(), "fs @type=fs @personality=lab5 x");
    }

    #[test]
    fn all_strings_together_have_a_limit() {
        let lines = |length: usize| [OsString::from("x".repeat(length)), "y".into()];
        assert!(check_room(&lines(STRINGS - 3)).is_ok());
        assert!(check_room(&lines(STRINGS - 2)).is_err());
    }

    #[test]
    fn awkward_paths_are_linked() {
        let workspace = Workspace::locate();
        let inside = workspace.root().join("target/guest/hello");
        let named = openable(&workspace, &inside).expect("plain");
        assert_eq!(named, Path::new("target/guest/hello"));
        let plain = openable(&workspace, Path::new("/tmp/plain.elf")).expect("plain");
        assert_eq!(plain, Path::new("/tmp/plain.elf"));

        let awkward = Path::new("/tmp/my, dir/a b.elf");
        let link = openable(&workspace, awkward).expect("linked");
        assert!(is_plain_path(Path::new(
            &link.display().to_string().replace('%', "")
        )));
        assert!(link.ends_with("a%20b.elf"), "{}", link.display());
        let target = std::fs::read_link(workspace.root().join(&link)).expect("a link");
        assert_eq!(target, awkward);
        // Asking again gives the same name; another folder gives another.
        assert_eq!(openable(&workspace, awkward).expect("again"), link);
        let other = openable(&workspace, Path::new("/tmp/your, dir/a b.elf")).expect("linked");
        assert_ne!(other, link);
    }
}
