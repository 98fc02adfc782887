//! Feeds the log of a run to the same core again, and compares every answer.
//!
//! If the frames, effects and digests are those of the log, then the kernel that
//! ran in the machine and the one that is tested here are the same state machine,
//! and its inputs explain the run. If not, the result names the first step that
//! differs.
//!
//! The hard thing is memory. The log does not contain what programs wrote, and
//! need not: the core sees user memory only through `read_bytes`, whose results
//! are in the log. The core itself writes the page tables.

use crate::machine::Store;
use crate::memory::{Memory, Reading};
use crate::named::named_by;
use crate::reader::{Answer, BootRecord, ReadError, Reader, Record};
use abi::TrapFrame;
use abi::layout::{DIRECT_MAP_SIZE, PGSIZE};
use kcore::elf::Image;
use kcore::watch::Unwatched;
use kcore::{Boot, Common, CpuId, Event, Kernel, Pfn, PhysMem};
use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::ops::ControlFlow;
use witness::digest;
use witness::record::result_code;

/// A summary of a run that replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Steps made.
    pub steps: u64,
    /// CPUs that made them.
    pub cpus: usize,
    /// Environments that ran.
    pub environments: usize,
    /// Environments that were stopped on another CPU.
    pub stops: u64,
    /// Full digests compared; quick ones are compared at every step.
    pub digests: u64,
    /// Bytes that the kernel read from memory.
    pub bytes_read: u64,
    /// Everything printed.
    pub output: Vec<u8>,
    /// Whether the log is complete, and not cut off.
    pub ended: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "steps         {}", self.steps)?;
        writeln!(f, "CPUs          {}", self.cpus)?;
        writeln!(f, "environments  {}", self.environments)?;
        writeln!(f, "stops         {}", self.stops)?;
        writeln!(f, "bytes read    {}", self.bytes_read)?;
        writeln!(
            f,
            "digests       {} quick, {} full, all equal",
            self.steps, self.digests
        )?;
        let end = if self.ended {
            "complete"
        } else {
            "cut off; equal as far as it goes"
        };
        writeln!(f, "log           {end}")
    }
}

/// What differs if a log cannot be read.
const LOG: &str = "the log itself";

/// The first difference between a run and its replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Number of the step, from 0; also 0 before the first step.
    pub step: u64,
    /// The CPU that made it.
    pub cpu: Option<CpuId>,
    /// Why it entered the kernel.
    pub event: Option<Event>,
    /// The part of the answer that differs.
    pub what: &'static str,
    /// The value in the log.
    pub recorded: String,
    /// The value that the replay computed.
    pub replayed: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.what == LOG {
            return writeln!(f, "damaged, after step {}: {}", self.step, self.recorded);
        }
        write!(f, "step {}", self.step)?;
        if let Some(cpu) = self.cpu {
            write!(f, " on CPU {}", cpu.0)?;
        }
        if let Some(event) = self.event {
            write!(f, ", {event:x?}")?;
        }
        writeln!(f, ": {} differs", self.what)?;
        writeln!(f, "  recorded  {}", self.recorded)?;
        writeln!(f, "  replayed  {}", self.replayed)
    }
}

impl std::error::Error for Difference {}

/// Memory in which only words that the core wrote are known.
struct KnownMemory {
    memory: Memory,
    /// The requests that `read_bytes` will get, and what it returns for them.
    reads: VecDeque<Reading>,
    /// The first request that the log does not have: address and length.
    unknown: Option<(u32, usize)>,
}

impl PhysMem for KnownMemory {
    fn read(&self, pa: u32) -> u32 {
        self.memory.read(pa)
    }

    fn write(&mut self, pa: u32, value: u32) {
        self.memory.write(pa, value);
    }

    fn zero_frame(&mut self, frame: Pfn) {
        self.memory.zero_frame(frame);
    }

    fn read_bytes(&mut self, pa: u32, out: &mut [u8]) {
        match self.reads.front() {
            Some((from, bytes)) if *from == pa && bytes.len() == out.len() => {
                out.copy_from_slice(bytes);
                self.reads.pop_front();
            }
            _ => {
                out.fill(0);
                self.unknown.get_or_insert((pa, out.len()));
            }
        }
    }

    fn write_bytes(&mut self, _pa: u32, _bytes: &[u8]) {}

