//! System calls: from a number to a handler, and from its outcome to a result.
//!
//! Each handler decodes its arguments, checks everything that can fail, and only
//! then changes the state. This file turns what it returns into registers and
//! scheduling. The hard thing is that consequences differ: an error goes to the
//! caller, a bad pointer ends it, a full console makes it wait. `Outcome` names them
//! all.
//!
//! All handlers take the caller and its registers, which hold the arguments. A table
//! in `abi/src/call.rs` assigns a handler to each call, and the compiler reports a
//! call without one. `docs/adding.md` says how to add a call.

mod call;
mod console;
mod env;
mod futex;
pub(crate) mod heap;
mod ipc;
mod job;
mod page;
mod page_ranges;
mod scheduling;
mod state;
mod time;

use crate::effects::Next;
use crate::event::Event;
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::usermem::{self, BadAddress};
use crate::watch::Watcher;
use abi::{Call, EnvId, Error, TrapFrame};

/// How a call ends, unless with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The caller continues with this result in eax.
    Done(u32),
    /// The caller goes to the end of the run queue; its result is 0.
    Yield,
    /// The caller leaves its CPU, and must be made runnable again; its result is 0
    /// unless that changes it.
    Stop,
    /// As [`Outcome::Stop`], and the environment in [`Kernel::heir`], which waits for
    /// nothing any more, gets the CPU.
    HandOver,
    /// The caller has been destroyed.
    Exit,
    /// The caller passed memory that is not its own, and must end.
    Bad(BadAddress),
    /// The caller waits for room in the console; then the call is made again.
    Wait,
    /// The call is made again after other environments have had their turn.
    Later,
}

/// The return type of all handlers.
pub(crate) type CallResult = Result<Outcome, Error>;

