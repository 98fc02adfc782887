//! Those who wait for the console: for room in it, or for a byte that is typed.
//!
//! The hard thing is to wake as many as there is room for. All at once, the first
//! would fill the ring before the others' turn, every time; so one is woken for each
//! chunk that leaves, and all of them when no chunk is left that could wake the next.

use crate::effects::Next;
use crate::env::Wait;
use crate::event::Event;
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::watch::Watcher;
use abi::TrapFrame;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// The console is crowded: the environment waits, and what it wanted is
    /// done when it runs again.
    #[cold]
    pub(crate) fn wait_for_console(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        frame: &TrapFrame,
        event: Option<Event>,
    ) -> Next {
        self.leave_cpu(cpu, slot, frame);
        self.envs[slot].pending = event;
        self.queue_for_console(slot);
        Next::Gone
    }

    /// An environment that is on no CPU, and in no queue, waits until the console is
    /// not crowded any more.
    pub(crate) fn queue_for_console(&mut self, slot: Slot) {
        self.envs[slot].wait = Wait::Console;
        self.sched.console.push_back(&mut self.envs, slot);
        self.show_status(slot);
    }

    /// A byte was typed. Who waits for one gets it, in the order in which they
    /// came; else it is kept.
    pub(crate) fn typed(&mut self, byte: u8) {
        match self.sched.input.pop_front(&mut self.envs) {
            Some(slot) => self.end_wait(slot, u32::from(byte)),
            None => self.console.typed(byte),
        }
    }

    /// The console took a chunk; lets the first who waits for room try again. One
    /// at a time, or it would fill the ring before the others' turn, every time;
    /// all of them when nothing is left that could bring the next chunk.
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
