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
    pub id: EnvId,
    /// Who made it, and may end it.
    pub owner: Birth,
    /// Its end has begun: the member ends instead of going on.
    pub ending: bool,
}

/// A message's place, and the last one received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Inbox {
    /// Where it wants to receive a page; at or above UTOP for none.
    pub dstva: u32,
    /// The word.
    pub value: u32,
    /// Who sent it.
    pub from: EnvId,
    /// Permissions of the page that came with it, 0 for none.
    pub perm: u32,
}

/// What a sender sends; kept while it waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Letter {
    /// The word.
    pub value: u32,
    /// Address of the page, at or above UTOP for none.
    pub va: u32,
    /// Its permissions, as given.
    pub perm: u32,
}

/// One environment. All-zero is a slot that was never used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Env {
    // --- Who it is. Set when it is made.
    /// Its id; stays when the slot is free, for the next generation.
    pub id: EnvId,
    /// Which life it is; stays too.
    pub birth: Birth,
    /// What its creator is called; that may be another by now.
    pub parent: EnvId,
    /// Its creator.
    pub parent_birth: Birth,
    /// What it is for.
    pub kind: EnvType,
    /// How it numbers its calls.
    pub personality: Personality,
    /// Its memory.
    pub space: Space,
    /// What it belongs to from birth.
    pub job: Job,

    // --- Whether it runs.
    /// The slot is in use.
    pub alive: bool,
    /// It wants a CPU, or has one.
    pub runnable: bool,
    /// It has been runnable at least once.
    pub started: bool,
    /// It has been on a CPU. (`runs` does not say so: it wraps.)
    pub ran: bool,
    /// The CPU whose registers and page tables are its own.
    pub on_cpu: Option<CpuId>,
    /// What it waits for.
    pub wait: Wait,
    /// The CPU it was last put on.
    pub cpunum: u8,
    /// How often it was put on a CPU; wraps, as JOS's does.
    pub runs: u32,

    // --- Where it goes on. Means something only while it is on no CPU.
    /// Its registers.
    pub frame: TrapFrame,
    /// An entry to the kernel that it has begun and that is to be handled
    /// when it next gets a CPU.
    pub pending: Option<Event>,
    /// Its x87 and SSE registers are saved. (Once they are, they stay so: while it
    /// uses them on a CPU, what is saved is merely old.)
    pub fpu_saved: bool,
    /// How much of the range of a pending `cputs` has been checked, and how much
    /// printed, in bytes.
    pub checked: u32,
    /// How much of it has been printed, in bytes.
    pub printed: u32,

    /// Where its heap begins and ends (`sbrk`).
    pub heap_start: u32,
    /// Its end.
    pub heap_end: u32,

    /// Entry of its page-fault handler, 0 if it has none.
    pub upcall: u32,
    /// Its last message, and where it wants a page.
    pub inbox: Inbox,
    /// What it sends, while it waits for the receiver.
    pub letter: Letter,
    /// Those who wait to send to it.
    pub senders: Queue,

    // --- Its neighbours in lists.
    /// In the run queue, one of the console's or a receiver's, or (next only) the
    /// free list.
    pub next: Link,
    /// The one before it there.
    pub prev: Link,
    /// The first of its children that are not runnable: not started yet, or
    /// stopped. Nobody but it can start them.
    pub stopped: Link,
    /// The next and the previous such child of the same parent.
    pub sibling: Link,
    /// The previous one.
    pub elder: Link,
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

    /// The CPU that it was last put on.
    pub fn cpunum(&self) -> CpuId {
        CpuId(self.cpunum)
    }
}
