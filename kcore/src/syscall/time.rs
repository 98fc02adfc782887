//! Calls about time: what time it is, sleeping, and deadlines.
//!
//! Programs count microseconds since boot, the kernel ticks of the CPUs' counters. The
//! hard thing is to round so that nobody is woken too early: a time in microseconds
//! becomes the first tick at which `time_usec` says as much. And the counters of the
//! CPUs differ a little, so the kernel remembers the latest time that any program can
//! know, and tells no earlier one.

use super::{CallResult, Caller, Outcome};
use crate::env::Wait;
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::watch::Watcher;
use abi::TrapFrame;

/// Microseconds in 10 ms, the unit in which the clock's rate is known.
const STEP: u64 = 10_000;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Milliseconds since boot, in steps of ten. The time wraps before it could be
    /// taken for an error.
    pub(super) fn sys_time_msec(&mut self, _: Caller, _: &mut TrapFrame) -> CallResult {
        let steps = (self.clock() / STEP) as u32;
        Ok(Outcome::Done(steps.wrapping_mul(10) & i32::MAX as u32))
    }

    /// Microseconds since boot, in two registers.
    pub(super) fn sys_time_usec(&mut self, _: Caller, frame: &mut TrapFrame) -> CallResult {
        let time = self.clock();
        frame.regs.ebx = time as u32;
        frame.regs.edi = (time >> 32) as u32;
        Ok(Outcome::Done(0))
    }

    /// Sets or clears the caller's deadline. The alarm is set when it next waits.
    pub(super) fn sys_env_set_deadline(
        &mut self,
        caller: Caller,
        frame: &mut TrapFrame,
    ) -> CallResult {
        self.disarm(caller.slot);
        let time = match time_argument(frame) {
            0 => 0,
            time => self.tick_of(time),
        };
        self.set_deadline(caller.slot, time);
        Ok(Outcome::Done(0))
    }

    /// Lets the caller wait, unless it is late enough. Its deadline stays as it is, but
    /// the alarm is the sleep's until that is over.
    pub(super) fn sys_sleep_until(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let time = time_argument(frame);
        if time <= self.clock() {
            return Ok(Outcome::Done(0));
        }
        self.disarm(caller.slot);
        self.arm(caller, self.tick_of(time));
        self.envs[caller.slot].wait = Wait::Alarm;
        Ok(Outcome::Stop)
    }

    /// The time since boot in microseconds. It never goes back.
    pub(crate) fn clock(&mut self) -> u64 {
        let elapsed = self.now.saturating_sub(self.config.started);
        let step = self.config.ten_ms.max(1);
        let (steps, rest) = (elapsed / step, elapsed % step);
        let time = steps
            .saturating_mul(STEP)
            .saturating_add(rest.saturating_mul(STEP) / step);
        self.sched.told = time.max(self.sched.told);
        self.sched.told
    }

    /// The first tick at which it is as late as `time`, in microseconds since boot.
    fn tick_of(&self, time: u64) -> u64 {
        let step = self.config.ten_ms.max(1);
        let rest = (time % STEP).saturating_mul(step).div_ceil(STEP);
        let elapsed = (time / STEP).saturating_mul(step).saturating_add(rest);
        self.config.started.saturating_add(elapsed)
    }
}

/// A time in two words, the lower one first.
fn time_argument(frame: &TrapFrame) -> u64 {
    let [low, high, ..] = frame.arguments();
    u64::from(high) << 32 | u64::from(low)
}
