//! Messages: one word and perhaps a page, from one environment to another.
//!
//! JOS's interface exactly: a receiver waits with one place for one message,
//! and a sender whose target does not wait is told so and tries again. Beside
//! it an extension that needs no trying: [`Call::IpcSend`] waits, and those who
//! wait for the same receiver are served in the order in which they came.
//!
//! The hard thing is the order of checks. Anything that is wrong with the
//! sender's page is found before the receiver is touched, so a failed send
//! leaves the receiver as if nothing had happened. A page that is offered by a
//! waiting sender is looked at when it is taken: until then the sender's parent
//! may have changed it.
//!
//! [`Call::IpcSend`]: abi::Call::IpcSend

use super::{CallResult, Caller, Outcome};
use crate::env::{Inbox, Letter, Wait};
use crate::ids::Slot;
use crate::kernel::Kernel;
use crate::paging::UserPage;
use crate::phys::{Pfn, PhysMem};
use crate::watch::{Fact, Tell, Watcher};
use abi::layout::{PGSIZE, UTOP};
use abi::{Error, Perm, TrapFrame};

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    #[inline(always)]
    pub(crate) fn sys_ipc_try_send(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let (id, letter) = sent(frame);
        let target = self.any_env(caller, id)?;
        if self.envs[target].wait != Wait::Message {
            return Err(Error::IpcNotRecv);
        }
        self.hand_over(caller, caller.slot, target, letter)?;
        self.end_wait(target, 0);
        Ok(Outcome::Done(0))
    }

    #[inline(always)]
    pub(crate) fn sys_ipc_send(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let (id, letter) = sent(frame);
        let target = self.any_env(caller, id)?;
        if target == caller.slot {
            return Err(Error::Inval); // it would wait for itself
        }
        if self.envs[target].wait == Wait::Message {
            self.hand_over(caller, caller.slot, target, letter)?;
            self.end_wait(target, 0);
            return Ok(Outcome::Done(0));
        }
        self.offered_page(caller.slot, letter)?;
        let mut senders = self.envs[target].senders;
        senders.push_back(&mut self.envs, caller.slot);
        self.envs[target].senders = senders;
        let env = &mut self.envs[caller.slot];
        env.letter = letter;
        env.wait = Wait::Receiver(target);
        self.watcher.tell(|| Fact::WaitsToSend {
            to: self.envs[target].id,
            value: letter.value,
            va: letter.va,
        });
        Ok(Outcome::Stop)
    }

    /// The first sender's message could not be taken: it learns why, unless that may
    /// be another matter in a later step; then it stays the first, and the receiver
    /// tries again.
    #[cold]
    fn not_handed_over(&mut self, receiver: Slot, sender: Slot, error: Error) -> Result<(), Error> {
        if !self.may_be_had(error) {
            self.fail_wait(sender, error);
            return Ok(());
        }
        let mut senders = self.envs[receiver].senders;
        senders.push_front(&mut self.envs, sender);
        self.envs[receiver].senders = senders;
        Err(error)
    }

    #[inline(always)]
    pub(crate) fn sys_ipc_recv(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let [dstva, ..] = frame.arguments();
        if dstva < UTOP && !dstva.is_multiple_of(PGSIZE) {
            return Err(Error::Inval);
        }
        self.envs[caller.slot].inbox.dstva = dstva;
        while let Some(sender) = self.next_sender(caller.slot) {
            let letter = self.envs[sender].letter;
            match self.hand_over(caller, sender, caller.slot, letter) {
                Ok(()) => {
                    self.end_wait(sender, 0);
                    return Ok(Outcome::Done(0));
                }
                Err(error) => self.not_handed_over(caller.slot, sender, error)?,
            }
        }
        self.envs[caller.slot].wait = Wait::Message;
        self.mirror
            .receiving(&mut self.mem, caller.slot, &self.envs[caller.slot]);
        self.watcher.tell(|| Fact::WaitsToReceive { va: dstva });
        Ok(Outcome::Stop)
    }

    /// Takes the first of those who wait to send to `target` out of the queue.
    #[inline(always)]
    fn next_sender(&mut self, target: Slot) -> Option<Slot> {
        let mut senders = self.envs[target].senders;
        let sender = senders.pop_front(&mut self.envs);
        self.envs[target].senders = senders;
        sender
    }

    /// Those who wait to send to `target` wait in vain: it is dying.
    pub(crate) fn fail_senders(&mut self, target: Slot) {
        while let Some(sender) = self.next_sender(target) {
            self.fail_wait(sender, Error::BadEnv);
        }
    }

    /// The page that a sender offers, if its address is below UTOP.
    #[inline(always)]
    fn offered_page(&self, sender: Slot, letter: Letter) -> Result<Option<(Pfn, Perm)>, Error> {
        if letter.va >= UTOP {
            return Ok(None);
        }
        let page = UserPage::new(letter.va).ok_or(Error::Inval)?;
        let perm = Perm::from_argument(letter.perm).ok_or(Error::Inval)?;
        Ok(Some((self.shareable(sender, page, perm)?, perm)))
    }

    /// Puts a letter into `target`'s inbox, and its page where `target` wants
    /// it. On an error nothing has changed.
    #[inline(always)]
    fn hand_over(
        &mut self,
        caller: Caller,
        sender: Slot,
        target: Slot,
        letter: Letter,
    ) -> Result<(), Error> {
        let offered = self.offered_page(sender, letter)?;
        let wanted = UserPage::new(self.envs[target].inbox.dstva);
        let mut delivered = Perm::empty();
        if let (Some((frame, perm)), Some(page)) = (offered, wanted) {
            self.share(caller, target, page, frame, perm)?;
            delivered = perm;
        }
        let from = self.envs[sender].id;
        let env = &mut self.envs[target];
        env.inbox = Inbox {
            value: letter.value,
            from,
            perm: delivered.bits(),
            ..env.inbox
        };
        self.mirror
            .message_received(&mut self.mem, target, &self.envs[target]);
        self.watcher.tell(|| self.envs[target].delivered());
        Ok(())
    }

    /// A waiting environment's call comes to `result`; it goes on.
    #[inline(always)]
    pub(crate) fn end_wait(&mut self, slot: Slot, result: u32) {
        let env = &mut self.envs[slot];
        env.wait = Wait::Nothing;
        env.frame.regs.eax = result;
        self.make_ready(slot);
        self.mirror.runnable(&mut self.mem, slot);
    }

    fn fail_wait(&mut self, slot: Slot, error: Error) {
        let value = self.envs[slot].personality.error_value(error);
        self.end_wait(slot, value.wrapping_neg());
    }
}

/// To whom something is sent, and what: the arguments of both calls that send.
#[inline(always)]
fn sent(frame: &TrapFrame) -> (u32, Letter) {
    let [id, value, va, perm] = frame.arguments();
    (id, Letter { value, va, perm })
}
