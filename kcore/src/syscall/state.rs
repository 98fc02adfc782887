//! Taking a child's state, and giving it back: checkpoints.
//!
//! `env_get_state` stops a child where it is, and writes all that the kernel knows of it
//! but its memory; `env_set_state` gives that to a child that is stopped. What a program
//! makes of it, and how it keeps the memory, is the program's affair.
//!
//! The hard thing is a child that waits, because others know that it does: they may send
//! to it, or hold its letter. So it is taken out of its wait as if it had never begun, and
//! the call that it waited in is one that it makes again. Only a request that was taken
//! cannot be made again, or the server would get it twice: that call fails.
//!
//! And nothing in a state can be trusted. FXRSTOR faults at bits that MXCSR has not, in the
//! kernel, so they are cleared.

use super::{CallResult, Caller, Outcome};
use crate::env::{Env, Exceptions, Inbox, Progress, Wait};
use crate::event::Event;
use crate::ids::Slot;
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::syscall::heap::HEAP_LIMIT;
use crate::usermem::{self, UserSlice};
use crate::watch::Watcher;
use abi::call::WANTS_PAGE;
use abi::exception::DELIVERABLE;
use abi::state::FLOAT_WORDS;
use abi::trap::Vector;
use abi::{Call, EnvState, Error, Perm, Personality, TrapFrame};

