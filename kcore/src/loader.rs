//! Making the first environments, from programs that the boot loader left in memory.
//!
//! The hard thing is that toolchains lay out segments as they like: segments need not
//! be aligned, and two may share a page. So the loader reuses a page that is already
//! mapped, and copies page by page. All pages are writeable, whatever the file says,
//! because JOS's kernel loads programs so.

use crate::elf::{BadElf, Elf, Image, Segment};
use crate::env::Env;
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::paging::{Pte, UserPage};
use crate::phys::{Pfn, PhysMem};
use crate::syscall::Caller;
use crate::syscall::heap::{HEAP_LIMIT, page_up};
use crate::watch::Watcher;
use abi::layout::{ARCHIVE, PGSIZE, USTACKTOP, UTOP};
use abi::scheduling::{MAX_PRIORITY, MAX_SHARES};
use abi::trap::FLAG_IOPL;
use abi::{EnvId, EnvType, Error, Perm, Personality, TrapFrame};

/// Describes an environment to make at boot.
#[derive(Clone, Copy, Debug)]
pub struct Boot<'a> {
    /// The program's file.
    pub image: Image,
    /// Its arguments, each ended by a NUL byte, its own name first. If empty, the
    /// program gets no arguments at all.
    pub arguments: &'a [u8],
    /// How the program numbers its system calls.
    pub personality: Personality,
    /// JOS's environment type. A file server gets I/O privilege, which its children do
    /// not inherit.
    pub kind: EnvType,
    /// A file to map read-only at [`ARCHIVE`]; if its length is 0, none is.
    pub archive: Image,
}

/// Why a program cannot be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The file is not a program.
    Elf(BadElf),
    /// A segment or the archive lies where a program has no memory.
    Address,
    /// The arguments do not fit in the stack's page.
    Arguments,
    /// No memory or no slot is free.
    Kernel(Error),
}

impl From<BadElf> for LoadError {
    fn from(error: BadElf) -> LoadError {
        LoadError::Elf(error)
    }
}

