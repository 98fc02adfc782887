//! The timer queue: environments whose wait has an end, sorted by when that is.
//!
//! There is one for the whole machine, and one CPU, the *keeper*, whose timer rings in
//! time for the first of them. The hard thing is to keep it as simple as it is: a sorted
//! list takes a walk to insert, but there are at most 1,023 others to pass.

use crate::env::EnvTable;
use crate::ids::{CpuId, Link, Slot};

/// The timer queue. All-zero is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Timers {
    /// Whose alarm rings first.
    first: Link,
    /// While the queue is not empty: the CPU whose timer rings in time for that.
    pub keeper: CpuId,
}

impl Timers {
    /// Whether nobody's wait has an end.
    pub fn is_empty(&self) -> bool {
        self.first == Link::NONE
    }

    /// The environment whose alarm rings first.
    pub fn first(&self) -> Option<Slot> {
        self.first.get()
    }

    /// Its members, the first alarm first; for the audit.
    pub fn iter<'a>(&self, envs: &'a EnvTable<'_>) -> impl Iterator<Item = Slot> + 'a {
        envs.chain(self.first, |env| env.later)
    }

    /// Puts `slot` behind all whose alarms ring before its own or with it. Takes time
    /// linear in their number. Returns whether it is the first now.
    pub(super) fn insert(&mut self, envs: &mut EnvTable<'_>, slot: Slot) -> bool {
        let alarm = envs[slot].alarm;
        let (mut sooner, mut later) = (Link::NONE, self.first);
        while let Some(next) = later.get()
            && envs[next].alarm <= alarm
        {
            sooner = later;
            later = envs[next].later;
        }
        envs[slot].sooner = sooner;
        envs[slot].later = later;
        self.link(envs, sooner, Link::to(slot));
        if let Some(later) = later.get() {
            envs[later].sooner = Link::to(slot);
        }
        sooner == Link::NONE
    }

    /// Takes out `slot`, which must be in the queue.
    pub(super) fn remove(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        let (sooner, later) = (envs[slot].sooner, envs[slot].later);
        self.link(envs, sooner, later);
        if let Some(later) = later.get() {
            envs[later].sooner = sooner;
        }
        envs[slot].sooner = Link::NONE;
        envs[slot].later = Link::NONE;
    }

    /// Lets `next` come behind `before`, or at the front.
    fn link(&mut self, envs: &mut EnvTable<'_>, before: Link, next: Link) {
        match before.get() {
            Some(before) => envs[before].later = next,
            None => self.first = next,
        }
    }
}
