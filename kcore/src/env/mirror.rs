//! The public table of environments at UENVS.
//!
//! The table has JOS's layout. It lies in ordinary frames that every address space
//! maps read-only, and only this file writes to it, a word at a time. Programs on
//! other CPUs poll it, so the kernel stores only final values, in an order that never
//! shows a lie. At birth it stores the status last; at death it changes only the
//! status, and the id stays.
//!
//! The hard thing is what must *not* be shown, because any program can read this
//! table. Kernel pointers read as zero, and registers are shown only until the
//! environment first runs (`spawn` needs them).

use crate::env::Env;
use crate::ids::{CpuId, Slot};
use crate::phys::PhysMem;
use abi::env::{NENV, PUBLIC_ENV_STRIDE};
use abi::trap::TRAP_FRAME_WORDS;
use abi::{EnvStatus, PublicEnv, TrapFrame};
use core::mem::offset_of;

/// Where the public table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mirror {
    /// Physical address of its first byte; its frames are contiguous.
    pub base: u32,
}

/// Size of the public table in bytes.
pub const MIRROR_SIZE: u32 = NENV as u32 * PUBLIC_ENV_STRIDE;

impl Mirror {
    /// Physical address of a slot's entry.
    pub const fn address(self, slot: Slot) -> u32 {
        self.base + slot.0 as u32 * PUBLIC_ENV_STRIDE
    }

    fn set<M: PhysMem>(self, mem: &mut M, slot: Slot, offset: usize, value: u32) {
        mem.write(self.address(slot) + offset as u32, value);
    }

    /// Shows a new environment: the status last.
    pub(crate) fn born<M: PhysMem>(self, mem: &mut M, slot: Slot, env: &Env) {
        self.registers(mem, slot, &env.frame);
        self.set(mem, slot, offset_of!(PublicEnv, id), env.id.0 as u32);
        let parent = env.parent.0 as u32;
        self.set(mem, slot, offset_of!(PublicEnv, parent_id), parent);
        self.set(mem, slot, offset_of!(PublicEnv, env_type), env.kind as u32);
        self.set(mem, slot, offset_of!(PublicEnv, runs), 0);
        self.set(mem, slot, offset_of!(PublicEnv, cpunum), 0);
        self.set(mem, slot, offset_of!(PublicEnv, pgfault_upcall), 0);
        self.set(mem, slot, offset_of!(PublicEnv, ipc_dstva), 0);
        self.message(mem, slot, env);
        self.status(mem, slot, env.status());
    }

    /// Shows the registers of an environment that has never run.
    pub(crate) fn registers<M: PhysMem>(self, mem: &mut M, slot: Slot, frame: &TrapFrame) {
        for (index, word) in frame.words().into_iter().enumerate() {
            self.set(mem, slot, index * 4, word);
        }
    }

    /// Hides the registers again when the environment first runs.
    pub(crate) fn hide_registers<M: PhysMem>(self, mem: &mut M, slot: Slot) {
        for index in 0..TRAP_FRAME_WORDS {
            self.set(mem, slot, index * 4, 0);
        }
    }

    /// Shows JOS's status word.
    #[inline(always)]
    pub(crate) fn status<M: PhysMem>(self, mem: &mut M, slot: Slot, status: EnvStatus) {
        self.set(mem, slot, offset_of!(PublicEnv, status), status as u32);
    }

    /// Shows how often the environment was put on a CPU.
    pub(crate) fn runs<M: PhysMem>(self, mem: &mut M, slot: Slot, runs: u32) {
        self.set(mem, slot, offset_of!(PublicEnv, runs), runs);
    }

    /// Shows that the environment is on another CPU than before, which is rare.
    #[cold]
    #[inline(never)]
    pub(crate) fn moved<M: PhysMem>(self, mem: &mut M, slot: Slot, cpu: CpuId) {
        self.set(mem, slot, offset_of!(PublicEnv, cpunum), cpu.0.into());
    }

    /// Shows the address of the page-fault handler.
    pub(crate) fn upcall<M: PhysMem>(self, mem: &mut M, slot: Slot, env: &Env) {
        self.set(mem, slot, offset_of!(PublicEnv, pgfault_upcall), env.upcall);
    }

    /// Shows the last message, and that the environment does not wait for one:
    /// `ipc_recving` last.
    pub(crate) fn message<M: PhysMem>(self, mem: &mut M, slot: Slot, env: &Env) {
        let inbox = &env.inbox;
        self.set(mem, slot, offset_of!(PublicEnv, ipc_value), inbox.value);
        let from = inbox.from.0 as u32;
        self.set(mem, slot, offset_of!(PublicEnv, ipc_from), from);
        self.set(mem, slot, offset_of!(PublicEnv, ipc_perm), inbox.perm);
        self.set(mem, slot, offset_of!(PublicEnv, ipc_recving), 0);
    }

    /// As [`Mirror::message`], and where it last wanted a page.
    pub(crate) fn inbox<M: PhysMem>(self, mem: &mut M, slot: Slot, env: &Env) {
        self.set(mem, slot, offset_of!(PublicEnv, ipc_dstva), env.inbox.dstva);
        self.message(mem, slot, env);
    }

    /// Shows that the environment waits for a message: `ipc_recving` last.
    pub(crate) fn receiving<M: PhysMem>(self, mem: &mut M, slot: Slot, env: &Env) {
        self.set(mem, slot, offset_of!(PublicEnv, ipc_dstva), env.inbox.dstva);
        self.set(mem, slot, offset_of!(PublicEnv, ipc_recving), 1);
    }
}
