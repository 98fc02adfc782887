//! Addresses that programs use themselves, or give to the kernel to use.
//!
//! The hard thing is which address is reported for a bad range: its start, if
//! that is on the first bad page, else the start of that page.

use super::{Env, Expected, Model};
use abi::TrapFrame;
use abi::layout::{PGSIZE, UENVS, UPAGES};

/// How a page fault or another exception ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The environment goes on in its handler; these words were written at this
    /// address.
    Handled(u32, Vec<u32>),
    /// It ends, and [`Model::obituary`] is printed.
    Ends,
}

impl Model {
    /// The running environment `id` makes an access at `va` that is not allowed.
    pub fn page_fault(&mut self, id: u32, va: u32) -> Fault {
        let Env { upcall, frame, .. } = self.envs[&id];
        if self.handles(id, 14) {
            return self.raise(id, 14, va);
        }
        if upcall == 0 {
            self.kill(id);
            let eip = frame.eip;
            self.obituary = Some(format!("[{id:08x}] user fault va {va:08x} ip {eip:08x}\n"));
            return Fault::Ends;
        }
        let place = match frame.esp {
            0xeebf_f000..=0xeebf_ffff => frame.esp - 56,
            _ => 0xeebf_ffcc,
        };
        if let Some(bad) = self.first_bad(id, place, 52, 2) {
            self.kill_for(id, bad);
            return Fault::Ends;
        }
        let words = registers_at(va, &frame);
        let frame = &mut self.env(id).frame;
        frame.esp = place;
        frame.eip = upcall;
        Fault::Handled(place, words)
    }

    /// The running environment `id` raises an exception that is no page fault.
    pub fn exception(&mut self, id: u32, vector: u32) -> Fault {
        if self.handles(id, vector) {
            return self.raise(id, vector, 0);
        }
        self.kill(id);
        Fault::Ends
    }

    /// Whether `id` has a handler for this vector.
    pub fn handles(&self, id: u32, vector: u32) -> bool {
        self.envs[&id].exceptions.1 >> vector & 1 != 0
    }

    /// The environment goes on in its handler of exceptions.
    fn raise(&mut self, id: u32, vector: u32, va: u32) -> Fault {
        let Env {
            exceptions, frame, ..
        } = self.envs[&id];
        let place = match frame.esp {
            0xeebf_f000..=0xeebf_ffff => frame.esp - 12 - 56,
            _ => 0xeebf_ffc8,
        };
        if let Some(bad) = self.first_bad(id, place, 56, 2) {
            self.kill_for(id, bad);
            return Fault::Ends;
        }
        let mut words = registers_at(va, &frame);
        words.push(vector);
        let frame = &mut self.env(id).frame;
        frame.esp = place;
        frame.eip = exceptions.0;
        // TF, NT, RF, AC.
        frame.eflags &= !(1 << 8 | 1 << 14 | 1 << 16 | 1 << 18);
        Fault::Handled(place, words)
    }

    /// Ends `id` because of a bad address, and notes what is printed.
    pub(super) fn kill_for(&mut self, id: u32, va: u32) {
        self.kill(id);
        self.obituary = Some(format!(
            "[{id:08x}] user_mem_check assertion failure for va {va:08x}\n"
        ));
    }

    pub(super) fn cputs(&mut self, caller: u32, [ptr, len, ..]: [u32; 5]) -> Expected {
        match self.first_bad(caller, ptr, len, 0) {
            Some(bad) => {
                self.kill_for(caller, bad);
                Expected::Leaves
            }
            None => Expected::Value(0),
        }
    }

    /// The address that is reported if `id` may not use a range with all of `perm`:
    /// where the range starts, or where its first bad page does.
    pub(super) fn first_bad(&self, id: u32, ptr: u32, len: u32, perm: u32) -> Option<u32> {
        let end = u64::from(ptr) + u64::from(len);
        let pages = (u64::from(ptr - ptr % PGSIZE)..end).step_by(PGSIZE as usize);
        let mut pages = pages.take_while(|_| len > 0);
        let bad = pages.find(|&va| !self.usable(id, va, perm))?;
        Some(bad.max(u64::from(ptr)) as u32)
    }

    /// Whether a program may read the page at `va`, and write it if `perm` says so.
    /// The model leaves out the window of page tables.
    fn usable(&self, id: u32, va: u64, perm: u32) -> bool {
        let Ok(va) = u32::try_from(va) else {
            return false;
        };
        let within = |start: u32, pages: u32| (start..start + pages * PGSIZE).contains(&va);
        let public = within(UENVS, 31) || within(UPAGES, self.page_info_frames);
        let page = self.envs[&id].pages.get(&va);
        page.is_some_and(|page| page.perm & perm == perm) || public && perm == 0
    }
}

/// The words of JOS's frame for a fault with these registers.
fn registers_at(va: u32, frame: &TrapFrame) -> Vec<u32> {
    let regs = &frame.regs;
    vec![
        va,
        frame.err,
        regs.edi,
        regs.esi,
        regs.ebp,
        regs.oesp,
        regs.ebx,
        regs.edx,
        regs.ecx,
        regs.eax,
        frame.eip,
        frame.eflags & !0x1_0000,
        frame.esp,
    ]
}
