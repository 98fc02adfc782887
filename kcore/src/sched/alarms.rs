//! Alarms: waits that end when their time is up.
//!
//! An environment that sleeps, or waits and has a deadline, is in the timer queue. One
//! CPU, the keeper, sees to it that its own timer rings no later than the first alarm,
//! also while it idles; no other CPU starts its timer when it goes idle. A CPU that puts an
//! alarm at the front becomes the keeper, because it is the one whose timer can be started at
//! once; the timer of the one before may ring once more, for nothing.
//!
//! The hard thing is that most alarms never ring, for most waits end well. So whoever is
//! woken stays in the queue: it may be about to wait again, with the same deadline. An
//! alarm of somebody who waits for nothing is dropped when it rings, and the deadline is
//! looked at when the next wait begins.

use crate::effects::{Effects, Way};
use crate::env::Wait;
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::syscall::Caller;
use crate::watch::Watcher;
use abi::{EnvId, Error};

/// One step rings at most so many alarms. The rest is due at once, and makes the keeper's
/// timer ring again.
const MOST_RUNG: u32 = 64;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Lets an alarm ring for the caller at `time`, in ticks. None is set for it yet.
    pub(crate) fn arm(&mut self, caller: Caller, time: u64) {
        let Caller { cpu, slot } = caller;
        self.envs[slot].alarm = time;
        if !self.sched.timers.insert(&mut self.envs, slot) {
            return;
        }
        self.sched.timers.keeper = cpu;
        let quantum_ends = self.cpus[cpu].since.saturating_add(self.config.quantum);
        if time < quantum_ends {
            self.start_timer(cpu, quantum_ends.saturating_sub(self.now));
        }
    }

    /// Drops the alarm of `slot`, if one is set.
    pub(crate) fn disarm(&mut self, slot: Slot) {
        if self.envs[slot].alarm != 0 {
            self.sched.timers.remove(&mut self.envs, slot);
            self.envs[slot].alarm = 0;
        }
    }

    /// Sets a deadline, in ticks, or clears it with 0.
    pub(crate) fn set_deadline(&mut self, slot: Slot, time: u64) {
        let env = &mut self.envs[slot];
        env.deadline = time;
        env.hurries = time != 0;
    }

    /// The caller is about to wait: if it has a deadline, sets the alarm, or refuses because
    /// the deadline has passed.
    #[inline(always)]
    pub(crate) fn keep_deadline(&mut self, caller: Caller) -> Result<(), Error> {
        if self.envs[caller.slot].hurries {
            return self.look_at_deadline(caller);
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn look_at_deadline(&mut self, caller: Caller) -> Result<(), Error> {
        let deadline = self.envs[caller.slot].deadline;
        if deadline <= self.now {
            // The caller must not find that it is too early, on whichever CPU.
            self.clock();
            self.set_deadline(caller.slot, 0);
            self.disarm(caller.slot);
            return Err(Error::TimedOut);
        }
        if self.envs[caller.slot].alarm == 0 {
            self.arm(caller, deadline);
        }
        Ok(())
    }

    /// How many ticks the timer of `cpu` has until the first alarm, if this CPU is the one
    /// to ring it.
    pub(super) fn until_alarm(&self, cpu: CpuId) -> Option<u64> {
        let first = self.sched.timers.first()?;
        let left = self.envs[first].alarm.saturating_sub(self.now);
        (self.sched.timers.keeper == cpu).then_some(left)
    }

    /// `cpu` has no environment, and so no quantum: its timer stops, or runs until the
    /// first alarm.
    #[cold]
    #[inline(never)]
    pub(crate) fn time_without_env(&mut self, cpu: CpuId, way: Way) {
        self.cpus[cpu].timer = false;
        self.effects.remove(Effects::TIMER);
        if way == Way::Idle
            && let Some(ticks) = self.until_alarm(cpu)
        {
            self.outbox.timer = ticks;
            self.effects |= Effects::TIMER;
        }
    }

    /// Rings alarms that are due.
    #[cold]
    #[inline(never)]
    pub(crate) fn ring_alarms(&mut self) {
        if self.sched.timers.is_empty() {
            return;
        }
        // Whoever is woken must not find that it is too early, on whichever CPU.
        self.clock();
        for _ in 0..MOST_RUNG {
            match self.sched.timers.first() {
                Some(slot) if self.envs[slot].alarm <= self.now => self.ring(slot),
                _ => return,
            }
        }
    }

    /// The time of `slot` is up.
    fn ring(&mut self, slot: Slot) {
        self.disarm(slot);
        match self.envs[slot].wait {
            Wait::Nothing | Wait::Console => {}
            Wait::Alarm => self.end_wait(slot, 0),
            _ => {
                self.set_deadline(slot, 0);
                self.give_up_wait(slot);
                self.fail_wait(slot, Error::TimedOut);
            }
        }
    }

    /// Takes an environment out of whatever it waits for, which will not happen.
    pub(crate) fn give_up_wait(&mut self, slot: Slot) {
        let receiving = self.envs[slot].awaits_message();
        self.take_out_of_queues(slot);
        if receiving {
            let inbox = &mut self.envs[slot].inbox;
            inbox.from = EnvId::NONE;
            inbox.perm = 0;
            self.mirror.message(&mut self.mem, slot, &self.envs[slot]);
        }
    }
}
