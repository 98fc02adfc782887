//! Multiboot 1 boot information, as left by QEMU, GRUB and v86.
//!
//! Layout: Multiboot Specification 0.6.96, section 3.3. The hard thing is that
//! the three loaders agree on little else: QEMU's `-kernel` puts a path before
//! the command line and every module string, GRUB puts none, v86 gives no
//! `mem_lower` and `mem_upper`, and a module whose string is a null pointer.
//! So a field is believed only if its flag is set, and may still be missing.
//!
//! All of it lies in memory that the kernel is about to reuse: copy what is
//! needed before anything is allocated or the AP entry page is written.

mod memory_map;
mod strings;

pub use memory_map::{MemoryMap, MemorySource};
pub use strings::BootString;

use memory_map::Array;

use crate::phys::{PhysBytes, bytes_at, u32_in};
use crate::ranges::PhysRange;

/// What a multiboot 1 loader leaves in `eax`.
pub const MAGIC: u32 = 0x2BAD_B002;

/// Modules beyond this many are not looked at.
pub const MAX_MODULES: u32 = 64;

/// Bytes of one entry in the list of modules.
const MODULE_ENTRY: u32 = 16;

const FLAG_MEMORY: u32 = 1 << 0;
const FLAG_COMMAND_LINE: u32 = 1 << 2;
const FLAG_MODULES: u32 = 1 << 3;
const FLAG_MEMORY_MAP: u32 = 1 << 6;

/// Why there is no boot information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootError {
    /// `eax` held this instead of [`MAGIC`].
    Magic(u32),
    /// The information structure cannot be read.
    Unreadable(u32),
}

impl core::fmt::Display for BootError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            BootError::Magic(eax) => write!(f, "not started by multiboot 1 (eax is {eax:#010x})"),
            BootError::Unreadable(pa) => write!(f, "cannot read boot information at {pa:#010x}"),
        }
    }
}

/// The fields of the information structure that the kernel uses. An absent
/// field is `None`, whatever bytes stand in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultibootInfo {
    /// KiB of RAM from address 0 and from 1 MiB.
    sizes: Option<(u32, u32)>,
    command_line: u32,
    modules: Array,
    memory_map: Option<Array>,
}

/// One module: a file that the loader put into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Module {
    /// Physical address of its first byte.
    pub start: u32,
    /// One past its last byte; never below `start`.
    pub end: u32,
    string: u32,
}

impl MultibootInfo {
    /// Reads the structure whose address came in `ebx`, given `eax`.
    pub fn read(memory: &impl PhysBytes, eax: u32, ebx: u32) -> Result<MultibootInfo, BootError> {
        if eax != MAGIC {
            return Err(BootError::Magic(eax));
        }
        let info: [u8; 52] = bytes_at(memory, ebx, 0).ok_or(BootError::Unreadable(ebx))?;
        let flags = u32_in(&info, 0);
        let has = |flag| flags & flag != 0;
        Ok(MultibootInfo {
            sizes: has(FLAG_MEMORY).then(|| (u32_in(&info, 4), u32_in(&info, 8))),
            command_line: if has(FLAG_COMMAND_LINE) {
                u32_in(&info, 16)
            } else {
                0
            },
            modules: Array {
                pa: u32_in(&info, 24),
                count: if has(FLAG_MODULES) {
                    u32_in(&info, 20)
                } else {
                    0
                },
            },
            memory_map: has(FLAG_MEMORY_MAP).then(|| Array {
                pa: u32_in(&info, 48),
                count: u32_in(&info, 44),
            }),
        })
    }

    /// Copies the command line into `buffer`; empty if there is none.
    pub fn command_line<'b>(
        &self,
        memory: &impl PhysBytes,
        buffer: &'b mut [u8],
    ) -> BootString<'b> {
        BootString::read(memory, self.command_line, buffer)
    }

    /// The RAM that the loader reports as free to use.
    pub fn memory_map(&self, memory: &impl PhysBytes) -> MemoryMap {
        MemoryMap::read(memory, self.memory_map, self.sizes)
    }

    /// The modules, in order, at most [`MAX_MODULES`] of them.
    pub fn modules<'m, M: PhysBytes>(&self, memory: &'m M) -> impl Iterator<Item = Module> + 'm {
        let list = self.modules;
        (0..list.count.min(MAX_MODULES)).map_while(move |index| {
            let entry: [u8; 12] = bytes_at(memory, list.pa, index * MODULE_ENTRY)?;
            let start = u32_in(&entry, 0);
            Some(Module {
                start,
                end: u32_in(&entry, 4).max(start),
                string: u32_in(&entry, 8),
            })
        })
    }

    /// How many modules there are beyond [`MAX_MODULES`].
    pub fn modules_ignored(&self) -> u32 {
        self.modules.count.saturating_sub(MAX_MODULES)
    }
}

impl Module {
    /// Size of the file in bytes.
    pub fn len(&self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Whether the file is empty. A module whose end lies below its start
    /// counts as empty rather than missing, so that the others keep their
    /// places.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory that the file occupies.
    pub fn range(&self) -> PhysRange {
        PhysRange {
            start: self.start.into(),
            end: self.end.into(),
        }
    }

    /// Copies the module's string into `buffer`; empty if there is none.
    pub fn string<'b>(&self, memory: &impl PhysBytes, buffer: &'b mut [u8]) -> BootString<'b> {
        BootString::read(memory, self.string, buffer)
    }
}
