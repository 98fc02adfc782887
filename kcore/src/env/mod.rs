//! Environments: what the kernel knows of each, and their table.
//!
//! The hard thing is the status. JOS keeps it in one word, and with one word an
//! exhaustive search finds an environment on two CPUs within four steps. Here "may
//! it run" and "which CPU is it on" are separate facts. [`Env::status`] derives
//! JOS's five values from them for the public table.

mod birth;
mod dependants;
mod ends;
pub mod lifecycle;
pub mod mirror;
pub mod queue;
pub mod table;

use crate::event::Event;
use crate::ids::CpuId;
use crate::paging::Space;
use abi::trap::Vector;
use abi::{EnvId, EnvStatus, EnvType, Personality, TrapFrame};

pub use crate::ids::{Link, Slot};
pub use birth::Birth;
pub use ends::Queue;
pub use table::EnvTable;

/// Why a runnable environment is in no run queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Wait {
    /// It waits for nothing: it is on a CPU, or in the run queue.
    #[default]
    Nothing,
    /// It waits for room in the console's ring.
    Console,
    /// It waits for a byte from the console (`getc`).
    Input,
    /// It waits for a message (`ipc_recv`).
    Message,
    /// It waits until this environment receives (`ipc_send`).
    Receiver(Slot),
    /// It waits until this environment receives, and will then wait for its reply
    /// (`ipc_call`).
    Server(Slot),
    /// It waits for a message from anybody, in registers (`ipc_reply`).
    Request,
    /// It waits for this environment's reply, in registers (`ipc_call`).
    Reply(Slot),
    /// It waits for a message of this environment and nobody else (`ipc_recv_from`).
    MessageOf(Slot),
    /// It waits until its alarm rings (`sleep_until`).
    Alarm,
    /// It waits until somebody wakes a word of memory, or until this environment dies
    /// (`futex_wait`).
    Word(Link),
}

/// Membership in a set of environments that end together. All-zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Job {
    /// The job's name: the id of its first member.
    pub id: EnvId,
    /// The environment that made the job and may end it.
    pub owner: Birth,
}

/// The last message received, and where the page of the next one goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Inbox {
    /// Where the environment wants a page; at or above UTOP if it wants none.
    pub dstva: u32,
    /// The message's word.
    pub value: u32,
    /// The sender.
    pub from: EnvId,
    /// Permissions of the page that came with the message, 0 if none did.
    pub perm: u32,
}

/// A message on its way; kept with a sender that waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Letter {
    /// The message's word.
    pub value: u32,
    /// Address of the page in the sender; at or above UTOP if there is none.
    pub va: u32,
    /// The page's permissions, as the sender gave them, unchecked.
    pub perm: u32,
}

impl Letter {
    /// What an `ipc_send` with these registers asks to be sent.
    #[inline(always)]
    pub(crate) fn of(frame: &TrapFrame) -> Letter {
        let [_, value, va, perm] = frame.arguments();
        Letter { value, va, perm }
    }
}

/// A `sbrk` that has moved the heap's end a part of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeapMove {
    /// Where the heap ended before the call.
    pub from: u32,
    /// The number of frames that are set aside for the rest of the way.
    pub set_aside: u32,
}

/// How far a call has come that is made again until it is done. An environment has one
/// such call at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Progress {
    /// None is on its way, or it has changed nothing yet.
    #[default]
    None,
    /// A `cputs`.
    Printing {
        /// How many bytes have been checked.
        checked: u32,
        /// How many bytes have been printed.
        printed: u32,
    },
    /// A `sbrk`.
    Moving(HeapMove),
}

/// Which exceptions an environment handles itself, and where. All-zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Exceptions {
    /// Address of the handler.
    pub entry: u32,
    /// The vectors that it handles, as bits.
    pub mask: u32,
}

impl Exceptions {
    /// Whether the handler is for this vector.
    #[inline(always)]
    pub fn take(self, vector: Vector) -> bool {
        let bit = 1u32.checked_shl(vector.0);
        bit.is_some_and(|bit| self.mask & bit != 0)
    }
}

/// One environment. All-zero is a slot that has never been used.
///
/// With this alignment its place in the table is a shift away; otherwise each look-up would
/// take two instructions more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(target_arch = "x86", repr(align(256)))]
pub struct Env {
    // --- Identity, set when the environment is made.
    /// Its id; a free slot keeps it to make the next one from.
    pub id: EnvId,
    /// Its permanent identity; a free slot keeps it too.
    pub birth: Birth,
    /// The creator's id, which may name another environment by now.
    pub parent: EnvId,
    /// The creator's permanent identity.
    pub parent_birth: Birth,
    /// JOS's environment type; a file server has I/O privilege.
    pub kind: EnvType,
    /// How it numbers its system calls.
    pub personality: Personality,
    /// Its memory.
    pub space: Space,
    /// The job that it belongs to, if any.
    pub job: Job,

    // --- When it runs: what policies go by.
    /// Its priority, below [`abi::scheduling::PRIORITIES`].
    pub priority: u8,
    /// Its shares, at least 1 while it is alive.
    pub shares: u16,
    /// What it has had for its shares, as `sched/stride.rs` counts.
    pub pass: u64,