impl From<Error> for LoadError {
    fn from(error: Error) -> LoadError {
        LoadError::Kernel(error)
    }
}

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Makes a runnable environment. On an error nothing of it remains.
    pub fn boot_env(&mut self, boot: Boot<'_>) -> Result<EnvId, LoadError> {
        let elf = Elf::parse(&mut self.mem, boot.image)?;
        let mut frame = TrapFrame::start(elf.entry, USTACKTOP);
        if boot.kind == EnvType::FileServer {
            frame.eflags |= FLAG_IOPL;
        }
        let pattern = Env {
            kind: boot.kind,
            personality: boot.personality,
            frame,
            priority: MAX_PRIORITY,
            shares: MAX_SHARES,
            ..Env::default()
        };
        let slot = self.create(None, EnvId::NONE, pattern)?;
        match self.fill(slot, elf, boot) {
            Ok(()) => {
                let frame = &self.envs[slot].frame;
                self.mirror.registers(&mut self.mem, slot, frame);
                self.start(slot);
                Ok(self.envs[slot].id)
            }
            Err(error) => {
                self.destroy(CpuId(0), EnvId::NONE, slot);
                // It has run nowhere.
                self.settle(|_, _| ());
                Err(error)
            }
        }
    }

    fn fill(&mut self, slot: Slot, elf: Elf, boot: Boot<'_>) -> Result<(), LoadError> {
        for index in 0..elf.count() {
            if let Some(segment) = elf.segment(&mut self.mem, index)? {
                self.load_segment(slot, boot.image, segment)?;
                // A heap cannot reach a segment beyond its limit.
                if segment.va < HEAP_LIMIT {
                    let end = page_up(segment.va.wrapping_add(segment.mem_size).min(HEAP_LIMIT));
                    let env = &mut self.envs[slot];
                    env.heap_end = end.max(env.heap_end);
                    env.heap_start = env.heap_end;
                }
            }
        }
        self.map_archive(slot, boot.archive)?;
        let stack = self.page_for_loading(slot, USTACKTOP - PGSIZE, Perm::WRITE)?;
        self.envs[slot].frame.esp = self.push_arguments(stack, boot.arguments)?;
        Ok(())
    }

    fn load_segment(
        &mut self,
        slot: Slot,
        image: Image,
        segment: Segment,
    ) -> Result<(), LoadError> {
        let end = segment
            .va
            .checked_add(segment.mem_size)
            .ok_or(LoadError::Address)?;
        if end > UTOP {
            return Err(LoadError::Address);
        }
        let mut va = segment.va;
        while va < end {
            let next = (va - va % PGSIZE + PGSIZE).min(end);
            let frame = self.page_for_loading(slot, va - va % PGSIZE, Perm::WRITE)?;
            let done = va - segment.va;
            let count = (next - va).min(segment.file_size.saturating_sub(done));
            if count > 0 {
                let from = image.start.wrapping_add(segment.offset).wrapping_add(done);
                self.mem
                    .copy_bytes(frame.address() + va % PGSIZE, from, count);
            }
            va = next;
        }
        Ok(())
    }

    /// Copies the archive to read-only pages.
    fn map_archive(&mut self, slot: Slot, archive: Image) -> Result<(), LoadError> {
        if archive.len > USTACKTOP - PGSIZE - ARCHIVE {
            return Err(LoadError::Address);
        }
        for offset in (0..archive.len).step_by(PGSIZE as usize) {
            let frame = self.page_for_loading(slot, ARCHIVE + offset, Perm::READ)?;
            let count = PGSIZE.min(archive.len - offset);
            let from = archive.start.wrapping_add(offset);
            self.mem.copy_bytes(frame.address(), from, count);
        }
        Ok(())
    }

    /// The frame at `va`. If none is mapped there yet, maps a zeroed one with `perm`.
    fn page_for_loading(&mut self, slot: Slot, va: u32, perm: Perm) -> Result<Pfn, LoadError> {
        let page = UserPage::new(va).ok_or(LoadError::Address)?;
        let space = self.envs[slot].space;
        let old = space.entry(&self.mem, page);
        if old.is_present() {
            return Ok(old.frame());
        }
        let has_table = space.slot(&self.mem, va).is_some();
        self.reserve(1 + u32::from(!has_table))?;
        let frame = self.fresh_frame()?;
        let cpu = CpuId(0);
        self.place(Caller { cpu, slot }, slot, page, Pte::new(frame, perm))?;
        Ok(frame)
    }

    /// Lays out the arguments on the stack's page as `spawn` does. From the top down:
    /// the strings, a null and the pointers, the address of the pointers, their number.
    /// Returns the stack pointer.
    fn push_arguments(&mut self, stack: Pfn, arguments: &[u8]) -> Result<u32, LoadError> {
        let count = arguments.iter().filter(|&&byte| byte == 0).count() as u32;
        if count == 0 {
            return Ok(USTACKTOP);
        }
        let size = arguments.len() as u32;
        let pointers = (count + 1) * 4;
        if arguments.len() > PGSIZE as usize || size + 4 + pointers + 8 > PGSIZE {
            return Err(LoadError::Arguments);
        }
        let bottom = USTACKTOP - PGSIZE;
        let place = |va: u32| stack.address() + (va - bottom);
        let strings = USTACKTOP - size;
        let argv = (strings & !3) - pointers;
        self.mem.write_bytes(place(strings), arguments);
        let mut start = strings;
        for (index, text) in arguments.split_inclusive(|&byte| byte == 0).enumerate() {
            self.mem.write(place(argv) + index as u32 * 4, start);
            start += text.len() as u32;
        }
        self.mem.write(place(argv) + count * 4, 0);
        self.mem.write(place(argv) - 4, argv);
        self.mem.write(place(argv) - 8, count);
        Ok(argv - 8)
    }
}
