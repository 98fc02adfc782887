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
//!      4 .. 7 operands, see [`What`]
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
    /// It was not: the kernel makes its first environments.
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

/// Byte in a record that stands for a call by `sysenter`, less the personality.
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

    /// As two bytes: the cause, and its detail.
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

            /// Its name, as it is printed and asked for.
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
    /// [`What::Entered`].
    Entered = 1, "trap";
    /// [`What::Switched`].
    Switched = 2, "switch";
    /// [`What::Idled`].
    Idled = 3, "idle";
    /// [`What::Inserted`].
    Inserted = 4, "insert";
    /// [`What::Removed`].
    Removed = 5, "remove";
    /// [`What::TableMade`].
    TableMade = 6, "table";
    /// [`What::Freed`].
    Freed = 7, "free";
    /// [`What::Delivered`].
    Delivered = 8, "message";
    /// [`What::Sends`].
    Sends = 9, "sends";
    /// [`What::Receives`].
    Receives = 10, "receives";
    /// [`What::Born`].
    Born = 11, "new";
    /// [`What::Died`].
    Died = 12, "end";
    /// [`What::Flushes`].
    Flushes = 13, "flush";
    /// [`What::Stops`].
    Stops = 14, "stop";
    /// [`What::Parked`].
    Parked = 15, "parked";
    /// [`What::Wakes`].
    Wakes = 16, "wake";
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The kernel was entered, or an entry that was put off is handled now.
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
        /// Who made it.
        parent: EnvId,
        /// Its page directory.
        pgdir: Pfn,
    },
    /// An environment is no more. What it had mapped is removed later.
    Died {
        /// Its id.
        env: EnvId,
        /// Who ended it.
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
    /// It did, and the environment lives on.
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

impl What {
    /// What kind of thing it is.
    #[inline(always)]
    pub const fn kind(self) -> Kind {
        match self {
            What::Entered { .. } => Kind::Entered,
            What::Switched { .. } => Kind::Switched,
            What::Idled => Kind::Idled,
            What::Inserted(_) => Kind::Inserted,
            What::Removed(_) => Kind::Removed,
            What::TableMade(_) => Kind::TableMade,
            What::Freed { .. } => Kind::Freed,
            What::Delivered { .. } => Kind::Delivered,
            What::Sends { .. } => Kind::Sends,
            What::Receives { .. } => Kind::Receives,
            What::Born { .. } => Kind::Born,
            What::Died { .. } => Kind::Died,
            What::Flushes { .. } => Kind::Flushes,
            What::Stops { .. } => Kind::Stops,
            What::Parked { .. } => Kind::Parked,
            What::Wakes { .. } => Kind::Wakes,
        }
    }

    #[inline(always)]
    const fn operands(self) -> [u32; 4] {
        match self {
            What::Entered {
                eip,
                arguments: [a1, a2, a3],
            } => [eip, a1, a2, a3],
            What::Switched { pgdir } => [pgdir.0, 0, 0, 0],
            What::Idled => [0; 4],
            What::Inserted(it) | What::Removed(it) | What::TableMade(it) => {
                [it.env.0 as u32, it.va, it.entry.0, it.pgdir.0]
            }
            What::Freed { frame } => [frame.0, 0, 0, 0],
            What::Delivered {
                to,
                from,
                value,
                perm,
            } => [to.0 as u32, from.0 as u32, value, perm],
            What::Sends { to, value, va } => [to.0 as u32, value, va, 0],
            What::Receives { va } => [va, 0, 0, 0],
            What::Born {
                env,
                parent: other,
                pgdir,
            }
            | What::Died {
                env,
                killer: other,
                pgdir,
            } => [env.0 as u32, other.0 as u32, pgdir.0, 0],
            What::Flushes { cpu } | What::Stops { cpu } => [cpu.0 as u32, 0, 0, 0],
            What::Parked { cpu, env, eip } => [cpu.0 as u32, env.0 as u32, eip, 0],
            What::Wakes { cpus } => [cpus.0, 0, 0, 0],
        }
    }

    const fn from_operands(kind: Kind, [a, b, c, d]: [u32; 4]) -> What {
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
            Kind::Entered => What::Entered {
                eip: a,
                arguments: [b, c, d],
            },
            Kind::Switched => What::Switched { pgdir: Pfn(a) },
            Kind::Idled => What::Idled,
            Kind::Inserted => What::Inserted(mapping),
            Kind::Removed => What::Removed(mapping),
            Kind::TableMade => What::TableMade(mapping),
            Kind::Freed => What::Freed { frame: Pfn(a) },
            Kind::Delivered => What::Delivered {
                to: id(a),
                from: id(b),
                value: c,
                perm: d,
            },
            Kind::Sends => What::Sends {
                to: id(a),
                value: b,
                va: c,
            },
            Kind::Receives => What::Receives { va: a },
            Kind::Born => What::Born {
                env: id(a),
                parent: id(b),
                pgdir: Pfn(c),
            },
            Kind::Died => What::Died {
                env: id(a),
                killer: id(b),
                pgdir: Pfn(c),
            },
            Kind::Flushes => What::Flushes { cpu },
            Kind::Stops => What::Stops { cpu },
            Kind::Parked => What::Parked {
                cpu,
                env: id(b),
                eip: c,
            },
            Kind::Wakes => What::Wakes { cpus: CpuSet(a) },
        }
    }
}

/// What all records of a step have in common, as it stands in them.
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
    pub(crate) const fn words(self, env: EnvId, what: What) -> Words {
        let Start {
            now: [low, high],
            tags,
        } = self;
        let [a, b, c, d] = what.operands();
        let tags = tags | (what.kind() as u32) << 8;
        [low, high, env.0 as u32, tags, a, b, c, d]
    }
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// When the step began that it happened in, in ticks.
    pub now: u64,
    /// The CPU that made the step.
    pub cpu: CpuId,
    /// The environment that entered the kernel there, or that is on the CPU
    /// from now on; [`EnvId::NONE`] for none.
    pub env: EnvId,
    /// Why the step was made.
    pub cause: Cause,
    /// What happened.
    pub what: What,
}

impl Record {
    /// As it stands in the ring and in a file.
    pub const fn words(&self) -> Words {
        let start = Start::new(self.now, self.cpu, self.cause);
        start.words(self.env, self.what)
    }

    /// The record that these words are, if they are one.
    pub fn from_words([low, high, env, tags, a, b, c, d]: Words) -> Option<Record> {
        let [cpu, kind, cause, detail] = tags.to_le_bytes();
        Some(Record {
            now: u64::from(high) << 32 | u64::from(low),
            cpu: CpuId(cpu),
            env: EnvId(env.cast_signed()),
            cause: Cause::from_bytes([cause, detail])?,
            what: What::from_operands(Kind::from_number(kind)?, [a, b, c, d]),
        })
    }
}
