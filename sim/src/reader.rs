//! Reads the log of a run; the writer is `witness::record`, which has the format.
//!
//! The hard thing is that a log may be cut off anywhere (the machine was switched
//! off) or damaged. The first is normal, and the tool that stopped the machine has
//! put a mark behind the log. The second is an error with a place, and so is a log
//! that has neither end nor mark. Nothing in a log can make the reader panic, or
//! allocate more than the log's own length.

use abi::scheduling::Policy;
use abi::trap::TRAP_FRAME_WORDS;
use abi::{EnvId, EnvType, Personality, TrapFrame};
use kcore::env::Slot;
use kcore::ids::MAX_CPUS;
use kcore::step::{Chunk, Common, End, Outbox, Remote, Step};
use kcore::step::{ToEnterAgain, ToIdle, ToResume, ToSwitch};
use kcore::{Config, CpuId, CpuSet, Event, Pfn};
use std::ops::Range;
use witness::record::{CHECK_START, MAGIC, VERSION, bare, check, tag};

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The kernel as it was made.
    Boot(BootRecord),
    /// Words that memory held before the run.
    Words {
        /// Physical address of the first.
        pa: u32,
        /// The words.
        words: Vec<u32>,
    },
    /// An environment is made from a boot module.
    Module {
        /// Physical address of the file.
        start: u32,
        /// Its length in bytes.
        len: u32,
        /// The edition whose interface it uses.
        personality: Personality,
        /// What it is for.
        kind: EnvType,
        /// Its arguments, each ended by a NUL byte.
        arguments: Vec<u8>,
        /// Physical address and length in bytes of its archive.
        archive: (u32, u32),
    },
    /// Whether that worked, in the codes of `witness::record::result_code`.
    Made(u8, u32),
    /// A step begins.
    Enter {
        /// The CPU.
        cpu: CpuId,
        /// The time.
        now: u64,
        /// Why.
        event: Event,
        /// The registers.
        frame: TrapFrame,
    },
    /// Bytes that the kernel read, and their physical address.
    Bytes(u32, Vec<u8>),
    /// The step's answer.
    Leave(Answer),
    /// A CPU was stopped.
    Parked {
        /// The CPU.
        cpu: CpuId,
        /// The entry that it was about to make.
        event: Event,
        /// The registers.
        frame: TrapFrame,
    },
    /// The step is settled.
    Settled,
    /// A digest of everything.
    Digest(u64),
    /// The run is over.
    End,
    /// What a simulated run was asked for.
    Asked(Asked),
    /// What was typed at a simulated run, and the position of that.
    Typed(u64, Vec<u8>),
}

/// What a simulated run was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Words of a command line.
    pub words: Vec<Vec<u8>>,
    /// A digest of each file that the machine was given.
    pub files: Vec<u128>,
}

/// The kernel as it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootRecord {
    /// What it was told.
    pub config: Config,
    /// Entries in the table of frames.
    pub frames: u32,
    /// Bytes in the console's ring.
    pub console: u32,
    /// Frames that may be allocated.
    pub usable: Vec<Range<u32>>,
}

/// What a step answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The registers.
    pub frame: TrapFrame,
    /// What the CPU must do, and how it goes on.
    pub step: Step,
    /// Details of that.
    pub outbox: Outbox,
    /// The quick digest.
    pub digest: u64,
}

/// Why the rest of a log cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// It ends in the middle of a record.
    Truncated,
    /// It is not a log, or of another version.
    Header,
    /// A record's check does not agree with its content.
    Check,
    /// A record contains an impossible value.
    Value,
}

/// Reads records one after the other.
#[derive(Clone, Debug)]
pub struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    frames: [TrapFrame; MAX_CPUS],
    now: u64,
    cpu: CpuId,
    is_cut: bool,
}

type Read<T> = Result<T, ReadError>;

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ReadError::Truncated => "it ends too soon",
            ReadError::Header => "no log of this version",
            ReadError::Check => "a damaged record",
            ReadError::Value => "a record that cannot be",
        })
    }
}