    // --- Whether it runs.
    /// Its job is being ended: it ends when it next enters the kernel or would get a CPU.
    pub ending: bool,
    /// The slot is in use.
    pub alive: bool,
    /// It wants a CPU, or has one.
    pub runnable: bool,
    /// It has been runnable at least once.
    pub started: bool,
    /// It has been on a CPU. `runs` cannot tell, because it wraps.
    pub ran: bool,
    /// The CPU that holds its registers and page tables.
    pub on_cpu: Option<CpuId>,
    /// What keeps it out of the run queue.
    pub wait: Wait,
    /// The CPU that it was last put on.
    pub cpunum: u8,
    /// How often it was put on a CPU; wraps, as in JOS.
    pub runs: u32,

    // --- Where it continues. Valid only while it is on no CPU.
    /// Its registers.
    pub frame: TrapFrame,
    /// An entry to the kernel that it has begun. The kernel handles the entry when
    /// the environment next gets a CPU.
    pub pending: Option<Event>,
    /// Its x87 and SSE registers have been saved. This stays set while it uses them
    /// on a CPU, where the saved copy is merely old.
    pub fpu_saved: bool,
    /// How far its pending call has come.
    pub progress: Progress,

    /// Where its heap begins (`sbrk`).
    pub heap_start: u32,
    /// Where its heap ends.
    pub heap_end: u32,

    /// Address of its page-fault handler, 0 if it has none.
    pub upcall: u32,
    /// The exceptions that it handles itself.
    pub exceptions: Exceptions,
    /// The last message it received, and where it wants the next page.
    pub inbox: Inbox,
    /// The message that it waits to send. With [`Wait::Word`], `va` is the word's address.
    pub letter: Letter,
    /// With [`Wait::Server`], the message's second word; with [`Wait::Word`], the word's
    /// physical address.
    pub second: u32,
    /// Environments that wait to send to it.
    pub senders: Queue,
    /// The number of environments whose wait ends when it dies: that wait for its reply or
    /// its message, or have named it as the owner of a word.
    pub callers: u32,

    /// It has a deadline. One byte, because every wait begins with a look at it.
    pub hurries: bool,
    /// Its deadline: from this time on, in ticks, it waits for nobody; 0 if it has none.
    pub deadline: u64,
    /// When the timer queue rings for it, in ticks; 0 if it is not in that queue.
    pub alarm: u64,

    // --- Its neighbours in lists.
    /// The next one in the run queue, a queue of the console, of a receiver or of words, or
    /// the free list.
    pub next: Link,
    /// The previous one there; the free list has none.
    pub prev: Link,
    /// The first of its children that are not runnable, because they were stopped or
    /// not started yet. No other environment can start them.
    pub stopped: Link,
    /// The next such child of the same parent.
    pub sibling: Link,
    /// The previous such child.
    pub elder: Link,
    /// Whose alarm rings next, in the timer queue.
    pub later: Link,
    /// Whose alarm rings before, there.
    pub sooner: Link,
}

/// More would double the table.
#[cfg(target_arch = "x86")]
const _: () = assert!(size_of::<Env>() == 256);

impl Env {
    /// The status that JOS would show.
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

    /// Whether it waits for a message from anybody.
    #[inline(always)]
    pub fn receives(&self) -> bool {
        matches!(self.wait, Wait::Message | Wait::Request)
    }

    /// Whether it waits for a message that its inbox takes, from anybody or from one.
    #[inline(always)]
    pub fn awaits_message(&self) -> bool {
        matches!(self.wait, Wait::Message | Wait::MessageOf(_))
    }

    /// Whether it waits for what this one sender sends: a message of anybody or of the sender
    /// alone, or two words in registers, in which it takes anybody's or the sender's reply.
    #[inline(always)]
    pub fn takes_from(&self, sender: Slot) -> bool {
        match self.wait {
            Wait::Message | Wait::Request => true,
            Wait::Reply(one) | Wait::MessageOf(one) => one == sender,
            _ => false,
        }
    }

    /// The environment that it waits to send to, in whose queue it is.
    #[inline(always)]
    pub fn sends_to(&self) -> Option<Slot> {
        match self.wait {
            Wait::Receiver(target) | Wait::Server(target) => Some(target),
            _ => None,
        }
    }

    /// Whether nothing is to be done when it gets a CPU but to load its registers: it has run
    /// before, and has no entry to finish.
    #[inline(always)]
    pub(crate) fn just_goes_on(&self) -> bool {
        self.pending.is_none() && self.ran
    }

    /// The `sbrk` that it is in the middle of.
    pub fn heap_move(&self) -> Option<HeapMove> {
        match self.progress {
            Progress::Moving(begun) => Some(begun),
            _ => None,
        }
    }

    /// Whether it is in the run queue: it needs nothing but a CPU.
    pub fn is_queued(&self) -> bool {
        self.alive && self.runnable && self.on_cpu.is_none() && self.wait == Wait::Nothing
    }
}
