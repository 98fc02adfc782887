//! The public table of environments, which the kernel maps read-only.
//!
//! The hard thing: the kernel and other CPUs write it while we look. So there
//! is never a reference into it, every field is one volatile read, and two
//! fields read one after the other need not belong together.

use core::mem::offset_of;

use abi::env::{NENV, PUBLIC_ENV_STRIDE};
use abi::layout::UENVS;
use abi::{EnvId, EnvStatus, PublicEnv};

use crate::sys;

/// One slot of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Env {
    slot: usize,
}

impl Env {
    /// The caller's slot. Asks the kernel, so it is right in a fresh child.
    pub fn this() -> Env {
        Env::of(sys::getenvid())
    }

    /// The slot that `id` names; whether it is still that environment's is
    /// for [`Env::id`] to say.
    pub const fn of(id: EnvId) -> Env {
        Env { slot: id.slot() }
    }

    /// Every slot.
    pub fn all() -> impl Iterator<Item = Env> {
        (0..NENV).map(|slot| Env { slot })
    }

    /// Id of the environment that has the slot or had it last, 0 if none.
    pub fn id(self) -> EnvId {
        EnvId(self.word(offset_of!(PublicEnv, id)) as i32)
    }

    /// Id of its creator.
    pub fn parent_id(self) -> EnvId {
        EnvId(self.word(offset_of!(PublicEnv, parent_id)) as i32)
    }

    /// What it is doing; `None` for a value outside the interface.
    pub fn status(self) -> Option<EnvStatus> {
        let status = self.word(offset_of!(PublicEnv, status));
        [
            EnvStatus::Free,
            EnvStatus::Dying,
            EnvStatus::Runnable,
            EnvStatus::Running,
            EnvStatus::NotRunnable,
        ]
        .into_iter()
        .find(|&known| known as u32 == status)
    }

    /// How many times it was put on a CPU.
    pub fn runs(self) -> u32 {
        self.word(offset_of!(PublicEnv, runs))
    }

    /// The CPU it was last put on.
    pub fn cpu(self) -> u32 {
        self.word(offset_of!(PublicEnv, cpunum))
    }

    /// Entry point of its page-fault handler, 0 if none.
    pub fn pgfault_upcall(self) -> u32 {
        self.word(offset_of!(PublicEnv, pgfault_upcall))
    }

    /// Sender of its last message.
    pub fn ipc_from(self) -> EnvId {
        EnvId(self.word(offset_of!(PublicEnv, ipc_from)) as i32)
    }

    /// Value of its last message.
    pub fn ipc_value(self) -> u32 {
        self.word(offset_of!(PublicEnv, ipc_value))
    }

    fn word(self, offset: usize) -> u32 {
        let address = UENVS as usize + self.slot * PUBLIC_ENV_STRIDE as usize + offset;
        // SAFETY:
        // 1. `slot` is below NENV, so the word lies in the table, which the
        //    kernel keeps mapped and readable for as long as we run.
        // 2. It is aligned: the table, the stride and all offsets are.
        // 3. Nobody has a Rust object there; the read is volatile.
        unsafe { core::ptr::with_exposed_provenance::<u32>(address).read_volatile() }
    }
}
