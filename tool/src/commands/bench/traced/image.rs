//! The code of a kernel and of a program as bytes.
//!
//! The hard thing is speed: each executed instruction is looked at once as the log comes, so
//! what that needs (is it a reading of the counter, is it in a helper) is a few comparisons.

use std::path::Path;

use anyhow::Context;
use elf::ElfBytes;
use elf::abi::PT_LOAD;
use elf::endian::LittleEndian;

/// Where the kernel begins; programs are below.
pub const KERNBASE: u32 = abi::layout::KERNBASE;

/// `rdtsc`.
const READ_COUNTER: [u8; 2] = [0x0f, 0x31];

/// What is loaded of both, and where the helpers are: functions that belong to their callers.
#[derive(Default)]
pub struct Image {
    segments: Vec<(u32, Vec<u8>)>,
    helpers: Vec<(u32, u32)>,
}

impl Image {
    /// Adds what is loaded of an ELF file.
    pub fn load(&mut self, path: &Path) -> anyhow::Result<()> {
        let shown = path.display();
        let image = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
        let file = ElfBytes::<LittleEndian>::minimal_parse(&image)?;
        for segment in file.segments().context("no segments")? {
            if segment.p_type == PT_LOAD {
                self.add(segment.p_vaddr.try_into()?, file.segment_data(&segment)?);
            }
        }
        Ok(())
    }

    /// Adds bytes.
    pub fn add(&mut self, start: u32, bytes: &[u8]) {
        self.segments.push((start, bytes.to_vec()));
    }

    /// Adds a helper, from its first byte to the one behind it.
    pub fn add_helper(&mut self, extent: (u32, u32)) {
        self.helpers.push(extent);
    }

    /// The bytes from an address on; none where there is no code.
    pub fn bytes(&self, at: u32) -> &[u8] {
        let found = self.segments.iter().find_map(|(start, bytes)| {
            let offset = usize::try_from(at.checked_sub(*start)?).ok()?;
            bytes.get(offset..).filter(|rest| !rest.is_empty())
        });
        found.unwrap_or_default()
    }

    /// Whether the instruction there is a program's reading of the time-stamp counter.
    pub fn reads_counter(&self, at: u32) -> bool {
        at < KERNBASE && self.bytes(at).starts_with(&READ_COUNTER)
    }

    /// Whether it is in a helper.
    pub fn is_in_helper(&self, at: u32) -> bool {
        let mut helpers = self.helpers.iter();
        helpers.any(|&(start, end)| (start..end).contains(&at))
    }
}
