//! Which programs the student's kernel would start.
//!
//! `kern/init.c` names them, and make chooses among them by what it defines. A
//! compiled `init.o` refers to each by a symbol that the linker would have made
//! of the program's file: `_binary_obj_user_hello_start`. The hard thing is that
//! a list of symbols has each name once, in no order; so not the symbols count
//! but the places that refer to them, one for each environment, in the order of
//! the code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use elf::ElfBytes;
use elf::abi::{SHF_ALLOC, SHT_REL};
use elf::endian::LittleEndian;

use crate::server::ServerKind;

/// Where make builds, and what it compiles of the kernel's first steps.
const BUILT: &str = "obj";
const INIT: &str = "obj/kern/init.o";

/// A program, and what its environment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its ELF file.
    pub file: PathBuf,
    /// The type, if it is no ordinary one.
    pub kind: Option<ServerKind>,
}

/// The programs, in the order of their environments.
pub fn programs(course: &Path) -> anyhow::Result<Vec<Program>> {
    let init = course.join(INIT);
    let image = std::fs::read(&init).with_context(|| init.display().to_string())?;
    let names = references(&image).with_context(|| init.display().to_string())?;
    if names.is_empty() {
        bail!("{INIT} starts no program");
    }
    let files = built_files(&course.join(BUILT))?;
    let program = |name: String| {
        let file = files.get(&name).cloned();
        let file = file.ok_or_else(|| anyhow!("{INIT} starts {name}, which was not built"))?;
        Ok(Program {
            file,
            kind: kind(&name),
        })
    };
    names.into_iter().map(program).collect()
}

/// The types that the course's kernels give to their two servers.
fn kind(name: &str) -> Option<ServerKind> {
    match name {
        "obj_fs_fs" => Some(ServerKind::FileServer),
        "obj_net_ns" => Some(ServerKind::NetworkServer),
        _ => None,
    }
}

/// The programs that an object file refers to, as the linker spells them.
fn references(image: &[u8]) -> anyhow::Result<Vec<String>> {
    let file = ElfBytes::<LittleEndian>::minimal_parse(image)?;
    let sections = file.section_headers().context("no sections")?;
    let Some((symbols, strings)) = file.symbol_table()? else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    for section in sections.iter().filter(|section| section.sh_type == SHT_REL) {
        let target = sections.get(usize::try_from(section.sh_info)?)?;
        // What is only for debuggers is not the kernel.
        if target.sh_flags & u64::from(SHF_ALLOC) == 0 {
            continue;
        }
        let mut places = Vec::new();
        for place in file.section_data_as_rels(&section)? {
            let symbol = symbols.get(usize::try_from(place.r_sym)?)?;
            let name = strings.get(usize::try_from(symbol.st_name)?)?;
            let program = name.strip_prefix("_binary_");
            if let Some(program) = program.and_then(|rest| rest.strip_suffix("_start")) {
                places.push((place.r_offset, program.to_owned()));
            }
        }
        places.sort();
        names.extend(places.into_iter().map(|(_, name)| name));
    }
    Ok(names)
}

/// What was built, two levels deep, by the name that the linker gives it.
fn built_files(built: &Path) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    let folders = std::fs::read_dir(built).with_context(|| built.display().to_string())?;
    for folder in folders.flatten().filter(|folder| folder.path().is_dir()) {
        for file in std::fs::read_dir(folder.path())?.flatten() {
            let path = Path::new(BUILT)
                .join(folder.file_name())
                .join(file.file_name());
            files.insert(spelled(&path.to_string_lossy()), file.path());
        }
    }
    Ok(files)
}

/// A file's name as a part of a symbol.
fn spelled(path: &str) -> String {
    path.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_spelled_as_the_linker_does() {
        assert_eq!(spelled("obj/user/faultread-2.x"), "obj_user_faultread_2_x");
    }

    #[test]
    fn only_two_are_servers() {
        assert_eq!(kind("obj_fs_fs"), Some(ServerKind::FileServer));
        assert_eq!(kind("obj_net_ns"), Some(ServerKind::NetworkServer));
        assert_eq!(kind("obj_user_fs"), None);
        assert_eq!(kind("obj_net_testoutput"), None);
    }

    #[test]
    fn an_object_that_is_none_is_an_error() {
        assert!(references(b"").is_err());
        assert!(references(b"\x7fELF\x01\x01\x01").is_err());
    }
}