impl<'b> Reader<'b> {
    /// Begins a log, which must be of the version that this reader knows.
    pub fn new(bytes: &'b [u8]) -> Read<Reader<'b>> {
        let uncut = bytes.strip_suffix(&bare(tag::CUT));
        let mut reader = Reader {
            bytes: uncut.unwrap_or(bytes),
            is_cut: uncut.is_some(),
            at: 0,
            frames: [TrapFrame::default(); MAX_CPUS],
            now: 0,
            cpu: CpuId(0),
        };
        let magic = reader.take(MAGIC.len())? == MAGIC;
        let version = reader.take(2)? == VERSION.to_le_bytes();
        if magic && version {
            Ok(reader)
        } else {
            Err(ReadError::Header)
        }
    }

    /// Whether the tool marked the log as cut off.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Offset of the next record.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// The next record; `None` if the log ends here, between two records.
    pub fn record(&mut self) -> Option<Read<Record>> {
        (self.at < self.bytes.len()).then(|| match self.checked() {
            // A log with an end was not cut off, so some length is wrong.
            Err(ReadError::Truncated) if self.bytes.ends_with(&bare(tag::END)) => {
                Err(ReadError::Check)
            }
            record => record,
        })
    }

    fn checked(&mut self) -> Read<Record> {
        let start = self.at;
        let record = self.fields();
        if record == Err(ReadError::Truncated) {
            return record;
        }
        // A damaged field makes the rest of the record meaningless. The check is
        // then read from a wrong place, and does not agree either.
        let value = check(CHECK_START, &self.bytes[start..self.at]);
        let agrees = self.take(4)? == value.to_le_bytes();
        match record {
            Ok(_) if !agrees => Err(ReadError::Check),
            Err(_) if !agrees => Err(ReadError::Check),
            record => record,
        }
    }

    fn fields(&mut self) -> Read<Record> {
        let tag = self.byte()?;
        Ok(match tag {
            tag::BOOT => Record::Boot(self.boot()?),
            tag::WORDS => {
                let pa = self.small()?;
                let count = self.number()?;
                let words = (0..count).map(|_| self.word()).collect::<Read<_>>()?;
                Record::Words { pa, words }
            }
            tag::MODULE => Record::Module {
                start: self.small()?,
                len: self.small()?,
                personality: self.personality()?,
                kind: self.kind()?,
                arguments: self.string()?,
                archive: (self.small()?, self.small()?),
            },
            tag::MADE => Record::Made(self.byte()?, self.small()?),
            tag::ENTER => self.enter()?,
            tag::BYTES => Record::Bytes(self.small()?, self.string()?),
            tag::LEAVE => Record::Leave(self.leave()?),
            tag::PARKED => {
                let cpu = self.cpu()?;
                let event = self.event()?;
                let frame = self.frame(cpu)?;
                Record::Parked { cpu, event, frame }
            }
            tag::SETTLED => Record::Settled,
            tag::DIGEST => Record::Digest(self.long()?),
            tag::END => Record::End,
            tag::ASKED => Record::Asked(self.asked()?),
            tag::TYPED => Record::Typed(self.number()?, self.string()?),
            _ => return Err(ReadError::Value),
        })
    }

    fn boot(&mut self) -> Read<BootRecord> {
        Ok(BootRecord {
            config: self.config()?,
            frames: self.small()?,
            console: self.small()?,
            usable: {
                let count = self.number()?;
                (0..count)
                    .map(|_| Ok(self.small()?..self.small()?))
                    .collect::<Read<_>>()?
            },
        })
    }

    fn config(&mut self) -> Read<Config> {
        Ok(Config {
            kernel_pgdir: Pfn(self.small()?),
            uenvs: self.small()?,
            upages: self.small()?,
            quantum: self.number()?,
            policy: Policy::from_number(self.byte()?.into()).ok_or(ReadError::Value)?,
            started: self.number()?,
            ten_ms: self.number()?,
            lifecycle: self.byte()? != 0,
            end: self.end()?,
            grading: self.byte()? != 0,
            cpus: self.byte()?,
            features: self.small()?,
            fpu_images: self.small()?,
            mxcsr_mask: self.small()?,
        })
    }

    fn asked(&mut self) -> Read<Asked> {
        let words = self.number()?;
        let words = (0..words).map(|_| self.string()).collect::<Read<_>>()?;
        let files = self.number()?;
        let file = |_| self.array().map(u128::from_le_bytes);
        let files = (0..files).map(file).collect::<Read<_>>()?;
        Ok(Asked { words, files })
    }

    fn enter(&mut self) -> Read<Record> {
        let cpu = self.cpu()?;
        let delta = self.number()?;
        self.now = if delta & 1 == 0 {
            self.now.wrapping_add(delta >> 1)
        } else {
            self.now.wrapping_sub(delta >> 1)
        };
        self.cpu = cpu;
        Ok(Record::Enter {
            cpu,
            now: self.now,
            event: self.event()?,
            frame: self.frame(cpu)?,
        })
    }

    fn leave(&mut self) -> Read<Answer> {
        let frame = self.frame(self.cpu)?;
        let (way, bits) = (self.byte()?, self.small()?);
        let step = match way {
            0 => ToResume::from_bits(bits).map(Step::Resume),
            1 => ToSwitch::from_bits(bits).map(Step::Switch),
            2 => ToIdle::from_bits(bits).map(Step::Idle),
            3 => ToEnterAgain::from_bits(bits).map(Step::Again),
            _ => None,
        };
        let step = step.ok_or(ReadError::Value)?;
        let outbox = self.outbox(step)?;
        Ok(Answer {
            frame,
            step,
            outbox,
            digest: self.long()?,
        })
    }

    /// The details that a step names.
    fn outbox(&mut self, step: Step) -> Read<Outbox> {
        let mut outbox = Outbox::default();
        if let Step::Switch(_) = step {
            outbox.pgdir = Pfn(self.small()?);
            outbox.id = EnvId(self.small()?.cast_signed());
        }
        if let Step::Resume(to) = step
            && to.contains(ToResume::FLUSH)
        {
            outbox.flush = self.small()?;
        }
        if step.starts_timer() {
            outbox.timer = self.number()?;
        }
        if step.names_fpu() {
            let slot = u16::try_from(self.small()?).map_err(|_| ReadError::Value)?;
            outbox.fpu = Slot(slot);
        }
        let common = step.common();
        if common.contains(Common::REMOTE) {
            outbox.remote = self.remote()?;
        }
        if common.contains(Common::WAKE) {
            outbox.wake = CpuSet(self.small()?);
        }
        if common.contains(Common::CLEAR) {
            outbox.clear = Pfn(self.small()?);
        }
        if common.contains(Common::CONSOLE) {
            outbox.chunk = Chunk::new(&self.string()?).ok_or(ReadError::Value)?;
        }
        if step.ends() {
            outbox.end = self.end()?;
        }
        Ok(outbox)
    }

    // --- Fields.

    fn take(&mut self, count: usize) -> Read<&'b [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        let taken = rest.get(..count).ok_or(ReadError::Truncated)?;
        self.at += count;
        Ok(taken)
    }