/// Bytes of a saved image of the x87 and SSE registers.
const IMAGE: usize = FLOAT_WORDS * 4;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Stops a child and writes its state. If it is on another CPU, that is stopped first
    /// and the call made again. So it is if the child has left this CPU in the same step, and
    /// its x87 registers are still there.
    #[cold]
    #[inline(never)]
    pub(super) fn sys_env_get_state(
        &mut self,
        caller: Caller,
        frame: &mut TrapFrame,
    ) -> CallResult {
        let [id, va, ..] = frame.arguments();
        let space = self.envs[caller.slot].space;
        let place = UserSlice {
            ptr: va,
            len: EnvState::SIZE,
        };
        if let Err(bad) = place.check(&self.mem, space, Perm::WRITE) {
            return Ok(Outcome::Bad(bad));
        }
        let slot = self.child(caller, id)?;
        if self.envs[slot].on_cpu.is_some() {
            self.stop_child(caller, slot);
            return Ok(Outcome::Later);
        }
        self.suspend(caller, slot);
        if self.is_being_saved(slot) {
            return Ok(Outcome::Later);
        }
        let bytes = self.state_of(slot).words().map(u32::to_le_bytes);
        match place.store(&mut self.mem, space, bytes.as_flattened()) {
            Ok(()) => Ok(Outcome::Done(0)),
            Err(bad) => Ok(Outcome::Bad(bad)),
        }
    }

    /// Gives a stopped child a state.
    #[cold]
    #[inline(never)]
    pub(super) fn sys_env_set_state(
        &mut self,
        caller: Caller,
        frame: &mut TrapFrame,
    ) -> CallResult {
        let [id, va, ..] = frame.arguments();
        let space = self.envs[caller.slot].space;
        let words = match usermem::read_words(&mut self.mem, space, va) {
            Ok(words) => words,
            Err(bad) => return Ok(Outcome::Bad(bad)),
        };
        let slot = self.child(caller, id)?;
        if self.envs[slot].runnable || self.envs[slot].on_cpu.is_some() {
            return Err(Error::Inval);
        }
        let state = EnvState::from_words(&words);
        let personality = self.check_state(slot, &state)?;
        if self.is_being_saved(slot) {
            return Ok(Outcome::Later);
        }
        self.put_state(slot, &state, personality);
        Ok(Outcome::Done(0))
    }

    /// The child of the caller that an argument names.
    fn child(&self, caller: Caller, id: u32) -> Result<Slot, Error> {
        let slot = self.lasting_env(caller, id)?;
        if slot == caller.slot {
            return Err(Error::Inval);
        }
        Ok(slot)
    }

    /// Stops a child that is on no CPU, whatever it does.
    fn suspend(&mut self, caller: Caller, slot: Slot) {
        if matches!(self.envs[slot].wait, Wait::Nothing | Wait::Console) {
            if self.envs[slot].runnable {
                self.stop_child(caller, slot);
            }
            return;
        }
        match self.waits_in(slot) {
            Some(number) => self.rewind(slot, number),
            None => self.cancel_wait(slot),
        }
        self.remember_stopped(caller.slot, slot);
    }

    /// The number of the call in which an environment waits, if it can be made again.
    fn waits_in(&self, slot: Slot) -> Option<u32> {
        let call = match self.envs[slot].wait {
            Wait::Input => Call::Getc,
            Wait::Message => Call::IpcRecv,
            Wait::MessageOf(_) => Call::IpcRecvFrom,
            Wait::Receiver(_) => Call::IpcSend,
            Wait::Server(_) => Call::IpcCall,
            Wait::Request => Call::IpcReply,
            Wait::Alarm => Call::SleepUntil,
            Wait::Word(_) => Call::FutexWait,
            Wait::Nothing | Wait::Console | Wait::Reply(_) => return None,
        };
        self.envs[slot].personality.number(call)
    }

    /// Takes an environment out of its wait, to before the call with this number, and
    /// makes it not runnable. Its arguments are still in its registers.
    fn rewind(&mut self, slot: Slot, number: u32) {
        let Env { wait, .. } = self.envs[slot];
        let receiving = self.envs[slot].awaits_message();
        self.take_out_of_queues(slot);
        let env = &mut self.envs[slot];
        env.runnable = false;
        env.frame.regs.eax = number;
        if wait == Wait::Request {
            // The reply has been sent.
            env.frame.regs.edx = 0;
        }
        env.pending = Some(way_in(env, wait));
        if receiving {
            self.mirror.message(&mut self.mem, slot, &self.envs[slot]);
        }
        self.show_status(slot);
    }

    /// What the kernel knows of an environment that is on no CPU.
    fn state_of(&mut self, slot: Slot) -> EnvState {
        let env = self.envs[slot];
        let (float_format, float) = match env.fpu_saved {
            true => (self.float_format(), self.saved_float(slot)),
            false => (EnvState::NO_FLOAT, [0; FLOAT_WORDS]),
        };
        EnvState {
            frame: env.frame,
            pending: match env.pending {
                Some(Event::Syscall) => EnvState::INT_CALL,
                Some(Event::FastSyscall) => EnvState::SYSENTER_CALL,
                Some(Event::Exception) => EnvState::EXCEPTION,
                // A page fault happens again when the instruction is executed again.
                _ => EnvState::NOTHING,
            },
            printed: match env.progress {
                Progress::Printing { printed, .. } => printed,
                _ => 0,
            },
            upcall: env.upcall,
            exception_entry: env.exceptions.entry,
            exception_mask: env.exceptions.mask,
            heap_start: env.heap_start,
            heap_end: env.heap_move().map_or(env.heap_end, |begun| begun.from),
            personality: env.personality as u32,
            env_type: env.kind as u32,
            dstva: env.inbox.dstva,
            value: env.inbox.value,
            from: env.inbox.from,
            perm: env.inbox.perm,
            float_format,
            reserved: 0,
            float,
        }
    }

    /// Checks a state for an environment; returns its personality.
    fn check_state(&self, slot: Slot, state: &EnvState) -> Result<Personality, Error> {
        let env = &self.envs[slot];
        let personality = Personality::from_number(state.personality).ok_or(Error::Inval)?;
        let fits = personality == env.personality || !env.ran;
        let heap = state.heap_start <= state.heap_end && state.heap_end <= HEAP_LIMIT;
        let exceptions = state.exception_mask & !DELIVERABLE == 0;
        let vector = Vector(state.frame.trapno);
        let pending = match state.pending {
            EnvState::NOTHING | EnvState::INT_CALL | EnvState::SYSENTER_CALL => true,
            EnvState::EXCEPTION => vector != Vector::PAGE_FAULT && is_deliverable(vector),
            _ => false,
        };
        let no_float = state.float_format == EnvState::NO_FLOAT;
        let float = no_float || state.float_format == self.float_format();
        let kind = state.env_type == env.kind as u32 && state.reserved == 0;
        if fits && heap && exceptions && pending && float && kind {
            Ok(personality)
        } else {
            Err(Error::Inval)
        }
    }

    /// Gives a stopped environment a state that was checked.
    fn put_state(&mut self, slot: Slot, state: &EnvState, personality: Personality) {
        self.abandon_call(slot);
        let mut frame = state.frame.sanitised();
        let pending = match state.pending {
            EnvState::INT_CALL => Some(Event::Syscall),
            EnvState::SYSENTER_CALL => Some(Event::FastSyscall),
            EnvState::EXCEPTION => {
                frame.trapno = state.frame.trapno;
                Some(Event::Exception)
            }
            _ => None,
        };
        let calls = matches!(pending, Some(Event::Syscall | Event::FastSyscall));
        let prints = calls && personality.call(frame.regs.eax) == Some(Call::Cputs);
        let has_float = state.float_format != EnvState::NO_FLOAT;
        if has_float {
            self.save_float(slot, state.float);
        }
        let env = &mut self.envs[slot];
        env.frame = frame;
        env.pending = pending;
        if prints {
            env.progress = Progress::Printing {
                checked: 0,
                printed: state.printed,
            };
        }
        env.fpu_saved = has_float;
        env.personality = personality;
        env.upcall = state.upcall;
        env.exceptions = Exceptions {
            entry: state.exception_entry,
            mask: state.exception_mask,
        };
        env.heap_start = state.heap_start;
        env.heap_end = state.heap_end;
        env.inbox = Inbox {
            dstva: state.dstva,
            value: state.value,
            from: state.from,
            perm: state.perm,
        };
        let env = &self.envs[slot];
        self.mirror.upcall(&mut self.mem, slot, env);
        self.mirror.inbox(&mut self.mem, slot, env);
        if !env.ran {
            self.mirror.registers(&mut self.mem, slot, &frame);
        }
    }

    /// The format in which this machine saves x87 and SSE registers.
    fn float_format(&self) -> u32 {
        match self.config.mxcsr_mask {
            0 => EnvState::FNSAVE,
            _ => EnvState::FXSAVE,
        }
    }

    /// Where the registers of `slot` are saved.
    fn image(&self, slot: Slot) -> u32 {
        self.config.fpu_images + u32::from(slot.0) * IMAGE as u32
    }

    fn saved_float(&mut self, slot: Slot) -> [u32; FLOAT_WORDS] {
        let mut words = [[0; 4]; FLOAT_WORDS];
        let place = self.image(slot);
        self.mem.read_bytes(place, words.as_flattened_mut());
        words.map(u32::from_le_bytes)
    }

    /// Saves registers for `slot`, so that it finds them when it next uses any.
    fn save_float(&mut self, slot: Slot, mut words: [u32; FLOAT_WORDS]) {
        if self.config.mxcsr_mask != 0
            && let Some(mxcsr) = words.get_mut(EnvState::MXCSR)
        {
            *mxcsr &= self.config.mxcsr_mask;
        }
        let place = self.image(slot);
        for (word, at) in words.into_iter().zip((place..).step_by(4)) {
            self.mem.write(at, word);
        }
    }
}

/// By which instruction an environment must be taken to have made the call that it waits
/// in. That differs only in where the fifth argument is, and only for those who want a page.
fn way_in(env: &Env, wait: Wait) -> Event {
    let has_five = matches!(wait, Wait::Server(_) | Wait::Request);
    let wants_page = env.frame.regs.ecx & WANTS_PAGE != 0;
    if has_five && wants_page && env.frame.regs.esi != env.inbox.dstva {
        Event::FastSyscall
    } else {
        Event::Syscall
    }
}

fn is_deliverable(vector: Vector) -> bool {
    1u32.checked_shl(vector.0)
        .is_some_and(|bit| DELIVERABLE & bit != 0)
}
