//! Waiting for the console: for room in its ring, or for a typed byte.
//!
//! The hard thing is to wake as many environments as there is room for. If all were
//! woken at once, the first would fill the ring before the others had a turn, every
//! time. So each chunk that leaves wakes one; and if no chunk is left to wake the
//! next, all are woken.

use crate::effects::Next;
use crate::env::Wait;
use crate::event::Event;
use crate::ids::Slot;
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::syscall::Caller;
use crate::watch::Watcher;
use abi::TrapFrame;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// The console is crowded: the environment waits, and the kernel handles `event`
    /// when it gets a CPU again.
    #[cold]
    pub(crate) fn wait_for_console(
        &mut self,
        caller: Caller,
        frame: &TrapFrame,
        event: Option<Event>,
    ) -> Next {
        let Caller { cpu, slot } = caller;
        self.leave_cpu(cpu, slot, frame);
        self.envs[slot].pending = event;
        self.queue_for_console(slot);
        Next::Gone
    }

    /// Lets an environment, which is on no CPU and in no queue, wait for room in the
    /// console.
    pub(crate) fn queue_for_console(&mut self, slot: Slot) {
        self.envs[slot].wait = Wait::Console;
        self.sched.console.push_back(&mut self.envs, slot);
        self.show_status(slot);
    }

    /// Gives a typed byte to the environment that has waited longest for one, or keeps
    /// the byte if none waits.
    pub(crate) fn typed(&mut self, byte: u8) {
        match self.sched.input.pop_front(&mut self.envs) {
            Some(slot) => self.end_wait(slot, u32::from(byte)),
            None => self.console.typed(byte),
        }
    }

    /// The console took a chunk: lets the first environment that waits for room try
    /// again, or all of them if no chunk is left.
    pub(crate) fn console_ready(&mut self) {
        self.console.ready();
        if !self.console.is_relaxed() {
            return;
        }
        while let Some(slot) = self.sched.console.pop_front(&mut self.envs) {
            self.envs[slot].wait = Wait::Nothing;
            self.make_ready(slot);
            if !self.console.is_drained() {
                return;
            }
        }
    }
}
