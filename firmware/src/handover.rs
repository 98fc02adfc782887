//! All that the boot loader hands over, copied away.
//!
//! Command line, module list and memory map lie wherever the loader put them,
//! maybe in memory that is about to be used. The hard thing is to copy all of
//! it before anything else is written, without a heap: strings go into one
//! pool, and a module whose string does not fit is reported and left out.

use arrayvec::ArrayVec;
use core::fmt::{Arguments, Display};

use crate::multiboot::{BootError, MAX_MODULES, MemoryMap};
use crate::{BootOptions, MultibootInfo, PhysBytes, PhysRange};

/// Bytes for all module strings together.
pub const POOL: usize = 8192;
/// Longest kernel command line; the rest is cut off.
pub const COMMAND_LINE: usize = 1024;

/// A boot module.
#[derive(Clone, Copy, Debug)]
pub struct Module<'p> {
    /// Where the file lies.
    pub file: PhysRange,
    /// Its string, in the pool.
    pub string: &'p [u8],
}

/// Everything that the boot loader says.
pub struct Handover<'p> {
    /// The kernel's options.
    pub options: BootOptions,
    /// The RAM that may be used.
    pub memory: MemoryMap,
    /// The modules, in order.
    pub modules: ArrayVec<Module<'p>, { MAX_MODULES as usize }>,
}

impl<'p> Handover<'p> {
    /// Copies what the loader left, given what it left in eax (`magic`) and ebx
    /// (`info`), and room for strings. Complains about what is left out or not
    /// understood.
    pub fn read(
        memory: &impl PhysBytes,
        magic: u32,
        info: u32,
        pool: &'p mut [u8; POOL],
        mut complain: impl FnMut(&dyn Display),
    ) -> Result<Handover<'p>, BootError> {
        let mut complain_of = |complaint: Arguments<'_>| complain(&complaint);
        let info = MultibootInfo::read(memory, magic, info)?;
        let mut line = [0; COMMAND_LINE];
        let line = info.command_line(memory, &mut line);
        if line.truncated {
            complain_of(format_args!(
                "kernel command line cut off after {COMMAND_LINE} bytes"
            ));
        }
        let options = BootOptions::parse(line.bytes, |word| complain_of(format_args!("{word}")));
        let mut modules = ArrayVec::new();
        let mut pool = pool.as_mut_slice();
        for module in info.modules(memory) {
            let string = module.string(memory, pool);
            if string.truncated {
                let start = module.start;
                complain_of(format_args!(
                    "module at {start:#010x}: no room for its string, left out"
                ));
                continue;
            }
            let len = string.bytes.len();
            let (string, rest) = core::mem::take(&mut pool).split_at_mut(len);
            pool = rest;
            // The list is as long as the iterator.
            modules.push(Module {
                file: module.range(),
                string,
            });
        }
        let ignored = info.modules_ignored();
        if ignored > 0 {
            complain_of(format_args!("{ignored} modules too many, left out"));
        }
        Ok(Handover {
            options,
            memory: info.memory_map(memory),
            modules,
        })
    }
}
