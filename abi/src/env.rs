//! Environments as user space sees them.
//!
//! The hard thing: the stride of the public table is compiled into every
//! program, so [`PublicEnv`] may never grow; the kernel's own state about an
//! environment lives elsewhere.

use core::fmt;

use crate::trap::TrapFrame;

/// Slots in the environment table.
pub const NENV: usize = 1024;
/// Base-2 logarithm of [`NENV`].
pub const LOG2NENV: u32 = 10;
/// The difference between two successive ids of a slot.
pub const GENERATION: i32 = 0x1000;

/// Name of an environment.
///
/// ```text
///  31 30                       12 11 10 9                    0
/// +--+---------------------------+-----+----------------------+
/// |0 |        generation         | 0 0 |    slot (ENVX)       |
/// +--+---------------------------+-----+----------------------+
/// ```
///
/// As a system call's argument 0 means the caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct EnvId(pub i32);

impl EnvId {
    /// As an argument: the caller. As a parent: none.
    pub const NONE: EnvId = EnvId(0);

    /// Index into the environment table.
    pub const fn slot(self) -> usize {
        self.0 as usize & (NENV - 1)
    }

    /// The id that `slot` gets next, if `self` is its last id, or [`EnvId::NONE`]
    /// if it has had none yet.
    #[must_use]
    pub const fn next(self, slot: usize) -> EnvId {
        let mut generation = self.0.wrapping_add(GENERATION) & !(NENV as i32 - 1);
        if generation <= 0 {
            generation = GENERATION;
        }
        EnvId(generation | slot as i32)
    }
}

/// As the console has it: eight digits.
impl fmt::Display for EnvId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// What an environment is doing, as user space sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum EnvStatus {
    /// The slot is free.
    #[default]
    Free = 0,
    /// Killed, but still on a CPU. Only JOS uses it; Jostle stops the victim at once.
    Dying = 1,
    /// Waits for a CPU.
    Runnable = 2,
    /// On a CPU.
    Running = 3,
    /// Wants no CPU: not started yet, stopped, or waiting for something else.
    NotRunnable = 4,
}

/// What an environment is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum EnvType {
    /// An ordinary environment.
    #[default]
    User = 0,
    /// The file server (lab 5).
    FileServer = 1,
    /// The network server (lab 6).
    NetworkServer = 2,
}

impl EnvType {
    /// Every type.
    pub const ALL: [EnvType; 3] = [EnvType::User, EnvType::FileServer, EnvType::NetworkServer];

    /// The type with this name: `user`, `fs` or `ns`.
    pub fn from_name(name: &str) -> Option<EnvType> {
        EnvType::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name by which the command line knows this type.
    pub const fn name(self) -> &'static str {
        match self {
            EnvType::User => "user",
            EnvType::FileServer => "fs",
            EnvType::NetworkServer => "ns",
        }
    }
}

/// One entry of the read-only table at `UENVS`. 124 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PublicEnv {
    /// Saved registers; shown only while the environment has never run.
    pub tf: TrapFrame,
    /// A kernel pointer in JOS; always 0 here.
    pub link: u32,
    /// Id, which stays after death.
    pub id: EnvId,
    /// Id of its creator, 0 for one that the kernel created.
    pub parent_id: EnvId,
    /// An [`EnvType`].
    pub env_type: u32,
    /// An [`EnvStatus`].
    pub status: u32,
    /// How many times the environment was put on a CPU.
    pub runs: u32,
    /// The CPU it was last put on.
    pub cpunum: u32,
    /// A kernel pointer in JOS; always 0 here.
    pub pgdir: u32,
    /// Entry point of its page-fault handler, 0 if none.
    pub pgfault_upcall: u32,
    /// 1 while it waits in `ipc_recv`.
    pub ipc_recving: u32,
    /// Where it wants to receive a page.
    pub ipc_dstva: u32,
    /// Value of the last message.
    pub ipc_value: u32,
    /// Sender of the last message.
    pub ipc_from: EnvId,
    /// Permissions of the page in the last message, 0 if it had none.
    pub ipc_perm: u32,
}

/// Bytes from one entry of the table at `UENVS` to the next.
pub const PUBLIC_ENV_STRIDE: u32 = 124;

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn layout_is_that_of_the_interface() {
        assert_eq!(size_of::<PublicEnv>(), PUBLIC_ENV_STRIDE as usize);
        assert_eq!(offset_of!(PublicEnv, link), 68);
        assert_eq!(offset_of!(PublicEnv, id), 72);
        assert_eq!(offset_of!(PublicEnv, status), 84);
        assert_eq!(offset_of!(PublicEnv, cpunum), 92);
        assert_eq!(offset_of!(PublicEnv, pgdir), 96);
        assert_eq!(offset_of!(PublicEnv, ipc_recving), 104);
        assert_eq!(offset_of!(PublicEnv, ipc_perm), 120);
    }

    #[test]
    fn an_id_is_printed_as_the_console_has_it() {
        extern crate std;
        assert_eq!(std::format!("{}", EnvId(0x100a)), "0000100a");
        assert_eq!(std::format!("{}", EnvId::NONE), "00000000");
    }

    #[test]
    fn ids_follow_the_rule_of_the_interface() {
        assert_eq!(EnvId::NONE.next(0), EnvId(0x1000));
        assert_eq!(EnvId(0x1000).next(0), EnvId(0x2000));
        assert_eq!(EnvId::NONE.next(5), EnvId(0x1005));
        assert_eq!(EnvId(0x7fff_f005).next(5), EnvId(0x1005));
        assert_eq!(EnvId(0x1005).slot(), 5);
    }
}