    /// The source may be a page directory, whose entries must be in the copy, or a
    /// program's page, of which nothing is known in either.
    fn copy_bytes(&mut self, to: u32, from: u32, len: u32) {
        self.memory.copy_bytes(to, from, len);
    }
}

/// Replays a log.
pub fn replay(log: &[u8]) -> Result<Report, Difference> {
    let place = Place::default();
    let mut reader = Reader::new(log).map_err(|error| place.unreadable(error, 0))?;
    let boot = match reader.record() {
        Some(Ok(Record::Boot(boot))) => boot,
        Some(Ok(_)) | None => return Err(place.unreadable(ReadError::Header, 0)),
        Some(Err(error)) => return Err(place.unreadable(error, 0)),
    };
    let mut store = Store::with_sizes(boot.frames as usize, boot.console as usize);
    let kernel = make_kernel(&mut store, &boot)
        .ok_or_else(|| place.differs("the boot record", "tables that this kernel has", &boot))?;
    let mut replayer = Replayer {
        kernel,
        place,
        entered: None,
        report: Report::default(),
        cpus: BTreeSet::new(),
        environments: BTreeSet::new(),
    };
    replayer.run(&mut reader)
}

fn make_kernel<'t>(store: &'t mut Store, boot: &BootRecord) -> Option<Kernel<'t, KnownMemory>> {
    // The core sees only memory that the direct map reaches.
    let frames = DIRECT_MAP_SIZE / PGSIZE;
    if boot.frames > frames || boot.console > DIRECT_MAP_SIZE {
        return None;
    }
    let memory = KnownMemory {
        memory: Memory::new(frames),
        reads: VecDeque::new(),
        unknown: None,
    };
    let usable = boot.usable.iter().cloned();
    let (tables, _) = store.lend();
    Some(Kernel::new(memory, Unwatched, tables, boot.config, usable))
}

/// The present place in the run.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    step: u64,
    cpu: Option<CpuId>,
    event: Option<Event>,
}

impl Place {
    fn differs(
        &self,
        what: &'static str,
        recorded: impl fmt::Debug,
        replayed: impl fmt::Debug,
    ) -> Difference {
        Difference {
            step: self.step,
            cpu: self.cpu,
            event: self.event,
            what,
            recorded: format!("{recorded:x?}"),
            replayed: format!("{replayed:x?}"),
        }
    }

    fn unreadable(&self, error: ReadError, offset: usize) -> Difference {
        Difference {
            recorded: format!("{error}, at byte {offset}"),
            replayed: "a record".into(),
            ..self.differs(LOG, (), ())
        }
    }
}

struct Replayer<'t> {
    kernel: Kernel<'t, KnownMemory>,
    place: Place,
    /// The arguments of a step whose answer has not come yet.
    entered: Option<(CpuId, u64, Event, TrapFrame)>,
    report: Report,
    cpus: BTreeSet<CpuId>,
    environments: BTreeSet<i32>,
}

/// An environment that is being made, until its result comes.
struct Module {
    image: Image,
    personality: abi::Personality,
    kind: abi::EnvType,
    arguments: Vec<u8>,
    archive: Image,
}

