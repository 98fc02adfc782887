//! System calls: from a number to a handler, and from its outcome to a result.
//!
//! Each handler decodes its arguments, checks everything that can fail, and
//! only then changes the state. One place, here, turns what it returns into
//! registers and scheduling. The hard thing is that consequences differ: an
//! error goes to the caller, a bad pointer kills it, a full console makes it
//! wait; `Outcome` names them all.
//!
//! All handlers have one signature: who calls, and the registers, from which they
//! take their arguments. Which one handles what is said in `abi/src/call.rs`; the
//! compiler names a call without a handler. How to add one: `docs/adding.md`.

mod console;
mod env;
pub(crate) mod heap;
mod ipc;
mod job;
mod page;

use crate::effects::Next;
use crate::event::Event;
use crate::ids::{CpuId, Slot};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::usermem::{self, BadAddress};
use crate::watch::Watcher;
use abi::call::{FEATURE_SYSENTER, FEATURES};
use abi::{Call, EnvId, Error, TrapFrame};

/// What a call comes to, if it is not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The result, in eax.
    Done(u32),
    /// The caller goes to the end of the queue; its result is 0.
    Yield,
    /// The caller may not run any more for now; its result is 0 for now.
    Stop,
    /// The caller is no more.
    Exit,
    /// The caller gave memory that is not its own.
    Bad(BadAddress),
    /// The call waits for room in the console.
    Wait,
    /// The call goes on when the caller runs again; others come first.
    Later,
}

/// What every handler returns.
pub(crate) type CallResult = Result<Outcome, Error>;

