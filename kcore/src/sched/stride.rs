//! Stride scheduling: everybody gets CPU time in proportion to its shares.
//!
//! The idea is Waldspurger's (MIT/LCS/TM-528, 1995). An environment's *pass* advances by
//! the time that it uses, divided by its shares, and whoever is furthest behind is next.
//! Time is counted when an environment leaves its CPU, by the clock and not by quanta, so
//! to yield early neither gains nor loses anything. A quantum that is lent with a call is
//! charged to whoever runs.
//!
//! The hard thing is one who was away. It must not find a lead waiting for it, nor lose
//! the debt that it left with, so there is a present: the pass of the last one that was
//! taken. Whoever comes back starts there, unless it is further already. On one CPU
//! nobody who waits is ever behind the present. On several, one with more shares than a
//! whole CPU is worth cannot use them, and would fall back without end; so it is held at
//! `Stride::lag` behind, where it is still next whenever it waits.
//!
//! The other hard thing is time. To find the one furthest behind takes a look at all; so
//! it is found once, when the last one leaves, and whoever is added is only compared.

use super::run_queue::RunQueue;
use crate::env::{EnvTable, Queue};
use crate::ids::{CpuId, Link, MAX_CPUS, Slot};
use abi::scheduling::MAX_SHARES;

/// By how much the pass of an environment with one share advances in a tick. A multiple
/// of [`MAX_SHARES`], and more, so that little is lost when it is divided.
const TICK: u64 = MAX_SHARES as u64 * 64;

/// An environment that is further ahead of the present than so many quanta of one share
/// has been away for so long that the counter has gone round.
const MOST_LEAD: u64 = 1024;

/// The environments that wait for a CPU. All-zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stride {
    waiting: Queue,
    /// The one of them that is furthest behind; of several, the first.
    next: Link,
    /// The pass of the last one that was taken. All passes wrap, and count from here.
    present: u64,
    /// By how much one that keeps wanting CPUs may be behind the present: what one share
    /// is charged for a quantum.
    lag: u64,
    /// For each CPU: until when its environment has been charged.
    charged: [u64; MAX_CPUS],
}

impl Stride {
    pub(super) fn new(quantum: u64) -> Stride {
        Stride {
            lag: quantum.saturating_mul(TICK),
            ..Stride::default()
        }
    }

    /// How far `slot` is ahead of the present.
    fn lead(&self, envs: &EnvTable<'_>, slot: Slot) -> i64 {
        envs[slot].pass.wrapping_sub(self.present).cast_signed()
    }

    /// Brings `slot` to at most `lag` behind the present.
    fn catch_up(&self, envs: &mut EnvTable<'_>, slot: Slot, lag: u64) {
        let lead = self.lead(envs, slot);
        let most = self.lag.saturating_mul(MOST_LEAD).cast_signed();
        if lead < -lag.cast_signed() || lead > most {
            envs[slot].pass = self.present.wrapping_sub(lag);
        }
    }

    /// By how much `slot` is ahead of the next one.
    fn lead_of_next(&self, envs: &EnvTable<'_>, slot: Slot) -> Option<i64> {
        let next = self.next.get()?;
        Some(self.lead(envs, slot).wrapping_sub(self.lead(envs, next)))
    }

    /// The one furthest behind. Takes time linear in their number.
    fn furthest_behind(&self, envs: &EnvTable<'_>) -> Link {
        let mut waiting = self.waiting.iter(envs);
        let Some(mut furthest) = waiting.next() else {
            return Link::NONE;
        };
        let mut least = self.lead(envs, furthest);
        for slot in waiting {
            let lead = self.lead(envs, slot);
            if lead < least {
                (furthest, least) = (slot, lead);
            }
        }
        Link::to(furthest)
    }
}

impl RunQueue for Stride {
    fn add(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.catch_up(envs, slot, 0);
        // Before those who are as far: all may be when they have equal shares, and one that
        // mostly waits need not wait for all of them.
        if self.lead_of_next(envs, slot).is_some_and(|lead| lead > 0) {
            self.waiting.push_back(envs, slot);
        } else {
            self.waiting.push_front(envs, slot);
            self.next = Link::to(slot);
        }
    }

    fn add_again(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.catch_up(envs, slot, self.lag);
        if self.lead_of_next(envs, slot).is_none_or(|lead| lead < 0) {
            self.next = Link::to(slot);
        }
        self.waiting.push_back(envs, slot);
    }

    fn next(&self) -> Option<Slot> {
        self.next.get()
    }

    fn take_next(&mut self, envs: &mut EnvTable<'_>) {
        if let Some(slot) = self.next.get() {
            self.stays(envs, slot);
            self.remove(envs, slot);
        }
    }

    fn remove(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.waiting.remove(envs, slot);
        if self.next == Link::to(slot) {
            self.next = self.furthest_behind(envs);
        }
    }

    fn all(&self) -> &Queue {
        &self.waiting
    }

    /// Whether the next one is the one furthest behind, and nobody too far.
    fn is_consistent(&self, envs: &EnvTable<'_>) -> bool {
        let lag = -self.lag.cast_signed();
        let mut waiting = self.waiting.iter(envs);
        self.next == self.furthest_behind(envs) && waiting.all(|slot| self.lead(envs, slot) >= lag)
    }

    /// Unless it has had more than a quantum in advance: else two that call each other could
    /// use more than both have shares for.
    fn may_skip_queue(&mut self, envs: &mut EnvTable<'_>, slot: Slot) -> bool {
        self.catch_up(envs, slot, 0);
        let quantum = self.lag / u64::from(envs[slot].shares.max(1));
        self.lead(envs, slot) <= quantum.cast_signed()
    }

    fn comes(&mut self, cpu: CpuId, now: u64) {
        self.charged[usize::from(cpu.0) % MAX_CPUS] = now;
    }

    fn charge(&mut self, envs: &mut EnvTable<'_>, cpu: CpuId, slot: Slot, now: u64) {
        let charged = &mut self.charged[usize::from(cpu.0) % MAX_CPUS];
        let used = now.saturating_sub(*charged);
        *charged = now;
        let env = &mut envs[slot];
        let price = used.saturating_mul(TICK) / u64::from(env.shares.max(1));
        env.pass = env.pass.wrapping_add(price);
    }

    fn stays(&mut self, envs: &EnvTable<'_>, slot: Slot) {
        if self.lead(envs, slot) > 0 {
            self.present = envs[slot].pass;
        }
    }
}
