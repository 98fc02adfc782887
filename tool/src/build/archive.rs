//! The archive that the prompt finds its programs in: a tar file (POSIX
//! ustar) of all of them and a list of what they do.
//!
//! The hard thing is that it stays the same when nothing has changed, for a
//! run must be repeatable to the bit: names in order, no dates, no owners. It
//! is written anew only if it would differ, and never where another run may be
//! reading it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, bail};
use elf::ElfBytes;
use elf::endian::LittleEndian;
use tar::{Builder, EntryType, Header};

use super::guest::Guest;
use crate::programs::{self, PROMPT};
use crate::workspace::Workspace;

/// The entry with a line for each program: its name, a tab, what it does.
const LIST: &str = "programs";

/// Where the archive is.
pub fn path(workspace: &Workspace) -> PathBuf {
    workspace.target().join("guest/archive.tar")
}

/// Brings the archive up to date.
pub fn build(workspace: &Workspace, guest: &Guest) -> anyhow::Result<()> {
    let sources = workspace.program_sources();
    let mut archive = Builder::new(Vec::new());
    let mut list = String::new();
    for name in programs::names(&sources)? {
        // It has no archive where it is not the first.
        if name == PROMPT {
            continue;
        }
        let what = programs::listed(&sources, &name)?;
        list.push_str(&format!("{name}\t{what}\n"));
        let path = guest.program(&name);
        let image = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let image = without_symbols(image).with_context(|| path.display().to_string())?;
        append(&mut archive, &format!("bin/{name}"), &image)?;
    }
    append(&mut archive, LIST, list.as_bytes())?;
    replace(&path(workspace), &archive.into_inner()?)
}

fn append(archive: &mut Builder<Vec<u8>>, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(bytes.len() as u64);
    archive.append_data(&mut header, name, bytes)?;
    Ok(())
}

/// The part of an ELF file that is needed to run it: what its program headers
/// speak of. Sections, and with them all symbols, come after that.
pub fn without_symbols(mut image: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    // Offsets in the header of a 32-bit file (ELF 1.2, book I): e_shoff, and
    // e_shentsize, e_shnum, e_shstrndx.
    const SECTIONS: [std::ops::Range<usize>; 2] = [32..36, 46..52];
    let file = ElfBytes::<LittleEndian>::minimal_parse(&image)?;
    let segments = file.segments().context("no program headers")?;
    let headers = file.ehdr.e_phoff + u64::from(file.ehdr.e_phentsize) * segments.len() as u64;
    let ends = segments.iter().map(|part| part.p_offset + part.p_filesz);
    let end = usize::try_from(ends.fold(headers, u64::max))?;
    if end > image.len() {
        bail!("ends before its segments do");
    }
    image.truncate(end);
    for range in SECTIONS {
        image[range].fill(0);
    }
    Ok(image)
}

/// Makes the file have these contents; whoever has it open keeps the old ones.
fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    // A name for each process and each time in it.
    static TIMES: AtomicU32 = AtomicU32::new(0);
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let time = TIMES.fetch_add(1, Ordering::Relaxed);
    let fresh = path.with_extension(format!("{}-{time}.tmp", std::process::id()));
    std::fs::write(&fresh, bytes)
        .and_then(|()| std::fs::rename(&fresh, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header, one program header, 4 bytes, and what is not needed.
    fn image() -> Vec<u8> {
        let mut image = vec![0; 100];
        image[..7].copy_from_slice(b"\x7fELF\x01\x01\x01");
        let mut word = |place: usize, value: u32| {
            image[place..place + 4].copy_from_slice(&value.to_le_bytes());
        };
        word(16, 0x0003_0002); // executable, i386
        word(20, 1); // version
        word(28, 52); // program headers
        word(32, 0); // section headers: none here, but see below
        word(40, 52); // size of this header
        word(42, 0x0001_0020); // one program header of 32 bytes
        word(52, 1); // to be loaded
        word(56, 84); // from here
        word(68, 4); // so many bytes
        word(72, 4096); // to so many
        image[84..88].copy_from_slice(b"code");
        image[88..].fill(b'#');
        image
    }

    #[test]
    fn only_what_is_loaded_is_kept() {
        let kept = without_symbols(image()).expect("an ELF file");
        assert_eq!(kept.len(), 88);
        assert!(kept.ends_with(b"code"));
        assert_eq!(kept[46..52], [0; 6]);
        let mut cut = image();
        cut.truncate(86);
        assert!(without_symbols(cut).is_err());
        assert!(without_symbols(b"text".to_vec()).is_err());
    }

    #[test]
    fn an_archive_is_the_same_every_time() {
        let archive = || {
            let mut archive = Builder::new(Vec::new());
            append(&mut archive, "bin/x", b"12345").expect("memory");
            archive.into_inner().expect("memory")
        };
        let bytes = archive();
        // A header, a block of contents, two blocks of zeros.
        assert_eq!(bytes.len(), 4 * 512);
        assert_eq!(&bytes[257..262], b"ustar");
        // No date, no owner.
        assert_eq!(&bytes[136..147], b"00000000000");
        assert_eq!(&bytes[108..115], b"0000000");
        std::thread::sleep(std::time::Duration::from_millis(10));
        assert_eq!(archive(), bytes);
    }
}
