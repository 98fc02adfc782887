//! Access to user memory through pointers that may be wrong.
//!
//! A user pointer is only a claim: a [`UserSlice`] cannot be dereferenced, only
//! checked and then copied from. Check and copy happen in one step, under the lock,
//! so the mapping cannot change between them. The bytes can, because a program on
//! another CPU may share the page. So the kernel copies them once and bases its
//! decisions on the copy.
//!
//! The hard thing is the arithmetic: a range may wrap round the end of the address
//! space. And the interface fixes the address to report for a bad range: the pointer
//! itself if its own page is bad, else the start of the first bad page.

use crate::paging::Space;
use crate::phys::PhysMem;
use abi::Perm;
use abi::layout::{PGSIZE, ULIM};

/// A range of addresses that a program claims to own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserSlice {
    /// First address.
    pub ptr: u32,
    /// Length in bytes; `ptr + len` may wrap.
    pub len: u32,
}

/// The claim is false; holds the address to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadAddress(pub u32);

impl UserSlice {
    /// Checks that user code may access every page of the range with `perm`.
    pub fn check<M: PhysMem>(self, mem: &M, space: Space, perm: Perm) -> Result<(), BadAddress> {
        let mut va = self.ptr;
        let mut left = self.len;
        while left > 0 {
            if va >= ULIM || space.translate(mem, va, perm).is_none() {
                return Err(BadAddress(va));
            }
            let in_page = PGSIZE - va % PGSIZE;
            left = left.saturating_sub(in_page);
            // `va` is below ULIM, so this cannot wrap.
            va = va.wrapping_add(in_page);
        }
        Ok(())
    }

    /// Copies the first bytes of a range to `out`, up to the end of their page, of the
    /// range or of `out`, and returns their number. The range must have been checked in
    /// this step.
    pub fn read_some<M: PhysMem>(self, mem: &mut M, space: Space, out: &mut [u8]) -> usize {
        let Some(entry) = space.translate(mem, self.ptr, Perm::READ) else {
            return 0;
        };
        let offset = self.ptr % PGSIZE;
        let count = (PGSIZE - offset).min(self.len).min(out.len() as u32) as usize;
        if let Some(out) = out.get_mut(..count) {
            mem.read_bytes(entry.frame().address() + offset, out);
        }
        count
    }

    /// Stores `bytes`, which fill the range, if user code may write to all of it.
    #[inline(always)]
    pub fn store<M: PhysMem>(
        self,
        mem: &mut M,
        space: Space,
        bytes: &[u8],
    ) -> Result<(), BadAddress> {
        let offset = self.ptr % PGSIZE;
        if self.len > PGSIZE - offset || self.ptr >= ULIM {
            return self.store_to_pages(mem, space, bytes);
        }
        // The usual case: the range lies in one page.
        let frame = space.frame_to_write(mem, self.ptr);
        let frame = frame.ok_or(BadAddress(self.ptr))?;
        mem.write_bytes(frame.address() + offset, bytes);
        Ok(())
    }

    /// As [`UserSlice::store`], across pages: checks all before it writes to any.
    #[cold]
    fn store_to_pages<M: PhysMem>(
        self,
        mem: &mut M,
        space: Space,
        mut bytes: &[u8],
    ) -> Result<(), BadAddress> {
        self.check(mem, space, Perm::WRITE)?;
        let mut va = self.ptr;
        while !bytes.is_empty()
            && let Some(frame) = space.frame_to_write(mem, va)
        {
            let offset = va % PGSIZE;
            let count = bytes.len().min((PGSIZE - offset) as usize);
            let (now, later) = bytes.split_at(count);
            mem.write_bytes(frame.address() + offset, now);
            bytes = later;
            va = va.wrapping_add(count as u32);
        }
        Ok(())
    }

    /// The first `count` bytes of the range, or all of it if it is shorter.
    #[must_use]
    pub const fn first(self, count: u32) -> UserSlice {
        UserSlice {
            ptr: self.ptr,
            len: if self.len < count { self.len } else { count },
        }
    }

    /// The range without its first `count` bytes.
    #[must_use]
    pub const fn skip(self, count: u32) -> UserSlice {
        UserSlice {
            ptr: self.ptr.wrapping_add(count),
            len: self.len.saturating_sub(count),
        }
    }
}

/// Checks and reads the word at `va`, which may straddle two pages.
pub fn read_word<M: PhysMem>(mem: &mut M, space: Space, va: u32) -> Result<u32, BadAddress> {
    if !va.is_multiple_of(4) || va >= ULIM {
        let [word] = read_words(mem, space, va)?;
        return Ok(word);
    }
    let entry = space.translate(mem, va, Perm::READ).ok_or(BadAddress(va))?;
    let mut bytes = [0; 4];
    mem.read_bytes(entry.frame().address() + va % PGSIZE, &mut bytes);
    Ok(u32::from_le_bytes(bytes))
}

/// Checks and reads `N` words from `va` on, which need not be aligned.
pub fn read_words<const N: usize, M: PhysMem>(
    mem: &mut M,
    space: Space,
    va: u32,
) -> Result<[u32; N], BadAddress> {
    let slice = UserSlice {
        ptr: va,
        len: N as u32 * 4,
    };
    slice.check(mem, space, Perm::READ)?;
    let mut words = [[0; 4]; N];
    fill(mem, space, slice, words.as_flattened_mut());
    Ok(words.map(u32::from_le_bytes))
}

/// Fills `bytes` from the start of a checked range.
fn fill<M: PhysMem>(mem: &mut M, space: Space, mut slice: UserSlice, bytes: &mut [u8]) {
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..)
        && !rest.is_empty()
    {
        let count = slice.read_some(mem, space, rest);
        if count == 0 {
            return;
        }
        slice = slice.skip(count as u32);
        done += count;
    }
}
