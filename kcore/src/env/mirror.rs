//! The public table of environments at UENVS.
//!
//! Ordinary frames, mapped read-only into every space, that have JOS's layout
//! and are written here only, a word at a time. Programs on other CPUs poll
//! them, so only final values are stored, and in an order that never shows a
//! lie: on birth every other field first and the status last; on death the
//! status only (the id stays).
//!
//! The hard thing is what is *not* shown: kernel pointers read as zero, and
//! registers are shown only while an environment has never run (`spawn` needs
//! those), because anybody can read this table.

use crate::env::{Env, Wait};
use crate::ids::Slot;
use crate::phys::PhysMem;
use abi::env::{NENV, PUBLIC_ENV_STRIDE};
use abi::trap::TRAP_FRAME_WORDS;
use abi::{EnvStatus, PublicEnv};
use core::mem::offset_of;

/// Where the public table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mirror {
    /// Physical address of its first byte; its frames are contiguous.
    pub base: u32,
}

/// Bytes that the public table takes.
pub const MIRROR_SIZE: u32 = NENV as u32 * PUBLIC_ENV_STRIDE;

impl Mirror {
    /// Physical address of a slot's entry.
    pub const fn address(self, slot: Slot) -> u32 {
        self.base + slot.0 as u32 * PUBLIC_ENV_STRIDE
    }

    fn set<M: PhysMem>(self, mem: &mut M, slot: Slot, offset: usize, value: u32) {
        mem.write(self.address(slot) + offset as u32, value);
    }

    /// A new environment: everything, the status last.
    pub(crate) fn born<M: PhysMem>(self, mem: &mut M, slot: Slot, env: &Env) {
        self.registers(mem, slot, env);
        self.set(mem, slot, offset_of!(PublicEnv, id), env.id.0 as u32);
        self.set(
            mem,
            slot,
            offset_of!(PublicEnv, parent_id),
            env.parent.0 as u32,
        );
        self.set(mem, slot, offset_of!(PublicEnv, env_type), env.kind as u32);
        self.set(mem, slot, offset_of!(PublicEnv, runs), 0);
        self.set(mem, slot, offset_of!(PublicEnv, cpunum), 0);
        self.set(mem, slot, offset_of!(PublicEnv, pgfault_upcall), 0);
        self.message(mem, slot, env);
        self.status(mem, slot, env);
    }

    /// The registers of an environment that has never run.
    pub(crate) fn registers<M: PhysMem>(self, mem: &mut M, slot: Slot, env: &Env) {
        for (index, word) in env.frame.words().into_iter().enumerate() {
            self.set(mem, slot, index * 4, word);
        }
    }

    /// Hides the registers again, when it first runs.
    pub(crate) fn hide_registers<M: PhysMem>(self, mem: &mut M, slot: Slot) {
        for index in 0..TRAP_FRAME_WORDS {
            self.set(mem, slot, index * 4, 0);
        }
    }

    /// The status.
    pub(crate) fn status<M: PhysMem>(self, mem: &mut M, slot: Slot, env: &Env) {
        self.set(
            mem,
            slot,
            offset_of!(PublicEnv, status),
            env.status() as u32,
        );
    }

    /// How often it was put on a CPU.
    pub(crate) fn runs<M: PhysMem>(self, mem: &mut M, slot: Slot, env: &Env) {
        self.set(mem, slot, offset_of!(PublicEnv, runs), env.runs);
    }

    /// It was put on a CPU.
    pub(crate) fn running<M: PhysMem>(self, mem: &mut M, slot: Slot, env: &Env) {
        self.runs(mem, slot, env);
        let status = EnvStatus::Running as u32;
        self.set(mem, slot, offset_of!(PublicEnv, status), status);
    }

    /// It was taken off a CPU, and wants one.
    pub(crate) fn runnable<M: PhysMem>(self, mem: &mut M, slot: Slot) {
        let status = EnvStatus::Runnable as u32;
        self.set(mem, slot, offset_of!(PublicEnv, status), status);
    }

    /// It was taken off a CPU, and does not want one.
    pub(crate) fn not_runnable<M: PhysMem>(self, mem: &mut M, slot: Slot) {
        let status = EnvStatus::NotRunnable as u32;
        self.set(mem, slot, offset_of!(PublicEnv, status), status);
    }

    /// The CPU that it was put on is another than before.
    pub(crate) fn cpunum<M: PhysMem>(self, mem: &mut M, slot: Slot, env: &Env) {
        self.set(
            mem,
            slot,
            offset_of!(PublicEnv, cpunum),
            u32::from(env.cpunum),
        );
    }

    /// Its page-fault handler.
    pub(crate) fn upcall<M: PhysMem>(self, mem: &mut M, slot: Slot, env: &Env) {
        self.set(mem, slot, offset_of!(PublicEnv, pgfault_upcall), env.upcall);
    }

    /// A message has come: what changed, `ipc_recving` last.
    pub(crate) fn message_received<M: PhysMem>(self, mem: &mut M, slot: Slot, env: &Env) {
        let inbox = &env.inbox;
        self.set(mem, slot, offset_of!(PublicEnv, ipc_value), inbox.value);
        self.set(
            mem,
            slot,
            offset_of!(PublicEnv, ipc_from),
            inbox.from.0 as u32,
        );
        self.set(mem, slot, offset_of!(PublicEnv, ipc_perm), inbox.perm);
        self.set(mem, slot, offset_of!(PublicEnv, ipc_recving), 0);
    }

    /// It waits for a message: `ipc_recving` last.
    pub(crate) fn receiving<M: PhysMem>(self, mem: &mut M, slot: Slot, env: &Env) {
        self.set(mem, slot, offset_of!(PublicEnv, ipc_dstva), env.inbox.dstva);
        self.set(mem, slot, offset_of!(PublicEnv, ipc_recving), 1);
    }

    /// The fields about messages; `ipc_recving` last.
    pub(crate) fn message<M: PhysMem>(self, mem: &mut M, slot: Slot, env: &Env) {
        let inbox = &env.inbox;
        self.set(mem, slot, offset_of!(PublicEnv, ipc_dstva), inbox.dstva);
        self.set(mem, slot, offset_of!(PublicEnv, ipc_value), inbox.value);
        self.set(
            mem,
            slot,
            offset_of!(PublicEnv, ipc_from),
            inbox.from.0 as u32,
        );
        self.set(mem, slot, offset_of!(PublicEnv, ipc_perm), inbox.perm);
        let receiving = u32::from(env.wait == Wait::Message);
        self.set(mem, slot, offset_of!(PublicEnv, ipc_recving), receiving);
    }
}