/// The environment that entered the kernel, by a call or a fault, and its CPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub cpu: CpuId,
    pub slot: Slot,
}

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Handles the system call whose number and arguments are in `frame`.
    pub(crate) fn syscall(&mut self, caller: Caller, frame: &mut TrapFrame) -> Next {
        match self.envs[caller.slot].personality.call(frame.regs.eax) {
            Some(call) => self.make_call(caller, call, frame),
            None => {
                frame.regs.eax = (Error::Inval as u32).wrapping_neg();
                Next::Same
            }
        }
    }

    /// Runs the handler of a call, and turns its outcome into registers and scheduling.
    #[inline(always)]
    pub(crate) fn make_call(&mut self, caller: Caller, call: Call, frame: &mut TrapFrame) -> Next {
        match self.call(caller, call, frame) {
            // These two calls are made again, so eax must keep the number.
            Ok(Outcome::Wait) => self.wait_for_console(caller, frame, Some(self.call_event())),
            Ok(Outcome::Later) => self.go_on_later(caller, frame, self.call_event()),
            Ok(Outcome::Bad(address)) => self.bad_memory(caller, address),
            Ok(Outcome::Exit) => Next::Gone,
            Err(error) => self.refuse(caller, error, frame),
            Ok(Outcome::Done(value)) => {
                frame.regs.eax = value;
                Next::Same
            }
            Ok(Outcome::Yield) => {
                frame.regs.eax = 0;
                Next::Yield
            }
            Ok(Outcome::Stop) => self.take_off(caller, frame),
            Ok(Outcome::HandOver) => self.take_off_for_heir(caller, frame),
        }
    }

    /// Takes a caller that is not runnable any more off its CPU. Kept out of line,
    /// because the calls that stop most often have a shorter way.
    #[cold]
    fn take_off(&mut self, caller: Caller, frame: &mut TrapFrame) -> Next {
        frame.regs.eax = 0;
        self.leave_cpu(caller.cpu, caller.slot, frame);
        self.show_status(caller.slot);
        Next::Gone
    }

    /// As [`Kernel::take_off`], but it is clear who comes next.
    #[cold]
    fn take_off_for_heir(&mut self, caller: Caller, frame: &mut TrapFrame) -> Next {
        let _ = self.take_off(caller, frame);
        Next::HandOver
    }

    /// Handles an error. If the call lacked what dead environments still hold, puts it
    /// off until that is reclaimed, instead of refusing it.
    #[cold]
    fn refuse(&mut self, caller: Caller, error: Error, frame: &mut TrapFrame) -> Next {
        if self.may_succeed_later(error) {
            let event = self.call_event();
            return self.go_on_later(caller, frame, event);
        }
        frame.regs.eax = self.failure(caller.slot, error);
        Next::Same
    }

    /// Whether a call that failed with `error` may succeed in a later step, because
    /// dead environments still hold what it lacked, or this step has released it.
    pub(crate) fn may_succeed_later(&self, error: Error) -> bool {
        let released = self.frames.state.limbo.head != 0;
        matches!(error, Error::NoMem | Error::NoFreeEnv) && (released || self.has_leftovers())
    }

    /// The value of eax after a call of `slot` that failed.
    #[inline(always)]
    pub(crate) fn failure(&self, slot: Slot, error: Error) -> u32 {
        let value = self.envs[slot].personality.error_value(error);
        value.wrapping_neg()
    }

    #[inline(always)]
    fn call(&mut self, caller: Caller, call: Call, frame: &mut TrapFrame) -> CallResult {
        macro_rules! dispatch {
            ($($call:ident $name:literal $handler:ident,)*) => {
                match call {
                    $(Call::$call => self.$handler(caller, frame),)*
                }
            };
        }
        abi::for_each_call!(dispatch)
    }

    /// The features that programs may use beside JOS's calls.
    fn sys_features(&mut self, _: Caller, _: &mut TrapFrame) -> CallResult {
        Ok(Outcome::Done(self.config.features))
    }

    /// The event of the current call.
    #[inline(always)]
    fn call_event(&self) -> Event {
        if self.fast {
            Event::FastSyscall
        } else {
            Event::Syscall
        }
    }

    /// The fifth argument. `int 0x30` has it in esi; `sysenter` needs that register for
    /// the return address, and has it at the caller's stack pointer.
    fn fifth_argument(&mut self, caller: Caller, frame: &TrapFrame) -> Result<u32, BadAddress> {
        if self.fast {
            let space = self.envs[caller.slot].space;
            usermem::read_word(&mut self.mem, space, frame.esp)
        } else {
            Ok(frame.regs.esi)
        }
    }

    /// The live environment that an argument names; 0 names the caller.
    pub(crate) fn any_env(&self, caller: Caller, argument: u32) -> Result<Slot, Error> {
        if argument == 0 {
            return Ok(caller.slot);
        }
        let id = EnvId(argument as i32);
        self.envs.find(id).ok_or(Error::BadEnv)
    }

    /// As [`Kernel::any_env`], but only the caller or one of its children.
    pub(crate) fn own_env(&self, caller: Caller, argument: u32) -> Result<Slot, Error> {
        let slot = self.any_env(caller, argument)?;
        let own = slot == caller.slot || self.is_child(caller, slot);
        if own { Ok(slot) } else { Err(Error::BadEnv) }
    }

    /// As [`Kernel::own_env`], but none that is to end with its job: stopped, it would not.
    pub(crate) fn lasting_env(&self, caller: Caller, argument: u32) -> Result<Slot, Error> {
        let slot = self.own_env(caller, argument)?;
        if self.envs[slot].ending {
            return Err(Error::BadEnv);
        }
        Ok(slot)
    }

    /// Whether the caller created `slot`. Ids cannot tell, because they are reused.
    #[inline(always)]
    fn is_child(&self, caller: Caller, slot: Slot) -> bool {
        let (own, child) = (&self.envs[caller.slot], &self.envs[slot]);
        child.parent_birth == own.birth
    }

    #[inline]
    fn sys_getenvid(&mut self, caller: Caller, _: &mut TrapFrame) -> CallResult {
        let id = self.envs[caller.slot].id.0 as u32;
        Ok(Outcome::Done(id))
    }

    #[inline]
    fn sys_yield(&mut self, _: Caller, _: &mut TrapFrame) -> CallResult {
        Ok(Outcome::Yield)
    }
}
