//! Messages: one word and perhaps a page, from one environment to another.
//!
//! As in JOS, a receiver waits with room for one message, and a send to an
//! environment that does not wait fails, so the sender must try again. An extension
//! avoids that: [`Call::IpcSend`] waits. Its senders are served in order of arrival, but
//! by `ipc_recv` nobody twice in a row while another one waits. Another extension,
//! [`Call::IpcRecvFrom`], receives from one sender, and has all others wait.
//!
//! The hard thing is the order of checks. A send checks the sender's page before it
//! touches the receiver, so a failed send leaves the receiver unchanged. The page of a
//! waiting sender is checked again at delivery, because the sender's parent may have
//! changed it meanwhile.
//!
//! [`Call::IpcSend`]: abi::Call::IpcSend
//! [`Call::IpcRecvFrom`]: abi::Call::IpcRecvFrom

use super::{CallResult, Caller, Outcome};
use crate::env::{Inbox, Letter, Wait};
use crate::ids::Slot;
use crate::kernel::Kernel;
use crate::paging::UserPage;
use crate::phys::{Pfn, PhysMem};
use crate::watch::{Fact, Tell, Watcher};
use abi::layout::{PGSIZE, UTOP};
use abi::{EnvStatus, Error, Perm, TrapFrame};

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    #[inline(never)]
    pub(crate) fn sys_ipc_try_send(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        // lab: ipc_try_send {
        let [id, ..] = frame.arguments();
        let target = self.any_env(caller, id)?;
        match self.send_now(caller, target, Letter::of(frame))? {
            true => Ok(Outcome::Done(0)),
            false => Err(Error::IpcNotRecv),
        }
        // lab: ipc_try_send }
    }

    #[inline(never)]
    pub(crate) fn sys_ipc_send(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let [id, ..] = frame.arguments();
        let target = self.any_env(caller, id)?;
        if target == caller.slot {
            return Err(Error::Inval); // the caller would wait for itself
        }
        let letter = Letter::of(frame);
        if self.send_now(caller, target, letter)? {
            return Ok(Outcome::Done(0));
        }
        self.wait_to_send(caller, target, letter, Wait::Receiver(target))
    }

    /// Sends a message to `target` if that waits for one of the caller's, and returns whether
    /// it does. To one who waits for the caller's reply, it is the reply.
    #[inline(always)]
    fn send_now(&mut self, caller: Caller, target: Slot, letter: Letter) -> Result<bool, Error> {
        if self.envs[target].wait == Wait::Message {
            self.deliver(caller, caller.slot, target, letter)?;
            self.end_wait(target, 0);
            return Ok(true);
        }
        if !self.envs[target].takes_from(caller.slot) {
            return Ok(false);
        }
        self.give(caller, target, (letter, 0))?;
        self.wake(target);
        Ok(true)
    }

    /// Has the caller wait until `target` receives.
    #[inline(always)]
    pub(super) fn wait_to_send(
        &mut self,
        caller: Caller,
        target: Slot,
        letter: Letter,
        wait: Wait,
    ) -> CallResult {
        self.offered_page(caller.slot, letter)?;
        self.keep_deadline(caller)?;
        self.envs
            .with_senders(target, |senders, envs| senders.push_back(envs, caller.slot));
        let env = &mut self.envs[caller.slot];
        env.letter = letter;
        env.wait = wait;
        self.watcher.tell(|| Fact::WaitsToSend {
            to: self.envs[target].id,
            value: letter.value,
            va: letter.va,
        });
        Ok(Outcome::Stop)
    }

    /// Handles an error in delivering the first sender's message. If a later step may
    /// succeed, the sender stays the first, and the receiver tries again; else the
    /// sender's call fails.
    #[cold]
    pub(super) fn delivery_failed(
        &mut self,
        receiver: Slot,
        sender: Slot,
        error: Error,
    ) -> Result<(), Error> {
        if !self.may_succeed_later(error) {
            self.fail_wait(sender, error);
            return Ok(());
        }
        self.envs
            .with_senders(receiver, |senders, envs| senders.push_front(envs, sender));
        Err(error)
    }

    #[inline(never)]
    pub(crate) fn sys_ipc_recv(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        // lab: ipc_recv {
        let [dstva, ..] = frame.arguments();
        self.envs[caller.slot].inbox.dstva = place_for_page(dstva)?;
        self.let_others_first(caller.slot);
        while let Some(sender) = self.next_sender(caller.slot) {
            let letter = self.envs[sender].letter;
            match self.deliver(caller, sender, caller.slot, letter) {
                Ok(()) => {
                    self.letter_taken(sender, caller.slot);
                    return Ok(Outcome::Done(0));
                }
                Err(error) => self.delivery_failed(caller.slot, sender, error)?,
            }
        }
        self.keep_deadline(caller)?;
        Ok(self.wait_for_message(caller.slot, Wait::Message))
        // lab: ipc_recv }
    }

    /// Has `slot`, whose inbox says where it wants a page, wait for a message.
    #[inline(always)]
    fn wait_for_message(&mut self, slot: Slot, wait: Wait) -> Outcome {
        let env = &mut self.envs[slot];
        env.wait = wait;
        self.mirror.receiving(&mut self.mem, slot, env);
        let va = env.inbox.dstva;
        self.watcher.tell(|| Fact::WaitsToReceive { va });
        Outcome::Stop
    }

    /// Ends the wait of `sender`, whose letter `receiver` has, or has it wait for the reply.
    #[inline(always)]
    pub(super) fn letter_taken(&mut self, sender: Slot, receiver: Slot) {
        match self.envs[sender].wait {
            Wait::Server(_) => self.await_reply(sender, receiver),
            _ => self.end_wait(sender, 0),
        }
    }

    /// A sender waits for one receiver at most, and has one letter; so nothing must be
    /// searched for.
    #[cold]
    #[inline(never)]
    pub(crate) fn sys_ipc_recv_from(
        &mut self,
        caller: Caller,
        frame: &mut TrapFrame,
    ) -> CallResult {
        let [id, dstva, ..] = frame.arguments();
        let sender = self.any_env(caller, id)?;
        if sender == caller.slot {
            return Err(Error::Inval); // the caller would wait for itself
        }
        self.envs[caller.slot].inbox.dstva = place_for_page(dstva)?;
        if self.envs[sender].sends_to() == Some(caller.slot) {
            let letter = self.envs[sender].letter;
            let result = self.deliver(caller, sender, caller.slot, letter);
            if let Err(error) = result
                && self.may_succeed_later(error)
            {
                return Err(error);
            }
            self.envs
                .with_senders(caller.slot, |senders, envs| senders.remove(envs, sender));
            match result {
                Ok(()) => {
                    self.letter_taken(sender, caller.slot);
                    return Ok(Outcome::Done(0));
                }
                Err(error) => self.fail_wait(sender, error),
            }
        }
        self.keep_deadline(caller)?;
        self.one_more_depends_on(sender);
        Ok(self.wait_for_message(caller.slot, Wait::MessageOf(sender)))
    }

    /// If the first sender in the queue is the one that was served last, it goes to the
    /// end. A sender that finds `receiver` waiting is served at once and may send again;
    /// so, without this, one of `n` would get two turns in `n + 1`, and always the same one.
    fn let_others_first(&mut self, receiver: Slot) {
        let mut senders = self.envs[receiver].senders;
        let Some(first) = senders.front() else {
            return;
        };
        if !senders.is_single() && self.envs[first].id == self.envs[receiver].inbox.from {
            senders.pop_front(&mut self.envs);
            senders.push_back(&mut self.envs, first);
            self.envs[receiver].senders = senders;
        }
    }

    /// Takes the first environment out of the queue of senders to `target`.
    #[inline(always)]
    pub(crate) fn next_sender(&mut self, target: Slot) -> Option<Slot> {
        self.envs
            .with_senders(target, |senders, envs| senders.pop_front(envs))
    }

    /// The frame and permissions that a sender offers; none if `va` is not below UTOP.
    #[inline(always)]
    pub(super) fn offered_page(
        &self,
        sender: Slot,
        letter: Letter,
    ) -> Result<Option<(Pfn, Perm)>, Error> {
        if letter.va >= UTOP {
            return Ok(None);
        }
        let page = UserPage::new(letter.va).ok_or(Error::Inval)?;
        let perm = Perm::from_argument(letter.perm).ok_or(Error::Inval)?;
        Ok(Some((self.shareable(sender, page, perm)?, perm)))
    }

    /// Puts a letter into the inbox of `target`, and maps its page where `target` wants
    /// that. An error changes nothing.
    #[inline(always)]
    pub(super) fn deliver(
        &mut self,
        caller: Caller,
        sender: Slot,
        target: Slot,
        letter: Letter,
    ) -> Result<(), Error> {
        // lab: ipc_try_send {
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
            .message(&mut self.mem, target, &self.envs[target]);
        self.watcher.tell(|| self.envs[target].delivered());
        Ok(())
        // lab: ipc_try_send }
    }

    /// Ends the wait of an environment, whose call returns `result`.
    #[inline(always)]
    pub(crate) fn end_wait(&mut self, slot: Slot, result: u32) {
        let env = &mut self.envs[slot];
        env.frame.regs.eax = result;
        self.wake(slot);
    }

    /// Ends the wait of an environment that has its result.
    #[inline(always)]
    pub(super) fn wake(&mut self, slot: Slot) {
        self.envs[slot].wait = Wait::Nothing;
        self.make_ready(slot);
        self.mirror.status(&mut self.mem, slot, EnvStatus::Runnable);
    }

    /// Ends the wait of an environment, whose call fails. A thousand may fail in one step.
    #[inline(always)]
    pub(crate) fn fail_wait(&mut self, slot: Slot, error: Error) {
        self.end_wait(slot, self.failure(slot, error));
    }
}

/// Where a receiver wants the page that comes: a page of its own, or at or above UTOP if it
/// wants none.
#[inline(always)]
pub(super) fn place_for_page(va: u32) -> Result<u32, Error> {
    if va < UTOP && !va.is_multiple_of(PGSIZE) {
        return Err(Error::Inval);
    }
    Ok(va)
}
