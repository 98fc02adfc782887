//! One record of a trace: 32 bytes that say when, where, for whom, why and what.
//!
//! The hard thing is to be of use without the kernel that wrote it: a record
//! says which address space it is about, by its page directory too, because
//! what a dead environment leaves behind is taken apart long after its id is
//! gone.
//!
//! ```text
//! word 0, 1   when the step began, in ticks; low word first
//!      2      id of the environment that entered the kernel, 0 for none
//!      3      CPU; kind << 8; cause << 16; detail of the cause << 24
//!      4 .. 7 operands, see [`Content`]
//! ```

use abi::trap::Vector;
use abi::{EnvId, Personality, TrapFrame};
use kcore::event::Event;
use kcore::ids::{CpuId, CpuSet};
use kcore::paging::Pte;
use kcore::phys::Pfn;
pub use kcore::watch::Mapping;

/// A record as it stands in the ring and in a file, there little-endian.
pub type Words = [u32; 8];
/// Bytes of a record.
pub const RECORD_SIZE: usize = size_of::<Words>();

/// Why the kernel was entered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cause {
    /// Nothing entered it: the kernel makes its first environments.
    #[default]
    Boot,
    /// A system call.
    Call {
        /// By `sysenter`.
        fast: bool,
        /// How the caller numbers its calls.
        personality: Personality,
        /// The low byte of the number.
        number: u8,
    },
    /// An exception other than a page fault.
    Exception(Vector),
    /// A page fault.
    PageFault,
    /// The quantum ended.
    Timer,
    /// A CPU was woken, or looks again.
    Wake,
    /// The console took its output.
    ConsoleReady,
    /// A byte was typed.
    ConsoleInput(u8),
}

/// Byte in a record that stands for a call by `sysenter`; the personality is added.
const FAST_CALL: u8 = 0x80;

impl Cause {
    /// The cause that an event is, for an environment of this personality.
    #[inline(always)]
    pub fn of(event: Event, personality: Personality, frame: &TrapFrame) -> Cause {
        match event {
            Event::Syscall | Event::FastSyscall => Cause::Call {
                fast: event == Event::FastSyscall,
                personality,
                number: frame.regs.eax as u8,
            },
            Event::Exception | Event::FpuUse => Cause::Exception(Vector(frame.trapno)),
            Event::PageFault { .. } => Cause::PageFault,
            Event::Timer => Cause::Timer,
            Event::Wake => Cause::Wake,
            Event::ConsoleReady => Cause::ConsoleReady,
            Event::ConsoleInput { byte } => Cause::ConsoleInput(byte),
        }
    }

    /// The cause as two bytes: a code, and a detail.
    #[inline(always)]
    const fn bytes(self) -> [u8; 2] {
        match self {
            Cause::Boot => [0, 0],
            Cause::Exception(vector) => [2, vector.0 as u8],
            Cause::PageFault => [3, 0],
            Cause::Timer => [4, 0],
            Cause::Wake => [5, 0],
            Cause::ConsoleReady => [6, 0],
            Cause::ConsoleInput(byte) => [7, byte],
            Cause::Call {
                fast,
                personality,
                number,
            } => {
                let way = if fast { FAST_CALL } else { 0 };
                [way | 0x10 | personality as u8, number]
            }
        }
    }

