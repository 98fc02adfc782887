//! The rendezvous: how the holder of the big lock makes another CPU obey.
//!
//! When the kernel stops an environment that runs on another CPU, or takes a page
//! from it, that CPU must obey before the kernel goes on. The holder of the lock
//! (the *initiator*) posts one request into that CPU's [`Mailbox`], sends it an
//! interrupt and waits. The *target* answers from the handler of that interrupt, or
//! from the loop in which it waits for the lock itself.
//!
//! The hard thing is why this can neither deadlock nor lose a request, with
//! one word for each CPU and no queue:
//!
//! 1. **One request at a time.** Posting takes `&mut Guard`, so only the holder
//!    of the lock posts; and the call returns only after the answer. So in the
//!    whole machine there is at most one unanswered request, its initiator
//!    holds the lock, and a box that is posted to is always empty.
//! 2. **The initiator is never a target.** Only the holder of the lock posts,
//!    and it does not post to itself.
//! 3. **No deadlock.** The target does not hold the lock (the initiator does).
//!    So it is in user mode, idle, or on its way in or out of the kernel with
//!    interrupts off. In the first two cases the interrupt comes at once. On
//!    the way out it comes when the return enables interrupts, and nothing on
//!    that way waits for another CPU. On the way in the target runs into the
//!    lock, cannot get it, and services its box in each spin of the wait.
//! 4. **Nothing is lost.** Between its last look into its box and the moment when it
//!    gets the lock, the target cannot miss a request: the initiator of a request
//!    holds the lock until the answer. So a CPU that has just got the lock has an
//!    empty box; and an interrupt whose request was already answered in the wait
//!    loop finds nothing and does nothing.
//! 5. **What is seen.** Request: release store by the initiator, acquire load
//!    by the target, so the target's handler sees the page tables as the
//!    initiator changed them. Answer: release store by the target, acquire load
//!    by the initiator, so the initiator sees all that the target did before, the
//!    parked state included. An interrupt command written to a memory-mapped local APIC is not
//!    carried out before earlier stores are visible, so the interrupt does not
//!    overtake its request.
//!
//! A panic does not come this way: it cannot wait for the lock, and a CPU that
//! spins elsewhere with interrupts off never looks into its box. The kernel
//! sends an NMI instead.

use crate::lock::{BigLock, Guard};
use crate::sync::{AtomicU8, Ordering, spin_loop};

/// Values of [`Mailbox::request`]. Writing `EMPTY` is the answer.
const EMPTY: u8 = 0;
const FLUSH: u8 = 1;
const STOP: u8 = 2;

/// How a CPU obeys a request. The kernel implements it.
///
/// Called on the target, with interrupts off and without the big lock.
pub trait Target {
    /// What is left of the environment that was running: its registers and the
    /// event that the target was about to handle.
    type Parked;

    /// Drops every translation that is not global: reloads CR3.
    fn flush(&mut self);

    /// Leaves the environment for good: loads the kernel's page directory and
    /// returns what the environment's owner needs to run it again.
    fn stop(&mut self) -> Self::Parked;
}

/// What a look into the mailbox came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a CPU that was stopped has no environment to go on with"]
pub enum Serviced {
    /// There was no request.
    Nothing,
    /// The TLB was flushed.
    Flushed,
    /// The environment was given up: this CPU has none any more.
    Stopped,
}

/// One CPU's box for requests. `P` is what a stop leaves behind.
#[derive(Debug)]
pub struct Mailbox<P> {
    request: AtomicU8,
    /// Written by the target before it answers a stop, taken by the initiator
    /// after. The request orders the two, so this lock is always free when one of
    /// them takes it; it only proves that to the compiler.
    parked: BigLock<Option<P>>,
}

impl<P> Default for Mailbox<P> {
    fn default() -> Mailbox<P> {
        Mailbox::new()
    }
}

impl<P> Mailbox<P> {
    /// An empty box.
    #[cfg(not(loom))]
    pub const fn new() -> Mailbox<P> {
        Mailbox {
            request: AtomicU8::new(EMPTY),
            parked: BigLock::new(None),
        }
    }

    /// An empty box. (The model checker's atomics are not made by constants.)
    #[cfg(loom)]
    pub fn new() -> Mailbox<P> {
        Mailbox {
            request: AtomicU8::new(EMPTY),
            parked: BigLock::new(None),
        }
    }

    /// Makes the box's CPU flush its TLB; returns when it has.
    ///
    /// `interrupt` sends that CPU the rendezvous interrupt. The guard is the big
    /// lock's.
    pub fn flush<K>(&self, _holder: &mut Guard<'_, K>, interrupt: impl FnOnce()) {
        self.ask(FLUSH, interrupt);
    }

    /// Makes the box's CPU give up its environment, and returns what was left
    /// of it; arguments as for [`Mailbox::flush`].
    ///
    /// `None` cannot happen, but is a value rather than a panic: this is
    /// reachable from user space.
    pub fn stop<K>(&self, _holder: &mut Guard<'_, K>, interrupt: impl FnOnce()) -> Option<P> {
        self.ask(STOP, interrupt);
        self.parked.try_lock()?.take()
    }

    /// Posts a request and waits for the answer.
    fn ask(&self, request: u8, interrupt: impl FnOnce()) {
        // Release: the target sees the page tables as changed before this.
        self.request.store(request, Ordering::Release);
        interrupt();
        // Acquire: this CPU sees all that the target did before it answered.
        while self.request.load(Ordering::Acquire) != EMPTY {
            spin_loop();
        }
    }

    /// Answers the request in this CPU's own box, if there is one. Call it with
    /// interrupts off and without the big lock: in the handler of the rendezvous
    /// interrupt, and in each spin of a wait for the lock.
    pub fn service(&self, target: &mut impl Target<Parked = P>) -> Serviced {
        // Acquire: pairs with the release in `ask`.
        let serviced = match self.request.load(Ordering::Acquire) {
            FLUSH => {
                target.flush();
                Serviced::Flushed
            }
            STOP => {
                let parked = target.stop();
                if let Some(mut place) = self.parked.try_lock() {
                    *place = Some(parked);
                }
                Serviced::Stopped
            }
            _ => return Serviced::Nothing,
        };
        // Release: pairs with the acquire in `ask`. From here on the initiator
        // may free what this CPU was using.
        self.request.store(EMPTY, Ordering::Release);
        serviced
    }
}