impl Replayer<'_> {
    fn run(&mut self, reader: &mut Reader<'_>) -> Result<Report, Difference> {
        let mut module = None;
        loop {
            let offset = reader.offset();
            let record = match reader.record() {
                None | Some(Err(ReadError::Truncated)) if reader.is_cut() => break,
                None => return Err(self.place.unreadable(ReadError::Truncated, offset)),
                Some(Err(error)) => return Err(self.place.unreadable(error, offset)),
                Some(Ok(record)) => record,
            };
            if self.follow(record, &mut module, offset)?.is_break() {
                break;
            }
        }
        self.report.cpus = self.cpus.len();
        self.report.environments = self.environments.len();
        Ok(std::mem::take(&mut self.report))
    }

    /// Does what one record says, and compares. `End` is the last record.
    fn follow(
        &mut self,
        record: Record,
        module: &mut Option<Module>,
        offset: usize,
    ) -> Result<ControlFlow<()>, Difference> {
        match record {
            Record::Boot(_) => {
                return Err(self.place.unreadable(ReadError::Value, offset));
            }
            Record::Words { pa, words } => {
                for (index, word) in (0..).zip(words) {
                    self.kernel
                        .mem()
                        .write(pa.wrapping_add(index * 4) & !3, word);
                }
            }
            Record::Module {
                start,
                len,
                personality,
                kind,
                arguments,
                archive,
            } => {
                *module = Some(Module {
                    image: Image { start, len },
                    personality,
                    kind,
                    arguments,
                    archive: Image {
                        start: archive.0,
                        len: archive.1,
                    },
                });
            }
            Record::Made(kind, detail) => self.make(module.take(), (kind, detail))?,
            Record::Enter {
                cpu,
                now,
                event,
                frame,
            } => self.enter(cpu, now, event, frame),
            Record::Bytes(pa, bytes) => {
                self.report.bytes_read += bytes.len() as u64;
                self.kernel.mem().reads.push_back((pa, bytes));
            }
            Record::Leave(answer) => self.leave(&answer)?,
            Record::Parked { cpu, event, frame } => {
                self.report.stops += 1;
                self.kernel.parked(cpu, &frame, event);
            }
            Record::Settled => self.kernel.settle(|_, _| ()),
            Record::Digest(recorded) => {
                let replayed = digest::full(&self.kernel);
                if recorded != replayed {
                    return Err(self.place.differs("the full digest", recorded, replayed));
                }
                self.report.digests += 1;
            }
            // How the run came about, which the kernel is not told.
            Record::Asked(_) | Record::Typed(..) => {}
            Record::End => {
                self.report.ended = true;
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn make(&mut self, module: Option<Module>, recorded: (u8, u32)) -> Result<(), Difference> {
        let Some(module) = module else {
            return Err(self.place.unreadable(ReadError::Value, 0));
        };
        let result = self.kernel.boot_env(Boot {
            image: module.image,
            arguments: &module.arguments,
            personality: module.personality,
            kind: module.kind,
            archive: module.archive,
        });
        let replayed = result_code(result);
        if replayed != recorded {
            return Err(self
                .place
                .differs("a boot module's result", recorded, replayed));
        }
        self.all_was_read()
    }

    fn enter(&mut self, cpu: CpuId, now: u64, event: Event, frame: TrapFrame) {
        self.place = Place {
            step: self.report.steps,
            cpu: Some(cpu),
            event: Some(event),
        };
        self.cpus.insert(cpu);
        self.entered = Some((cpu, now, event, frame));
    }

    fn leave(&mut self, recorded: &Answer) -> Result<(), Difference> {
        let Some((cpu, now, event, mut frame)) = self.entered.take() else {
            return Err(self.place.unreadable(ReadError::Value, 0));
        };
        let step = self.kernel.step(cpu, now, event, &mut frame);
        if let Some(slot) = self.kernel.cpus().current(cpu) {
            self.environments.insert(self.kernel.envs()[slot].id.0);
        }
        let outbox = *self.kernel.outbox();
        let replayed = Answer {
            frame,
            step,
            outbox: named_by(&outbox, step),
            digest: digest::quick(&self.kernel),
        };
        self.all_was_read()?;
        self.compare(recorded, &replayed)?;
        if step.common().contains(Common::CLEAR) {
            self.kernel.mem().zero_frame(outbox.clear);
        }
        self.report
            .output
            .extend_from_slice(replayed.outbox.chunk.bytes());
        self.report.steps += 1;
        Ok(())
    }

    fn compare(&self, recorded: &Answer, replayed: &Answer) -> Result<(), Difference> {
        macro_rules! same {
            ($($($field:ident).+: $what:literal,)*) => {$(
                if recorded.$($field).+ != replayed.$($field).+ {
                    let (recorded, replayed) = (&recorded.$($field).+, &replayed.$($field).+);
                    return Err(self.place.differs($what, recorded, replayed));
                }
            )*};
        }
        same! {
            step: "what the CPU does next",
            frame: "the frame",
            outbox.id: "whom it goes on with",
            outbox.chunk: "the output",
            outbox: "a detail of what it does",
            digest: "the digest",
        }
        Ok(())
    }

    /// Checks that the core read exactly what the log has.
    fn all_was_read(&mut self) -> Result<(), Difference> {
        let memory = self.kernel.mem();
        let left = memory.reads.front();
        if left.is_none() && memory.unknown.is_none() {
            return Ok(());
        }
        let recorded = left.map(|(pa, bytes)| (*pa, bytes.len()));
        let replayed = memory.unknown;
        let what = "where memory is read, and how much,";
        Err(self.place.differs(what, recorded, replayed))
    }
}