    fn byte(&mut self) -> Read<u8> {
        Ok(self.take(1)?[0])
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let bytes = self.take(N)?;
        Ok(std::array::from_fn(|i| bytes[i]))
    }

    fn word(&mut self) -> Read<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Read<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn number(&mut self) -> Read<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(ReadError::Value)
    }

    fn small(&mut self) -> Read<u32> {
        u32::try_from(self.number()?).map_err(|_| ReadError::Value)
    }

    fn string(&mut self) -> Read<Vec<u8>> {
        let count = usize::try_from(self.number()?).map_err(|_| ReadError::Value)?;
        self.take(count).map(<[u8]>::to_vec)
    }

    fn cpu(&mut self) -> Read<CpuId> {
        let cpu = self.byte()?;
        if usize::from(cpu) < MAX_CPUS {
            Ok(CpuId(cpu))
        } else {
            Err(ReadError::Value)
        }
    }

    fn frame(&mut self, cpu: CpuId) -> Read<TrapFrame> {
        let changed = self.number()?;
        if changed >> TRAP_FRAME_WORDS != 0 {
            return Err(ReadError::Value);
        }
        let mut words = self.frames[usize::from(cpu.0)].words();
        for (i, word) in words.iter_mut().enumerate() {
            if changed >> i & 1 == 1 {
                *word = self.word()?;
            }
        }
        let frame = TrapFrame::from_words(words);
        self.frames[usize::from(cpu.0)] = frame;
        Ok(frame)
    }

    fn event(&mut self) -> Read<Event> {
        Ok(match self.byte()? {
            0 => Event::Syscall,
            1 => Event::FastSyscall,
            2 => Event::Exception,
            3 => Event::PageFault { va: self.word()? },
            4 => Event::Timer,
            5 => Event::Wake,
            6 => Event::ConsoleReady,
            7 => Event::ConsoleInput { byte: self.byte()? },
            8 => Event::FpuUse,
            _ => return Err(ReadError::Value),
        })
    }

    fn remote(&mut self) -> Read<Option<Remote>> {
        let kind = self.byte()?;
        let cpu = self.cpu()?;
        Ok(match kind {
            0 => None,
            1 => Some(Remote::Flush(cpu)),
            2 => Some(Remote::Stop(cpu)),
            _ => return Err(ReadError::Value),
        })
    }

    fn end(&mut self) -> Read<End> {
        match self.byte()? {
            0 => Ok(End::PowerOff),
            1 => Ok(End::Monitor),
            _ => Err(ReadError::Value),
        }
    }

    fn personality(&mut self) -> Read<Personality> {
        let code = self.byte()?;
        let known = Personality::ALL.into_iter().find(|&p| p as u8 == code);
        known.ok_or(ReadError::Value)
    }

    fn kind(&mut self) -> Read<EnvType> {
        Ok(match self.byte()? {
            0 => EnvType::User,
            1 => EnvType::FileServer,
            2 => EnvType::NetworkServer,
            _ => return Err(ReadError::Value),
        })
    }
}
