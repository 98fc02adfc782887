//! Messages: one word and perhaps a page, from one environment to another.
//!
//! JOS's interface exactly: a receiver waits with one place for one message,
//! and a sender whose target does not wait is told so and tries again.
//!
//! The hard thing is the order of checks. Anything that is wrong with the
//! sender's page is found before the receiver is touched, so a failed send
//! leaves the receiver waiting as if nothing had happened.

use crate::env::{Inbox, Slot, Wait};
use crate::kernel::Kernel;
use crate::paging::UserPage;
use crate::phys::{Pfn, PhysMem};
use crate::syscall::{CallResult, Caller, Outcome};
use abi::layout::{PGSIZE, UTOP};
use abi::{Error, Perm};

impl<M: PhysMem> Kernel<'_, M> {
    pub(crate) fn sys_ipc_try_send(
        &mut self,
        caller: Caller,
        id: u32,
        value: u32,
        va: u32,
        perm: u32,
    ) -> CallResult {
        let target = self.any_env(caller, id)?;
        if self.envs[target].wait != Wait::Message {
            return Err(Error::IpcNotRecv);
        }
        let offered = self.offered_page(caller.slot, va, perm)?;
        let wanted = UserPage::new(self.envs[target].inbox.dstva);
        let mut delivered = Perm::empty();
        if let (Some((frame, perm)), Some(page)) = (offered, wanted) {
            self.share(caller, target, page, frame, perm)?;
            delivered = perm;
        }
        self.deliver(caller.slot, target, value, delivered);
        Ok(Outcome::Done(0))
    }

    /// The page that a sender offers, if `va` is below UTOP.
    fn offered_page(&self, sender: Slot, va: u32, perm: u32) -> Result<Option<(Pfn, Perm)>, Error> {
        if va >= UTOP {
            return Ok(None);
        }
        let page = UserPage::new(va).ok_or(Error::Inval)?;
        let perm = Perm::from_argument(perm).ok_or(Error::Inval)?;
        Ok(Some((self.shareable(sender, page, perm)?, perm)))
    }

    fn deliver(&mut self, sender: Slot, target: Slot, value: u32, perm: Perm) {
        let from = self.envs[sender].id;
        let env = &mut self.envs[target];
        env.inbox = Inbox {
            dstva: env.inbox.dstva,
            value,
            from,
            perm: perm.bits(),
        };
        env.wait = Wait::Nothing;
        env.frame.regs.eax = 0;
        self.mirror
            .message(&mut self.mem, target, &self.envs[target]);
        self.make_ready(target);
        self.show_status(target);
    }

    pub(crate) fn sys_ipc_recv(&mut self, caller: Caller, dstva: u32) -> CallResult {
        if dstva < UTOP && !dstva.is_multiple_of(PGSIZE) {
            return Err(Error::Inval);
        }
        let env = &mut self.envs[caller.slot];
        env.inbox.dstva = dstva;
        env.wait = Wait::Message;
        self.mirror
            .message(&mut self.mem, caller.slot, &self.envs[caller.slot]);
        Ok(Outcome::Stop)
    }
}
