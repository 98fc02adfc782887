//! The first environments: programs that the boot loader left in memory.
//!
//! The hard thing is that toolchains lay segments out as they like: two may
//! share a page, and none is aligned. So a page that is mapped already is
//! reused, and bytes are copied page by page. Every page is writeable, whatever
//! the file says: that is how JOS's kernel loads.

use crate::elf::{BadElf, Elf, Image, Segment};
use crate::env::Env;
use crate::ids::Slot;
use crate::kernel::Kernel;
use crate::paging::{Pte, Space, UserPage};
use crate::phys::{Pfn, PhysMem};
use crate::syscall::heap::{HEAP_LIMIT, page_up};
use crate::watch::Watcher;
use abi::layout::{ARCHIVE, PGSIZE, USTACKTOP, UTOP};
use abi::trap::FLAG_IOPL;
use abi::{EnvId, EnvType, Error, Perm, Personality, TrapFrame};

/// What to make an environment from at boot.
#[derive(Clone, Copy, Debug)]
pub struct Boot<'a> {
    /// The program.
    pub image: Image,
    /// Its arguments, each ended by a NUL byte, its own name first; empty for
    /// none at all.
    pub arguments: &'a [u8],
    /// The edition whose interface it uses.
    pub personality: Personality,
    /// What it is for. A file server gets I/O privilege, which nobody inherits.
    pub kind: EnvType,
    /// A file that it finds mapped at [`ARCHIVE`], read-only; of length 0 for
    /// none.
    pub archive: Image,
}

/// Why a program cannot be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The file is not a program.
    Elf(BadElf),
    /// A segment goes where no program may be.
    Address,
    /// The arguments do not fit the stack.
    Arguments,
    /// No memory, or no slot.
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
    /// Makes a runnable environment from a boot module. On an error nothing of
    /// it is left.
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
            ..Env::default()
        };
        let slot = self.create(EnvId::NONE, &pattern)?;
        let filled = self.fill(slot, elf, boot);
        self.tell_loaded(slot);
        match filled {
            Ok(()) => {
                self.mirror.registers(&mut self.mem, slot, &self.envs[slot]);
                self.start(slot);
                Ok(self.envs[slot].id)
            }
            Err(error) => {
                self.destroy(crate::CpuId(0), EnvId::NONE, slot);
                self.settle();
                Err(error)
            }
        }
    }

    fn fill(&mut self, slot: Slot, elf: Elf, boot: Boot<'_>) -> Result<(), LoadError> {
        let space = self.envs[slot].space;
        for index in 0..elf.count() {
            if let Some(segment) = elf.segment(&mut self.mem, index)? {
                self.load_segment(space, boot.image, segment)?;
                // A heap never gets to what begins beyond its limit.
                if segment.va < HEAP_LIMIT {
                    let end = page_up(segment.va.wrapping_add(segment.mem_size).min(HEAP_LIMIT));
                    let env = &mut self.envs[slot];
                    env.heap_end = end.max(env.heap_end);
                    env.heap_start = env.heap_end;
                }
            }
        }
        self.map_archive(space, boot.archive)?;
        let stack = self.page_for_loading(space, USTACKTOP - PGSIZE, Perm::WRITE)?;
        self.envs[slot].frame.esp = self.push_arguments(stack, boot.arguments)?;
        Ok(())
    }

    fn load_segment(
        &mut self,
        space: Space,
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
            let frame = self.page_for_loading(space, va - va % PGSIZE, Perm::WRITE)?;
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

    /// Copies a file to pages that the program can only read.
    fn map_archive(&mut self, space: Space, archive: Image) -> Result<(), LoadError> {
        if archive.len > USTACKTOP - PGSIZE - ARCHIVE {
            return Err(LoadError::Address);
        }
        for offset in (0..archive.len).step_by(PGSIZE as usize) {
            let frame = self.page_for_loading(space, ARCHIVE + offset, Perm::READ)?;
            let count = PGSIZE.min(archive.len - offset);
            let from = archive.start.wrapping_add(offset);
            self.mem.copy_bytes(frame.address(), from, count);
        }
        Ok(())
    }

    /// The frame at `va`; if nothing is mapped there yet, a zeroed one, mapped
    /// with `perm`.
    fn page_for_loading(&mut self, space: Space, va: u32, perm: Perm) -> Result<Pfn, LoadError> {
        let page = UserPage::new(va).ok_or(LoadError::Address)?;
        let old = space.entry(&self.mem, page);
        if old.is_present() {
            return Ok(old.frame());
        }
        self.reserve(1 + space.missing_tables(&self.mem, page))?;
        let frame = self.frames.alloc(&mut self.mem).map_err(|_| Error::NoMem)?;
        self.mem.zero_frame(frame);
        let slot = space
            .ensure_table(&mut self.mem, &mut self.frames, page, |_| {})
            .map_err(|_| Error::NoMem)?;
        self.mem.write(slot, Pte::new(frame, perm).0);
        Ok(frame)
    }

    /// Lays arguments out on the stack page as `spawn` does: strings at the
    /// top, below them the pointers and a null, then the address of the
    /// pointers, then their number. Returns the stack pointer.
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