/// Who calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub cpu: CpuId,
    pub slot: Slot,
}

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Handles the system call in `frame`.
    pub(crate) fn syscall(&mut self, caller: Caller, frame: &mut TrapFrame) -> Next {
        match self.envs[caller.slot].personality.call(frame.regs.eax) {
            Some(call) => self.make_call(caller, call, frame),
            None => {
                frame.regs.eax = (Error::Inval as u32).wrapping_neg();
                Next::Same
            }
        }
    }

    /// Performs a call, and turns what it comes to into registers and
    /// scheduling.
    #[inline(always)]
    pub(crate) fn make_call(&mut self, caller: Caller, call: Call, frame: &mut TrapFrame) -> Next {
        let Caller { cpu, slot } = caller;
        let outcome = self.call(caller, call, frame);
        match outcome {
            Ok(Outcome::Done(value)) => {
                frame.regs.eax = value;
                Next::Same
            }
            Err(error) => self.refuse(caller, error, frame),
            // These may have to be made again.
            Ok(Outcome::Wait) => {
                let event = self.call_event();
                self.wait_for_console(cpu, slot, frame, Some(event))
            }
            Ok(Outcome::Later) => {
                let event = self.call_event();
                self.go_on_later(cpu, slot, frame, event)
            }
            Ok(outcome) => {
                frame.regs.eax = 0;
                self.leave_by(caller, outcome, frame)
            }
        }
    }

    /// The caller does not simply go on.
    #[inline]
    fn leave_by(&mut self, caller: Caller, outcome: Outcome, frame: &mut TrapFrame) -> Next {
        let Caller { cpu, slot } = caller;
        match outcome {
            Outcome::Yield => Next::Yield,
            Outcome::Stop => {
                self.leave_cpu(cpu, slot, frame);
                self.mirror.not_runnable(&mut self.mem, slot);
                Next::Gone
            }
            Outcome::Exit => Next::Gone,
            Outcome::Bad(address) => self.bad_memory(cpu, slot, address),
            Outcome::Done(_) | Outcome::Wait | Outcome::Later => Next::Same,
        }
    }

    /// A call has failed. What the dead have left is given back before anything
    /// is refused for want of it: then the call is made again.
    #[cold]
    fn refuse(&mut self, caller: Caller, error: Error, frame: &mut TrapFrame) -> Next {
        if self.may_be_had(error) {
            let event = self.call_event();
            return self.go_on_later(caller.cpu, caller.slot, frame, event);
        }
        frame.regs.eax = self.result(caller, Err(error));
        Next::Same
    }

    /// Whether what a call failed for the want of will be there in a later step.
    /// Then it has changed nothing, and can be made again.
    pub(crate) fn may_be_had(&self, error: Error) -> bool {
        matches!(error, Error::NoMem | Error::NoFreeEnv) && self.has_leftovers()
    }

    /// What an outcome leaves in eax, for now.
    #[inline(always)]
    pub(crate) fn result(&self, caller: Caller, outcome: CallResult) -> u32 {
        match outcome {
            Ok(Outcome::Done(value)) => value,
            Ok(_) => 0,
            Err(error) => {
                let personality = self.envs[caller.slot].personality;
                personality.error_value(error).wrapping_neg()
            }
        }
    }

    /// A call about messages.
    #[inline(always)]
    pub(crate) fn message_call(
        &mut self,
        caller: Caller,
        call: Call,
        frame: &mut TrapFrame,
    ) -> CallResult {
        match call {
            Call::IpcTrySend => self.sys_ipc_try_send(caller, frame),
            Call::IpcSend => self.sys_ipc_send(caller, frame),
            _ => self.sys_ipc_recv(caller, frame),
        }
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

    /// How often 10 ms have gone by since boot, by this CPU's counter.
    fn clock_steps(&self) -> u64 {
        let elapsed = self.now.saturating_sub(self.config.started);
        elapsed.checked_div(self.config.ten_ms).unwrap_or(0)
    }

    /// What programs may use beside JOS's calls.
    fn sys_features(&mut self, _: Caller, _: &mut TrapFrame) -> CallResult {
        let missing = match self.config.processor.sysenter {
            true => 0,
            false => FEATURE_SYSENTER,
        };
        Ok(Outcome::Done(FEATURES & !missing))
    }

    /// Milliseconds since boot, in steps of ten. They begin again before they
    /// could be taken for an error; until then they are never less than anybody
    /// was told before, as the CPUs' counters agree only so far.
    fn sys_time_msec(&mut self, _: Caller, _: &mut TrapFrame) -> CallResult {
        let steps = self.clock_steps().max(self.sched.told);
        self.sched.told = steps;
        Ok(Outcome::Done(
            (steps as u32).wrapping_mul(10) & i32::MAX as u32,
        ))
    }

    /// Why the kernel was entered for the call that is made now.
    #[inline(always)]
    fn call_event(&self) -> Event {
        if self.fast {
            Event::FastSyscall
        } else {
            Event::Syscall
        }
    }

    /// The fifth argument: in esi, or, as `sysenter` uses that register for the
    /// return address, the word at the caller's stack pointer.
    fn fifth_argument(&mut self, caller: Caller, frame: &TrapFrame) -> Result<u32, BadAddress> {
        if self.fast {
            let space = self.envs[caller.slot].space;
            usermem::read_word(&mut self.mem, space, frame.esp)
        } else {
            Ok(frame.regs.esi)
        }
    }

    /// The live environment that an argument names; 0 is the caller.
    pub(crate) fn any_env(&self, caller: Caller, argument: u32) -> Result<Slot, Error> {
        if argument == 0 {
            return Ok(caller.slot);
        }
        let id = EnvId(argument as i32);
        self.envs.find(id).ok_or(Error::BadEnv)
    }

    /// As [`Kernel::any_env`], but only the caller itself or a child of it.
    pub(crate) fn own_env(&self, caller: Caller, argument: u32) -> Result<Slot, Error> {
        let slot = self.any_env(caller, argument)?;
        let own = slot == caller.slot || self.is_child(caller, slot);
        if own { Ok(slot) } else { Err(Error::BadEnv) }
    }

    /// Whether the caller made `slot`. Its id does not say so: ids come round.
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
