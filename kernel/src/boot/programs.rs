//! The first environments, one for each boot module.
//!
//! A module may also be a file for the program before it, marked `@archive`.
//!
//! The hard thing is to be exact about arguments: a program that was given
//! none starts with an empty stack, as JOS's kernel starts it, and finds no
//! arguments at all; one that was given some finds its own name before them.

use super::handover::{Handover, Module};
use crate::locked::LockedKernel;
use crate::machine::console::say;
use abi::EnvType;
use abi::layout::DIRECT_MAP_SIZE;
use firmware::ModuleString;
use kcore::Boot;
use kcore::elf::Image;

/// More bytes of arguments than fit a program's first stack page.
pub const ARGUMENTS: usize = 4096;

/// Makes an environment of every module that is a program, in order; says which
/// cannot be run. Returns whether one has I/O privilege. `room` is for arguments.
pub fn create(kernel: &mut LockedKernel, handover: &Handover, room: &mut [u8; ARGUMENTS]) -> bool {
    let mut privileged = false;
    if handover.modules.is_empty() {
        say!("no boot module, so no program to run");
    }
    let mut modules = handover.modules.iter().peekable();
    while let Some(module) = modules.next() {
        let string = ModuleString::parse(handover.string(module));
        let archive = modules.next_if(|next| ModuleString::parse(handover.string(next)).is_archive);
        if let Some(word) = string.unknown_directive {
            say!(
                "{}: unknown directive {}",
                string.name(),
                word.escape_ascii()
            );
        }
        if string.is_archive {
            say!("{}: an archive without a program", string.name());
            continue;
        }
        let Some(image) = reached(module) else {
            say!("{}: lies beyond the direct map", string.name());
            continue;
        };
        let Some(archive) = archive.map_or(Some(Image::default()), reached) else {
            say!("{}: its archive lies beyond the direct map", string.name());
            continue;
        };
        let Some(arguments) = arguments(string, room) else {
            say!("{}: arguments too long", string.name());
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
            Err(error) => say!("{}: cannot be loaded: {error:?}", string.name()),
        }
    }
    privileged
}

/// Where a module's file is, if the kernel reaches it.
fn reached(module: &Module) -> Option<Image> {
    (module.file.end <= DIRECT_MAP_SIZE.into()).then(|| Image {
        start: module.file.start as u32,
        len: module.file.len() as u32,
    })
}

/// The arguments as the core wants them, each ended by a NUL byte.
fn arguments<'r>(string: ModuleString<'_>, room: &'r mut [u8; ARGUMENTS]) -> Option<&'r [u8]> {
    let mut len = 0;
    if string.arguments().next().is_some() {
        for word in core::iter::once(string.name()).chain(string.arguments()) {
            for byte in word.bytes().chain([0]) {
                *room.get_mut(len)? = byte;
                len += 1;
            }
        }
    }
    room.get(..len)
}
