//! What the guest loads is the same wherever it was built: it holds no path of this
//! machine.
//!
//! The hard thing is that debug information does hold them, and should: only segments
//! are searched.

use std::path::{Path, PathBuf};

use elf::ElfBytes;
use elf::abi::PT_LOAD;
use elf::endian::LittleEndian;
use jostle::build::guest::Kernel;
use jostle::build::plan::Plan;
use jostle::build::remapped;
use jostle::programs;
use libtest_mimic::Failed;

use crate::boot::host_of_simulations;
use crate::trial::Trial;

pub fn trials() -> impl Iterator<Item = Trial> {
    [Trial::test("loaded::no_path_of_this_machine", no_path)].into_iter()
}

fn no_path() -> Result<(), Failed> {
    let host = host_of_simulations()?;
    let workspace = &host.workspace;
    let plan = Plan::make(workspace)?;
    if !remapped::is_possible(&plan.toolchain) {
        return Ok(());
    }
    let guest = host.guest(Kernel::Plain)?;
    let names = programs::names(&workspace.program_sources())?;
    let files = names.iter().map(|name| guest.program(name));
    let variables = ["HOME", "CARGO_HOME", "RUSTUP_HOME"].map(std::env::var_os);
    let folders = variables.into_iter().flatten().map(PathBuf::from);
    let folders: Vec<PathBuf> = folders
        .chain([workspace.root().to_owned(), plan.toolchain.sysroot])
        .filter(|folder| folder.parent().is_some())
        .collect();
    let mut found = Vec::new();
    for file in files.chain([guest.kernel.clone()]) {
        found.extend(paths_in(&file, &folders)?);
    }
    match found.as_slice() {
        [] => Ok(()),
        _ => Err(found.join("\n").into()),
    }
}

/// What a file loads that begins with one of these folders.
fn paths_in(file: &Path, folders: &[PathBuf]) -> Result<Vec<String>, Failed> {
    let bytes = std::fs::read(file)?;
    let parsed = ElfBytes::<LittleEndian>::minimal_parse(&bytes)?;
    let segments = parsed.segments().ok_or("no segments")?;
    let mut found = Vec::new();
    let mut sought = 0;
    for segment in segments.iter().filter(|segment| segment.p_type == PT_LOAD) {
        let loaded = parsed.segment_data(&segment)?;
        sought += loaded.len();
        for folder in folders {
            let wanted = folder.as_os_str().as_encoded_bytes();
            let places = loaded.windows(wanted.len());
            if let Some(at) = places.into_iter().position(|place| place == wanted) {
                let text = &loaded[at..loaded.len().min(at + 120)];
                let text = String::from_utf8_lossy(text);
                found.push(format!("{}: {text}", file.display()));
            }
        }
    }
    if sought == 0 {
        return Err(format!("{} loads nothing", file.display()).into());
    }
    Ok(found)
}
