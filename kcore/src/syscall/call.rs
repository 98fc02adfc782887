//! Calls from one environment to another: a request and its reply, in registers.
//!
//! `ipc_call` sends a message and waits for the reply of whoever takes it. `ipc_reply`
//! replies, and waits for the next message. Two words travel in ebx and edi, in which
//! they arrive too, and a page may go along. Programs that know only JOS's calls can
//! send to a server of this kind, and receive what it is sent.
//!
//! The hard thing is who runs next. Whoever is called, or replied to, waits, and the
//! other one is about to. So the CPU goes straight from one to the other, with what is
//! left of the quantum: no queue, no other CPU to wake, and no more time for the two
//! than for one. A server that is busy with another client, and waits for a CPU, gets the
//! caller's too. If instead callers waited for its turn, it would serve them all then, and
//! the last of them would have what is left of its quantum, perhaps the same one each time.

use super::ipc::place_for_page;
use super::{CallResult, Caller, Outcome};
use crate::env::{Env, Letter, Wait};
use crate::ids::Slot;
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::usermem::BadAddress;
use crate::watch::Watcher;
use abi::call::WANTS_PAGE;
use abi::layout::{PGSIZE, UTOP};
use abi::{Error, PushRegs, TrapFrame};

/// One step refuses no more letters than this.
const MOST_REFUSED: u32 = 256;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    #[inline(never)]
    pub(crate) fn sys_ipc_call(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let [id, ..] = frame.arguments();
        let window = match self.window(caller, frame) {
            Ok(window) => window?,
            Err(bad) => return Ok(Outcome::Bad(bad)),
        };
        let target = self.any_env(caller, id)?;
        if target == caller.slot {
            return Err(Error::Inval); // the caller would wait for itself
        }
        let (letter, second) = words(frame);
        let receiver = &self.envs[target];
        let expects_reply = receiver.wait == Wait::Reply(caller.slot);
        if receiver.takes_from(caller.slot) && !expects_reply {
            self.give(caller, target, (letter, second))?;
            if self.envs[caller.slot].hurries {
                self.keep_deadline_after(caller, Some(target))?;
            }
            self.envs[caller.slot].inbox.dstva = window;
            self.await_reply(caller.slot, target);
            return Ok(self.hand_over_to(target));
        }
        let outcome = self.wait_to_send(caller, target, letter, Wait::Server(target))?;
        let env = &mut self.envs[caller.slot];
        env.inbox.dstva = window;
        env.second = second;
        if self.may_lend_to(target) {
            self.sched.ready.remove(&mut self.envs, target);
            self.heir = target;
            return Ok(Outcome::HandOver);
        }
        Ok(outcome)
    }

    /// Whether `server`, which was called and serves another one, waits for a CPU and can go
    /// on at once if it gets the caller's.
    #[cold]
    fn may_lend_to(&self, server: Slot) -> bool {
        let env = &self.envs[server];
        env.is_queued() && env.just_goes_on() && !env.ending
    }

    #[inline(never)]
    pub(crate) fn sys_ipc_reply(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let [id, ..] = frame.arguments();
        let window = match self.window(caller, frame) {
            Ok(window) => window?,
            Err(bad) => return Ok(Outcome::Bad(bad)),
        };
        let client = if id == 0 {
            None
        } else {
            let client = self.any_env(caller, id)?;
            if self.envs[client].wait != Wait::Reply(caller.slot) {
                return Err(Error::IpcNotRecv);
            }
            self.give(caller, client, words(frame))?;
            // If the rest has to be made again, this is done.
            frame.regs.edx = 0;
            Some(client)
        };
        self.envs[caller.slot].inbox.dstva = window;
        if self.envs[caller.slot].senders.is_empty() {
            if self.envs[caller.slot].hurries {
                self.keep_deadline_after(caller, client)?;
            }
            self.envs[caller.slot].wait = Wait::Request;
            return Ok(client.map_or(Outcome::Stop, |client| self.hand_over_to(client)));
        }
        if let Some(client) = client {
            self.wake(client);
        }
        self.take_letter(caller, frame)
    }

    /// Gives the CPU to `slot`, which has got what it waited for. A member of a job that
    /// is being ended gets its turn like all others, and ends then.
    #[inline(always)]
    fn hand_over_to(&mut self, slot: Slot) -> Outcome {
        if self.envs[slot].ending {
            self.wake(slot);
            return Outcome::Stop;
        }
        self.envs[slot].wait = Wait::Nothing;
        self.heir = slot;
        Outcome::HandOver
    }

    /// As [`Kernel::keep_deadline`], for one who has given `other` a message: that goes
    /// on in any case.
    #[cold]
    #[inline(never)]
    fn keep_deadline_after(&mut self, caller: Caller, other: Option<Slot>) -> Result<(), Error> {
        let kept = self.keep_deadline(caller);
        if let (Err(_), Some(other)) = (kept, other) {
            self.wake(other);
        }
        kept
    }

    /// Takes the first letter that can be delivered and returns its sender's id, or waits
    /// for the next one. After many that cannot, others have their turn.
    #[cold]
    fn take_letter(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        for _ in 0..MOST_REFUSED {
            let Some(sender) = self.next_sender(caller.slot) else {
                self.keep_deadline(caller)?;
                self.envs[caller.slot].wait = Wait::Request;
                return Ok(Outcome::Stop);
            };
            let letter = self.envs[sender].letter;
            if let Err(error) = self.give_page(caller, sender, caller.slot, letter) {
                self.delivery_failed(caller.slot, sender, error)?;
                continue;
            }
            let Env { id, wait, .. } = self.envs[sender];
            let second = match wait {
                Wait::Server(_) => self.envs[sender].second,
                _ => 0,
            };
            put_words(&mut frame.regs, letter, second);
            self.letter_taken(sender, caller.slot);
            return Ok(Outcome::Done(id.0 as u32));
        }
        Ok(Outcome::Later)
    }

    /// Gives the caller's letter to `target`, which waits for it, in the form that it waits
    /// for. Its wait is for the caller to end. An error changes nothing.
    #[inline(always)]
    pub(super) fn give(
        &mut self,
        caller: Caller,
        target: Slot,
        (letter, second): (Letter, u32),
    ) -> Result<(), Error> {
        let wait = self.envs[target].wait;
        if let Wait::Request | Wait::Reply(_) = wait {
            self.give_page(caller, caller.slot, target, letter)?;
            put_words(&mut self.envs[target].frame.regs, letter, second);
        } else {
            self.deliver(caller, caller.slot, target, letter)?;
        }
        self.envs[target].frame.regs.eax = match wait {
            Wait::Request => self.envs[caller.slot].id.0 as u32,
            _ => 0,
        };
        if let Wait::Reply(one) | Wait::MessageOf(one) = wait {
            self.one_less_depends_on(one);
        }
        Ok(())
    }

    /// Gives the page of a letter to one whose words come in registers. Only if it wants
    /// a page does the public table show the message.
    #[inline(always)]
    fn give_page(
        &mut self,
        caller: Caller,
        sender: Slot,
        target: Slot,
        letter: Letter,
    ) -> Result<(), Error> {
        if self.envs[target].inbox.dstva < UTOP {
            return self.deliver(caller, sender, target, letter);
        }
        self.offered_page(sender, letter)?;
        Ok(())
    }

    /// Has `client`, whose letter was taken, wait for the reply.
    #[inline(always)]
    pub(super) fn await_reply(&mut self, client: Slot, server: Slot) {
        self.envs[client].wait = Wait::Reply(server);
        self.one_more_depends_on(server);
    }

    /// Where the caller wants the page that comes; UTOP if it wants none.
    #[inline(always)]
    fn window(
        &mut self,
        caller: Caller,
        frame: &TrapFrame,
    ) -> Result<Result<u32, Error>, BadAddress> {
        let [_, place, ..] = frame.arguments();
        if place & WANTS_PAGE == 0 {
            return Ok(Ok(UTOP));
        }
        Ok(place_for_page(self.fifth_argument(caller, frame)?))
    }
}

/// The letter that the registers hold, and its second word.
#[inline(always)]
fn words(frame: &TrapFrame) -> (Letter, u32) {
    let [_, place, value, second] = frame.arguments();
    let perm = (place % PGSIZE) & !WANTS_PAGE;
    let va = match perm {
        0 => UTOP,
        _ => place - place % PGSIZE,
    };
    (Letter { value, va, perm }, second)
}

#[inline(always)]
fn put_words(regs: &mut PushRegs, letter: Letter, second: u32) {
    regs.ebx = letter.value;
    regs.edi = second;
}
