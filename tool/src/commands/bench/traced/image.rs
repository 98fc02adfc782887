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
/// `lock cmpxchg` of a byte at a fixed address, which stands behind it; any register.
const TAKE: [u8; 3] = [0xf0, 0x0f, 0xb0];
/// `mov` of a constant to a byte at a fixed address, which stands behind it.
const STORE: [u8; 2] = [0xc6, 0x05];

/// How the symbol of the big lock ends, but for a hash; its first byte says whether it is
/// held.
const LOCK: &str = "6locked6KERNEL";

/// What an instruction does to the big lock, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLock {
    /// Takes it, since nobody else does in a benchmark.
    Takes,
    /// Releases it.
    Releases,
}

/// What is loaded of both, and where the helpers are: functions that belong to their callers.
#[derive(Default)]
pub struct Image {
    segments: Vec<(u32, Vec<u8>)>,
    /// Address of the big lock.
    lock: Option<u32>,
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

    /// Reads from a kernel's symbols where its lock is.
    pub fn find_lock(&mut self, path: &Path) -> anyhow::Result<()> {
        let shown = path.display();
        let image = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
        let file = ElfBytes::<LittleEndian>::minimal_parse(&image)?;
        let (symbols, names) = file.symbol_table()?.context("no symbols")?;
        let is_lock = |name: &str| name.contains(LOCK);
        let lock = symbols
            .iter()
            .find(|symbol| names.get(symbol.st_name as usize).is_ok_and(is_lock));
        let lock = lock.with_context(|| format!("{shown}: no lock"))?;
        self.set_lock(lock.st_value.try_into()?);
        Ok(())
    }

    /// The lock is at this address.
    pub fn set_lock(&mut self, address: u32) {
        self.lock = Some(address);
    }

    /// What the instruction at `at` does to the lock.
    pub fn on_lock(&self, at: u32) -> Option<OnLock> {
        let bytes = self.bytes(at);
        let lock = self.lock?.to_le_bytes();
        let names_lock = |from: usize| bytes.get(from..from + 4) == Some(&lock);
        if bytes.starts_with(&TAKE) && names_lock(TAKE.len() + 1) {
            return Some(OnLock::Takes);
        }
        (bytes.starts_with(&STORE) && names_lock(STORE.len())).then_some(OnLock::Releases)
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
