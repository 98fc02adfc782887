//! The first environments, one for each boot module.
//!
//! A module marked `@archive` is not a program but a file for the program before
//! it. The hard thing is that any module may be wrong: each is then left out with a
//! message, and the others run.

use crate::locked::LockedKernel;
use crate::machine::console::say;
use abi::EnvType;
use abi::layout::DIRECT_MAP_SIZE;
use firmware::ModuleString;
use firmware::handover::{Handover, Module};
use kcore::Boot;
use kcore::elf::Image;

/// More bytes of arguments than fit a program's first stack page.
pub const ARGUMENTS: usize = 4096;

/// Makes an environment of every module that is a program, in order; says which
/// cannot be run. Returns whether any has I/O privilege. `room` is for arguments.
pub fn create(kernel: &mut LockedKernel, handover: &Handover, room: &mut [u8; ARGUMENTS]) -> bool {
    let mut privileged = false;
    if handover.modules.is_empty() {
        say!("no boot module, so no program to run");
    }
    let mut modules = handover.modules.iter().peekable();
    while let Some(module) = modules.next() {
        let string = ModuleString::parse(module.string);
        let name = string.name();
        let archive = modules.next_if(|next| ModuleString::parse(next.string).is_archive);
        if let Some(word) = string.unknown_directive {
            say!("{name}: unknown directive {}", word.escape_ascii());
        }
        if string.is_archive {
            say!("{name}: an archive without a program");
            continue;
        }
        let Some(image) = reached(module) else {
            say!("{name}: lies beyond the direct map");
            continue;
        };
        let Some(archive) = archive.map_or(Some(Image::default()), reached) else {
            say!("{name}: its archive lies beyond the direct map");
            continue;
        };
        let Some(arguments) = string.copy_arguments(room) else {
            say!("{name}: arguments too long");
            continue;
        };
        let boot = Boot {
            image,
            arguments,
            personality: string.personality,
            kind: string.kind,
            archive,
        };
        match kernel.boot_env(boot) {
            Ok(_) => privileged |= string.kind == EnvType::FileServer,
            Err(error) => say!("{name}: cannot be loaded: {error:?}"),
        }
    }
    privileged
}

/// Where a module's file is, if the direct map shows it.
fn reached(module: &Module) -> Option<Image> {
    (module.file.end <= DIRECT_MAP_SIZE.into()).then(|| Image {
        start: module.file.start as u32,
        len: module.file.len() as u32,
    })
}
