//! What the boot loader hands over, copied away.
//!
//! Command line, module list and memory map lie wherever the loader liked,
//! maybe in memory that is about to be used. The hard thing is to copy all of
//! it before anything else is written, without a heap: strings go into one
//! pool, and a module whose string does not fit is reported and left out.

use crate::machine::console::say;
use arrayvec::ArrayVec;
use core::ops::Range;
use firmware::multiboot::{BootError, MAX_MODULES, MemoryMap};
use firmware::{BootOptions, MultibootInfo, PhysBytes, PhysRange};

/// Bytes for all module strings together.
pub const POOL: usize = 8192;
/// Longest kernel command line; more is cut off.
const COMMAND_LINE: usize = 1024;

/// As many modules as are ever looked at.
type Modules = ArrayVec<Module, { MAX_MODULES as usize }>;

/// A boot module.
pub struct Module {
    /// Where the file lies.
    pub file: PhysRange,
    /// Its string, in the pool.
    string: Range<usize>,
}

/// Everything that the boot loader says.
pub struct Handover {
    /// The kernel's options.
    pub options: BootOptions,
    /// Usable memory.
    pub memory: MemoryMap,
    /// The modules, in order.
    pub modules: Modules,
    pool: &'static [u8],
}

impl Handover {
    /// Copies what the loader left, given the `magic` and `info` that it left
    /// in eax and ebx, and room for strings. Complains about what it does not
    /// understand.
    pub fn read(
        memory: &impl PhysBytes,
        magic: u32,
        info: u32,
        room: &'static mut [u8; POOL],
    ) -> Result<Handover, BootError> {
        let info = MultibootInfo::read(memory, magic, info)?;
        let mut line = [0; COMMAND_LINE];
        let line = info.command_line(memory, &mut line);
        if line.truncated {
            say!("kernel command line cut off after {COMMAND_LINE} bytes");
        }
        let options = BootOptions::parse(line.bytes, |complaint| say!("{complaint}"));
        let mut modules = ArrayVec::new();
        let used = copy_modules(memory, &info, room, &mut modules);
        Ok(Handover {
            options,
            memory: info.memory_map(memory),
            modules,
            pool: room.get(..used).unwrap_or_default(),
        })
    }

    /// A module's string.
    pub fn string(&self, module: &Module) -> &[u8] {
        self.pool.get(module.string.clone()).unwrap_or_default()
    }
}

/// Copies list and strings; returns how much of the room is used.
fn copy_modules(
    memory: &impl PhysBytes,
    info: &MultibootInfo,
    room: &mut [u8; POOL],
    modules: &mut Modules,
) -> usize {
    let mut used = 0;
    for module in info.modules(memory) {
        let string = module.string(memory, room.get_mut(used..).unwrap_or_default());
        if string.truncated {
            say!(
                "module at {:#010x}: no room for its string, left out",
                module.start
            );
            continue;
        }
        let end = used + string.bytes.len();
        // There is a place for each: the list is as long as the iterator.
        modules.push(Module {
            file: module.range(),
            string: used..end,
        });
        used = end;
    }
    if info.modules_ignored() > 0 {
        say!("{} modules too many, left out", info.modules_ignored());
    }
    used
}
