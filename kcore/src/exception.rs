//! Exceptions of any kind, handed to the program that raised them.
//!
//! An environment names a handler and the vectors that it wants
//! (`env_set_exception_upcall`). Such an exception is delivered as a page fault is: the
//! registers go to the exception stack, in the layout of [`abi::exception`], and the
//! environment goes on in the handler. A page fault goes to JOS's upcall unless its
//! vector is asked for here; in a kernel booted for graders the monitor comes first.
//!
//! The hard thing is the flags. With TF set the first instruction of the handler would
//! raise the next debug exception, and so on until the stack is full. So the handler
//! begins with those flags clear that an interrupt gate clears, and AC, as code that a
//! compiler made need not align. The frame has them as they were.

use crate::effects::Next;
use crate::fault::registers_at;
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::syscall::Caller;
use crate::watch::Watcher;
use abi::exception::EXCEPTION_GAP;
use abi::trap::{FLAG_AC, FLAG_NT, FLAG_RF, FLAG_TF, Vector};
use abi::{ExceptionFrame, TrapFrame};

/// Flags that are clear when a handler begins.
const CLEAR: u32 = FLAG_TF | FLAG_NT | FLAG_RF | FLAG_AC;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Makes the environment continue in its exception handler. `va` is the address of
    /// a page fault.
    pub(crate) fn raise(
        &mut self,
        caller: Caller,
        vector: Vector,
        va: u32,
        frame: &mut TrapFrame,
    ) -> Next {
        let saved = ExceptionFrame {
            fault: registers_at(va, frame),
            vector: vector.0,
        };
        let entry = self.envs[caller.slot].exceptions.entry;
        let next = self.enter_handler(caller, EXCEPTION_GAP, &saved.bytes(), entry, frame);
        if next == Next::Same {
            frame.eflags &= !CLEAR;
        }
        next
    }
}