    fn from_bytes([cause, detail]: [u8; 2]) -> Option<Cause> {
        Some(match cause {
            0 => Cause::Boot,
            2 => Cause::Exception(Vector(detail.into())),
            3 => Cause::PageFault,
            4 => Cause::Timer,
            5 => Cause::Wake,
            6 => Cause::ConsoleReady,
            7 => Cause::ConsoleInput(detail),
            _ => {
                let fast = cause & FAST_CALL != 0;
                let index = (cause & !FAST_CALL).checked_sub(0x10)?;
                Cause::Call {
                    fast,
                    personality: *Personality::ALL.get(usize::from(index))?,
                    number: detail,
                }
            }
        })
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $word:literal;)*) => {
        /// What kind of thing a record is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* $name = $number,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            /// The name that is printed, and that `--kind` takes.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Kind::$name => $word,)*
                }
            }

            fn from_number(number: u8) -> Option<Kind> {
                match number {
                    $($number => Some(Kind::$name),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// [`Content::Entered`].
    Entered = 1, "trap";
    /// [`Content::Switched`].
    Switched = 2, "switch";
    /// [`Content::Idled`].
    Idled = 3, "idle";
    /// [`Content::Inserted`].
    Inserted = 4, "insert";
    /// [`Content::Removed`].
    Removed = 5, "remove";
    /// [`Content::TableMade`].
    TableMade = 6, "table";
    /// [`Content::Freed`].
    Freed = 7, "free";
    /// [`Content::Delivered`].
    Delivered = 8, "message";
    /// [`Content::Sends`].
    Sends = 9, "sends";
    /// [`Content::Receives`].
    Receives = 10, "receives";
    /// [`Content::Born`].
    Born = 11, "new";
    /// [`Content::Died`].
    Died = 12, "end";
    /// [`Content::Flushes`].
    Flushes = 13, "flush";
    /// [`Content::Stops`].
    Stops = 14, "stop";
    /// [`Content::Parked`].
    Parked = 15, "parked";
    /// [`Content::Wakes`].
    Wakes = 16, "wake";
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The kernel was entered, or now handles an entry that it had put off.
    Entered {
        /// Where the environment was.
        eip: u32,
        /// A call's first three arguments; or a page fault's address and error
        /// code; or an exception's error code.
        arguments: [u32; 3],
    },
    /// The record's environment is on the CPU from now on.
    Switched {
        /// Its page directory.
        pgdir: Pfn,
    },
    /// The CPU waits for an interrupt.
    Idled,
    /// A page is mapped.
    Inserted(Mapping),
    /// A page is no longer mapped.
    Removed(Mapping),
    /// A page table was made.
    TableMade(Mapping),
    /// A frame can be allocated again.
    Freed {
        /// The frame.
        frame: Pfn,
    },
    /// A message is in its receiver's inbox.
    Delivered {
        /// The receiver.
        to: EnvId,
        /// The sender.
        from: EnvId,
        /// The word.
        value: u32,
        /// Permissions of the page that came with it, 0 for none.
        perm: u32,
    },
    /// The record's environment waits until it can send.
    Sends {
        /// The receiver.
        to: EnvId,
        /// The word.
        value: u32,
        /// Where its page is, at or above UTOP for none.
        va: u32,
    },
    /// The record's environment waits for a message.
    Receives {
        /// Where it wants a page, at or above UTOP for nowhere.
        va: u32,
    },
    /// An environment was made.
    Born {
        /// Its id.
        env: EnvId,
        /// Its creator.
        parent: EnvId,
        /// Its page directory.
        pgdir: Pfn,
    },
    /// An environment has ended. What it had mapped is removed later.
    Died {
        /// Its id.
        env: EnvId,
        /// The environment that ended it.
        killer: EnvId,
        /// Its page directory.
        pgdir: Pfn,
    },
    /// Another CPU has to forget translations.
    Flushes {
        /// The other CPU.
        cpu: CpuId,
    },
    /// Another CPU has to give up its environment.
    Stops {
        /// The other CPU.
        cpu: CpuId,
    },
    /// The other CPU has stopped, and its environment lives on.
    Parked {
        /// The other CPU.
        cpu: CpuId,
        /// The environment.
        env: EnvId,
        /// Where it was.
        eip: u32,
    },
    /// Other CPUs are woken.
    Wakes {
        /// The other CPUs.
        cpus: CpuSet,
    },
}

impl Content {
    /// The kind of record that this goes into.
    #[inline(always)]
    pub const fn kind(self) -> Kind {
        match self {
            Content::Entered { .. } => Kind::Entered,
            Content::Switched { .. } => Kind::Switched,
            Content::Idled => Kind::Idled,
            Content::Inserted(_) => Kind::Inserted,
            Content::Removed(_) => Kind::Removed,
            Content::TableMade(_) => Kind::TableMade,
            Content::Freed { .. } => Kind::Freed,
            Content::Delivered { .. } => Kind::Delivered,
            Content::Sends { .. } => Kind::Sends,
            Content::Receives { .. } => Kind::Receives,
            Content::Born { .. } => Kind::Born,
            Content::Died { .. } => Kind::Died,
            Content::Flushes { .. } => Kind::Flushes,
            Content::Stops { .. } => Kind::Stops,
            Content::Parked { .. } => Kind::Parked,
            Content::Wakes { .. } => Kind::Wakes,
        }
    }

    #[inline(always)]
    const fn operands(self) -> [u32; 4] {
        match self {
            Content::Entered {
                eip,
                arguments: [a1, a2, a3],
            } => [eip, a1, a2, a3],
            Content::Switched { pgdir } => [pgdir.0, 0, 0, 0],
            Content::Idled => [0; 4],
            Content::Inserted(it) | Content::Removed(it) | Content::TableMade(it) => {
                [it.env.0 as u32, it.va, it.entry.0, it.pgdir.0]
            }
            Content::Freed { frame } => [frame.0, 0, 0, 0],
            Content::Delivered {
                to,
                from,
                value,
                perm,
            } => [to.0 as u32, from.0 as u32, value, perm],
            Content::Sends { to, value, va } => [to.0 as u32, value, va, 0],
            Content::Receives { va } => [va, 0, 0, 0],
            Content::Born {
                env,
                parent: other,
                pgdir,
            }
            | Content::Died {
                env,
                killer: other,
                pgdir,
            } => [env.0 as u32, other.0 as u32, pgdir.0, 0],
            Content::Flushes { cpu } | Content::Stops { cpu } => [cpu.0 as u32, 0, 0, 0],
            Content::Parked { cpu, env, eip } => [cpu.0 as u32, env.0 as u32, eip, 0],
            Content::Wakes { cpus } => [cpus.0, 0, 0, 0],
        }
    }

    const fn from_operands(kind: Kind, [a, b, c, d]: [u32; 4]) -> Content {
        const fn id(word: u32) -> EnvId {
            EnvId(word as i32)
        }
        let cpu = CpuId(a as u8);
        let mapping = Mapping {
            env: id(a),
            va: b,
            entry: Pte(c),
            pgdir: Pfn(d),
        };
        match kind {
            Kind::Entered => Content::Entered {
                eip: a,
                arguments: [b, c, d],
            },
            Kind::Switched => Content::Switched { pgdir: Pfn(a) },
            Kind::Idled => Content::Idled,
            Kind::Inserted => Content::Inserted(mapping),
            Kind::Removed => Content::Removed(mapping),
            Kind::TableMade => Content::TableMade(mapping),
            Kind::Freed => Content::Freed { frame: Pfn(a) },
            Kind::Delivered => Content::Delivered {
                to: id(a),
                from: id(b),
                value: c,
                perm: d,
            },
            Kind::Sends => Content::Sends {
                to: id(a),
                value: b,
                va: c,
            },
            Kind::Receives => Content::Receives { va: a },
            Kind::Born => Content::Born {
                env: id(a),
                parent: id(b),
                pgdir: Pfn(c),
            },
            Kind::Died => Content::Died {
                env: id(a),
                killer: id(b),
                pgdir: Pfn(c),
            },
            Kind::Flushes => Content::Flushes { cpu },
            Kind::Stops => Content::Stops { cpu },
            Kind::Parked => Content::Parked {
                cpu,
                env: id(b),
                eip: c,
            },
            Kind::Wakes => Content::Wakes { cpus: CpuSet(a) },
        }
    }
}

/// What all records of a step have in common, in the form that they store.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Start {
    now: [u32; 2],
    tags: u32,
}

impl Start {
    #[inline(always)]
    pub(crate) const fn new(now: u64, cpu: CpuId, cause: Cause) -> Start {
        let [cause, detail] = cause.bytes();
        Start {
            now: [now as u32, (now >> 32) as u32],
            tags: u32::from_le_bytes([cpu.0, 0, cause, detail]),
        }
    }

    /// A record of the step's.
    #[inline(always)]
    pub(crate) const fn words(self, env: EnvId, content: Content) -> Words {
        let Start {
            now: [low, high],
            tags,
        } = self;
        let [a, b, c, d] = content.operands();
        let tags = tags | (content.kind() as u32) << 8;
        [low, high, env.0 as u32, tags, a, b, c, d]
    }
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// When the step that it happened in began, in ticks.
    pub now: u64,
    /// The CPU that made the step.
    pub cpu: CpuId,
    /// The environment that entered the kernel there, or that is on the CPU
    /// from now on; [`EnvId::NONE`] for none.
    pub env: EnvId,
    /// Why the step was made.
    pub cause: Cause,
    /// What happened.
    pub content: Content,
}

impl Record {
    /// The record as the ring and a file store it.
    pub const fn words(&self) -> Words {
        let start = Start::new(self.now, self.cpu, self.cause);
        start.words(self.env, self.content)
    }

    /// The record that these words stand for, if they are valid.
    pub fn from_words([low, high, env, tags, a, b, c, d]: Words) -> Option<Record> {
        let [cpu, kind, cause, detail] = tags.to_le_bytes();
        Some(Record {
            now: u64::from(high) << 32 | u64::from(low),
            cpu: CpuId(cpu),
            env: EnvId(env.cast_signed()),
            cause: Cause::from_bytes([cause, detail])?,
            content: Content::from_operands(Kind::from_number(kind)?, [a, b, c, d]),
        })
    }
}
