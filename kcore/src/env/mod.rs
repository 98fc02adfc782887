//! Environments: what the kernel knows of each, and their table.
//!
//! The hard thing is the status. JOS has one word for it, and with one word an
//! exhaustive search finds an environment on two CPUs within four steps. Here
//! "may it run" and "which CPU is it on" are two facts, and JOS's five values
//! are derived from them for the public view ([`Env::status`]).

mod birth;
pub mod lifecycle;
pub mod mirror;
pub mod queue;
pub mod table;

use crate::event::Event;
use crate::ids::CpuId;
use crate::paging::Space;
use abi::{EnvId, EnvStatus, EnvType, Personality, TrapFrame};

pub use crate::ids::{Link, Slot};
pub use birth::Birth;
pub use queue::Queue;
pub use table::EnvTable;

/// Why a runnable environment is in no run queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Wait {
    /// It waits for nothing.
    #[default]
    Nothing,
    /// For room in the console's ring.
    Console,
    /// For a byte from the console (`getc`).
    Input,
    /// For a message (`ipc_recv`).
    Message,
    /// For this environment to receive (`ipc_send`).
    Receiver(Slot),
}

/// A set of environments that are ended together. All-zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Job {
    /// Its name: the id of its first member.
    pub(crate) id: EnvId,
    /// Who made it, and may end it.
    pub(crate) owner: Birth,
    /// Its end has begun: the member ends instead of going on.
    pub(crate) ending: bool,
}

/// A message's place, and the last one received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Inbox {
    /// Where it wants to receive a page; at or above UTOP for none.
    pub(crate) dstva: u32,
    pub(crate) value: u32,
    pub(crate) from: EnvId,
    pub(crate) perm: u32,
}

/// What a sender sends; kept while it waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Letter {
    /// The word.
    pub(crate) value: u32,
    /// Address of the page, at or above UTOP for none.
    pub(crate) va: u32,
    /// Its permissions, as given.
    pub(crate) perm: u32,
}

/// One environment. All-zero is a slot that was never used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Env {
    // --- Who it is. Set when it is made.
    /// Its id; stays when the slot is free, for the next generation.
    pub(crate) id: EnvId,
    /// Which life it is; stays too.
    pub(crate) birth: Birth,
    /// What its creator is called; that may be another by now.
    pub(crate) parent: EnvId,
    /// Its creator.
    pub(crate) parent_birth: Birth,
    pub(crate) kind: EnvType,
    pub(crate) personality: Personality,
    pub(crate) space: Space,
    /// What it belongs to from birth.
    pub(crate) job: Job,

    // --- Whether it runs.
    pub(crate) alive: bool,
    /// It wants a CPU, or has one.
    pub(crate) runnable: bool,
    /// It has been runnable at least once.
    pub(crate) started: bool,
    /// It has been on a CPU. (`runs` does not say so: it wraps.)
    pub(crate) ran: bool,
    /// The CPU whose registers and page tables are its own.
    pub(crate) on_cpu: Option<CpuId>,
    pub(crate) wait: Wait,
    /// The CPU it was last put on.
    pub(crate) cpunum: u8,
    /// How often it was put on a CPU; wraps, as JOS's does.
    pub(crate) runs: u32,

    // --- Where it goes on. Means something only while it is on no CPU.
    pub(crate) frame: TrapFrame,
    /// An entry to the kernel that it has begun and that is to be handled
    /// when it next gets a CPU.
    pub(crate) pending: Option<Event>,
    /// Its x87 and SSE registers are saved. (Once they are, they stay so: while it
    /// uses them on a CPU, what is saved is merely old.)
    pub(crate) fpu_saved: bool,
    /// How much of the range of a pending `cputs` has been checked, and how much
    /// printed, in bytes.
    pub(crate) checked: u32,
    pub(crate) printed: u32,

    /// Where its heap begins and ends (`sbrk`).
    pub(crate) heap_start: u32,
    pub(crate) heap_end: u32,

    /// Entry of its page-fault handler, 0 if it has none.
    pub(crate) upcall: u32,
    pub(crate) inbox: Inbox,
    /// What it sends, while it waits for the receiver.
    pub(crate) letter: Letter,
    /// Those who wait to send to it.
    pub(crate) senders: Queue,

    // --- Its neighbours in lists.
    /// In the run queue, one of the console's or a receiver's, or (next only) the
    /// free list.
    pub(crate) next: Link,
    pub(crate) prev: Link,
    /// The first of its children that are not runnable: not started yet, or
    /// stopped. Nobody but it can start them.
    pub(crate) stopped: Link,
    /// The next and the previous such child of the same parent.
    pub(crate) sibling: Link,
    pub(crate) elder: Link,
}

impl Env {
    /// JOS's status word.
    pub fn status(&self) -> EnvStatus {
        if !self.alive {
            EnvStatus::Free
        } else if self.on_cpu.is_some() {
            EnvStatus::Running
        } else if self.runnable && matches!(self.wait, Wait::Nothing | Wait::Console) {
            EnvStatus::Runnable
        } else {
            EnvStatus::NotRunnable
        }
    }

    /// Whether it waits for a CPU: exactly these are in the run queue.
    pub fn is_queued(&self) -> bool {
        self.alive && self.runnable && self.on_cpu.is_none() && self.wait == Wait::Nothing
    }

    /// Its id.
    pub fn id(&self) -> EnvId {
        self.id
    }

    /// Id of its creator.
    pub fn parent(&self) -> EnvId {
        self.parent
    }

    /// How often it was put on a CPU.
    pub fn runs(&self) -> u32 {
        self.runs
    }

    /// The CPU that it was last put on.
    pub fn cpunum(&self) -> CpuId {
        CpuId(self.cpunum)
    }

    /// Entry of its page-fault handler, 0 if it has none.
    pub fn upcall(&self) -> u32 {
        self.upcall
    }

    /// Why it is in no run queue, if it is runnable.
    pub fn wait(&self) -> Wait {
        self.wait
    }

    /// Whether the slot is in use.
    pub fn is_alive(&self) -> bool {
        self.alive
    }

    /// Its address space; means something only while it is alive.
    pub fn space(&self) -> Space {
        self.space
    }

    /// The CPU that it is on.
    pub fn on_cpu(&self) -> Option<CpuId> {
        self.on_cpu
    }

    /// Its registers while it is on no CPU.
    pub fn saved_frame(&self) -> &TrapFrame {
        &self.frame
    }
}
