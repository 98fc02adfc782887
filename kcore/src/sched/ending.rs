//! Idling, and the end of a run.
//!
//! The hard thing is that the kernel announces the end of a run, and that this takes
//! time: the last lines leave the console in chunks, and the run is over only when
//! the last chunk has arrived.

use crate::effects::{Effects, Way};
use crate::ids::CpuId;
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::watch::Watcher;
use core::fmt::Write;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Lets this CPU idle. If no environment is left anywhere, announces that once,
    /// waits until the console has taken all output, and ends the run.
    pub(super) fn idle(&mut self, cpu: CpuId) -> Way {
        // lab: turns {
        self.sched.idle.insert(cpu);
        // lab: turns }
        let waiting = !self.sched.console.is_empty()
            || !self.sched.input.is_empty()
            || !self.sched.timers.is_empty();
        if self.sched.running > 0 || waiting {
            return Way::Idle;
        }
        if self.has_leftovers() {
            return if self.console.is_crowded() {
                Way::Idle
            } else {
                Way::Again
            };
        }
        if !self.sched.ended {
            self.sched.ended = true;
            // Writing to the ring returns no error.
            let _ = self.console.write_str(
                "No runnable environments in the system!\n\
                 Destroyed the only environment - nothing more to do!\n",
            );
        }
        if self.console.is_drained() {
            self.outbox.end = self.config.end;
            self.effects |= Effects::END;
        }
        Way::Idle
    }
}
