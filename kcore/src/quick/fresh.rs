//! `page_alloc` of a page of the caller's own, where nothing is mapped.
//!
//! This CPU has a frame of zeroes already, so its step is one entry, and another frame to
//! clear. The hard thing is that the other one is cleared without the lock: it is this
//! CPU's own from now on, and no step gives it away before the CPU has entered again.

use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::paging::{Pte, UserPage};
use crate::phys::{Pfn, PhysMem};
use crate::step::{Step, ToResume};
use crate::watch::Watcher;
use abi::{Perm, TrapFrame};

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Makes the step of a `page_alloc`, or changes nothing.
    #[inline(always)]
    pub(super) fn quick_page_alloc(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        frame: &mut TrapFrame,
    ) -> Option<Step> {
        let [id, va, perm, _] = frame.arguments();
        let env = &self.envs[slot];
        if id != 0 && id != env.id.0 as u32 {
            return None;
        }
        let page = UserPage::new(va)?;
        let perm = Perm::from_argument(perm)?;
        let place = env.space.slot(&self.mem, page.va())?;
        let clean = self.cpus[cpu].clean;
        let is_free = !Pte(self.mem.read(place)).is_present();
        if !is_free || clean == Pfn(0) || !self.frames.has(1) {
            return None;
        }
        let next = self.frames.alloc(&mut self.mem).ok()?;
        self.cpus[cpu].clean = next;
        self.outbox.clear = next;
        self.mem.write(place, Pte::new(clean, perm).0);
        self.frames.mark(place);
        frame.regs.eax = 0;
        Some(Step::Resume(ToResume::CLEAR))
    }
}
