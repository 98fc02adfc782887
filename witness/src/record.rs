//! The log of a run: what the kernel was told, and what it answered.
//!
//! Between its start and its end a kernel learns only what its four entry
//! points are given and what [`kcore::PhysMem::read_bytes`] returns. Write that
//! down, feed it to the same code elsewhere, and every decision comes out
//! again; the answers are logged too, so that the first difference has a place.
//! The reader is `sim::reader`.
//!
//! The hard thing is that the writer has no memory to gather a record in, and
//! may be cut off at any byte. So a record is written while it is made, its end
//! follows from its grammar, and it carries a check. What happens in the middle
//! of a step (bytes read) is a record between the step's two halves.
//!
//! ```text
//! log    = "JOSTLE" version:u16  record*
//! record = tag:u8 fields check:u32
//!
//! BOOT    pgdir uenvs upages quantum policy:u8 started ten_ms lifecycle:u8 end:u8 grading:u8
//!         cpus:u8 features fpu_images mxcsr_mask frames console  n (start end){n}
//! WORDS   pa  n word{n}                  page tables of the kernel's half
//! MODULE  start len personality:u8 kind:u8 arguments:string archive_start archive_len
//! MADE    result
//! ENTER   cpu now event frame            a step begins
//! BYTES   pa string                      what `read_bytes` gave
//! LEAVE   frame way:u8 effects details digest:u64     the step's answer
//! PARKED  cpu event frame
//! SETTLED
//! DIGEST  digest:u64                     of everything
//! END
//! ASKED   n word:string{n}  m digest:u128{m}   a simulated run only, see `asked`
//! TYPED   position string                of a simulated run
//! CUT                                    the log was cut off here; not written by the kernel
//!
//! word, u16 to u128   little-endian; any other number is LEB128, low bits first
//! string           n byte{n}
//! now              difference to the last one, its sign in bit 0
//! frame            difference to the last one of this CPU: a number whose bit
//!                  i says that word i changed, then those words
//! check            FNV-1a over tag and fields
//! ```

use crate::digest;
use abi::layout::{NPTENTRIES, UENVS, ULIM, UPAGES, UTOP, pdx};
use abi::{EnvId, Perm, TrapFrame};
use core::ops::Range;
use kcore::elf::BadElf;
use kcore::event::Event;
use kcore::ids::MAX_CPUS;
use kcore::kernel::Kernel;
use kcore::paging::Pte;
use kcore::phys::{Pfn, PhysMem};
use kcore::step::{Common, End, Remote, Step, ToResume};
use kcore::watch::Watcher;
use kcore::{Boot, CpuId, LoadError};

/// What a log begins with, before its version.
pub const MAGIC: [u8; 6] = *b"JOSTLE";
/// Version of the format. It is raised with every change, also of what a digest
/// covers: a record of another kernel core does not replay.
pub const VERSION: u16 = 17;
/// A full digest is logged after this many steps.
pub const DIGEST_INTERVAL: u32 = 1024;

/// First bytes of records.
pub mod tag {
    /// The kernel as it was made.
    pub const BOOT: u8 = 1;
    /// Words that memory held before the run.
    pub const WORDS: u8 = 2;
    /// An environment is made from a boot module.
    pub const MODULE: u8 = 3;
    /// What became of it.
    pub const MADE: u8 = 4;
    /// A step begins.
    pub const ENTER: u8 = 5;
    /// Bytes that the kernel read.
    pub const BYTES: u8 = 6;
    /// The step's answer.
    pub const LEAVE: u8 = 7;
    /// [`kcore::Kernel::parked`] was called.
    pub const PARKED: u8 = 8;
    /// [`kcore::Kernel::settle`] was called.
    pub const SETTLED: u8 = 9;
    /// A digest of everything.
    pub const DIGEST: u8 = 10;
    /// The run is over.
    pub const END: u8 = 11;
    /// The machine was stopped, or the memory was full. The tool writes this, so
    /// that such a log can be told from one that lost its end later.
    pub const CUT: u8 = 12;
    /// What a simulated run was asked for.
    pub const ASKED: u8 = 13;
    /// What was typed at it.
    pub const TYPED: u8 = 14;
}

/// Bytes of a record without fields.
pub const BARE_SIZE: usize = 5;

/// A record without fields.
pub const fn bare(tag: u8) -> [u8; BARE_SIZE] {
    let [a, b, c, d] = check(CHECK_START, &[tag]).to_le_bytes();
    [tag, a, b, c, d]
}

/// Where a log goes: memory in the kernel, a vector on the host.
pub trait Sink {
    /// Takes the next bytes.
    fn put(&mut self, bytes: &[u8]);
}

/// Writes a log. All-zero is a writer that has written nothing.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// The last frame logged for each CPU, from which the next one is a difference.
    frames: [TrapFrame; MAX_CPUS],
    now: u64,
    /// Steps since the last full digest.
    steps: u32,
}

impl Default for Recorder {
    fn default() -> Recorder {
        Recorder::new()
    }
}

impl Recorder {
    /// A writer that has written nothing.
    pub const fn new() -> Recorder {
        const NONE: TrapFrame = TrapFrame::from_words([0; 17]);
        Recorder {
            frames: [NONE; MAX_CPUS],
            now: 0,
            steps: 0,
        }
    }

    /// Begins the log with a kernel that was just made from these ranges.
    pub fn boot<M: PhysMem, W: Watcher, S: Sink>(
        &mut self,
        sink: &mut S,
        kernel: &Kernel<'_, M, W>,
        usable: impl Iterator<Item = Range<u32>> + Clone,
    ) {
        sink.put(&MAGIC);
        sink.put(&VERSION.to_le_bytes());
        let config = kernel.config();
        let mut record = RecordWriter::new(sink, tag::BOOT);
        record.number(config.kernel_pgdir.0.into());
        record.number(config.uenvs.into());
        record.number(config.upages.into());
        record.number(config.quantum);
        record.bytes(&[config.policy as u8]);
        record.number(config.started);
        record.number(config.ten_ms);
        record.bytes(&[
            config.lifecycle.into(),
            end_code(config.end),
            config.grading.into(),
            config.cpus,
        ]);
        record.number(config.features.into());
        record.number(config.fpu_images.into());
        record.number(config.mxcsr_mask.into());
        record.number(kernel.frames().table.len() as u64);
        record.number(kernel.console().ring.len() as u64);
        record.number(usable.clone().count() as u64);
        for range in usable {
            record.number(range.start.into());
            record.number(range.end.into());
        }
        record.finish();
        tables_of_the_kernel(sink, kernel);
    }

    /// [`Kernel::boot_env`] is about to be called.
    pub fn module<S: Sink>(&mut self, sink: &mut S, boot: &Boot<'_>) {
        let mut record = RecordWriter::new(sink, tag::MODULE);
        record.number(boot.image.start.into());
        record.number(boot.image.len.into());
        record.bytes(&[boot.personality as u8, boot.kind as u8]);
        record.string(boot.arguments);
        record.number(boot.archive.start.into());
        record.number(boot.archive.len.into());
        record.finish();
    }

    /// What [`Kernel::boot_env`] returned.
    pub fn made<S: Sink>(&mut self, sink: &mut S, result: Result<EnvId, LoadError>) {
        let mut record = RecordWriter::new(sink, tag::MADE);
        let (kind, detail) = result_code(result);
        record.bytes(&[kind]);
        record.number(detail.into());
        record.finish();
    }

    /// A step is about to be made with these arguments.
    pub fn enter<S: Sink>(
        &mut self,
        sink: &mut S,
        cpu: CpuId,
        now: u64,
        event: Event,
        frame: &TrapFrame,
    ) {
        let delta = now.wrapping_sub(self.now).cast_signed();
        self.now = now;
        let mut record = RecordWriter::new(sink, tag::ENTER);
        record.number(cpu.0.into());
        record.number(delta.unsigned_abs() << 1 | u64::from(delta < 0));
        record.event(event);
        record.frame(self.last(cpu), frame);
        record.finish();
    }

    /// The step's answer, before its effects are performed.
    pub fn leave<M: PhysMem, W: Watcher, S: Sink>(
        &mut self,
        sink: &mut S,
        cpu: CpuId,
        kernel: &Kernel<'_, M, W>,
        step: &Step,
        frame: &TrapFrame,
    ) {
        let mut record = RecordWriter::new(sink, tag::LEAVE);
        record.frame(self.last(cpu), frame);
        record.step(step, kernel);
        record.bytes(&digest::quick(kernel).to_le_bytes());
        record.finish();
        self.steps += 1;
    }

    /// [`Kernel::parked`] is about to be called.
    pub fn parked<S: Sink>(&mut self, sink: &mut S, cpu: CpuId, frame: &TrapFrame, event: Event) {
        let mut record = RecordWriter::new(sink, tag::PARKED);
        record.number(cpu.0.into());
        record.event(event);
        record.frame(self.last(cpu), frame);
        record.finish();
    }

    /// [`Kernel::settle`] was called.
    pub fn settled<M: PhysMem, W: Watcher, S: Sink>(
        &mut self,
        sink: &mut S,
        kernel: &Kernel<'_, M, W>,
    ) {
        RecordWriter::new(sink, tag::SETTLED).finish();
        if self.steps >= DIGEST_INTERVAL {
            self.digest(sink, kernel);
        }
    }

    /// Logs a digest of everything; the kernel is settled.
    pub fn digest<M: PhysMem, W: Watcher, S: Sink>(
        &mut self,
        sink: &mut S,
        kernel: &Kernel<'_, M, W>,
    ) {
        self.steps = 0;
        let mut record = RecordWriter::new(sink, tag::DIGEST);
        record.bytes(&digest::full(kernel).to_le_bytes());
        record.finish();
    }

    /// The run is over; the kernel is settled.
    pub fn end<M: PhysMem, W: Watcher, S: Sink>(
        &mut self,
        sink: &mut S,
        kernel: &Kernel<'_, M, W>,
    ) {
        self.digest(sink, kernel);
        RecordWriter::new(sink, tag::END).finish();
    }

    fn last(&mut self, cpu: CpuId) -> &mut TrapFrame {
        &mut self.frames[cpu.0 as usize % MAX_CPUS]
    }
}

/// What [`PhysMem::read_bytes`] at `pa` returned, in the middle of a step or of
/// the making of an environment.
pub fn bytes_read<S: Sink>(sink: &mut S, pa: u32, bytes: &[u8]) {
    let mut record = RecordWriter::new(sink, tag::BYTES);
    record.number(pa.into());
    record.string(bytes);
    record.finish();
}

/// Logs those page tables of the kernel's half that the core walks on behalf of
/// programs: the directory's entries, and the tables of the public windows.
fn tables_of_the_kernel<M: PhysMem, W: Watcher, S: Sink>(sink: &mut S, kernel: &Kernel<'_, M, W>) {
    let directory = kernel.config().kernel_pgdir;
    words(sink, kernel, directory, pdx(UTOP)..NPTENTRIES);
    for window in [UENVS, UPAGES] {
        let entry = Pte(kernel.memory().read(directory.address() + pdx(window) * 4));
        if window < ULIM && entry.is_present() && !entry.grants(Perm::PS) {
            words(sink, kernel, entry.frame(), 0..NPTENTRIES);
        }
    }
}

/// Logs words of a frame, without the zeroes at the end.
fn words<M: PhysMem, W: Watcher, S: Sink>(
    sink: &mut S,
    kernel: &Kernel<'_, M, W>,
    frame: Pfn,
    indices: Range<u32>,
) {
    let word = |index: u32| kernel.memory().read(frame.address() + index * 4);
    let end = indices
        .clone()
        .rfind(|&index| word(index) != 0)
        .map_or(indices.start, |last| last + 1);
    let mut record = RecordWriter::new(sink, tag::WORDS);
    record.number((frame.address() + indices.start * 4).into());
    record.number((end - indices.start).into());
    for index in indices.start..end {
        record.bytes(&word(index).to_le_bytes());
    }
    record.finish();
}

/// A record in the making.
pub(crate) struct RecordWriter<'s, S: Sink> {
    sink: &'s mut S,
    check: u32,
}

impl<'s, S: Sink> RecordWriter<'s, S> {
    pub(crate) fn new(sink: &'s mut S, tag: u8) -> RecordWriter<'s, S> {
        let mut record = RecordWriter {
            sink,
            check: CHECK_START,
        };
        record.bytes(&[tag]);
        record
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.check = check(self.check, bytes);
        self.sink.put(bytes);
    }

    pub(crate) fn string(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes(bytes);
    }

    pub(crate) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes(&[value as u8 | 0x80]);
            value >>= 7;
        }
        self.bytes(&[value as u8]);
    }

    fn frame(&mut self, last: &mut TrapFrame, frame: &TrapFrame) {
        let (old, new) = (last.words(), frame.words());
        let changed = old.iter().zip(&new).map(|(old, new)| old != new);
        let mask = changed
            .enumerate()
            .fold(0u64, |mask, (i, changed)| mask | u64::from(changed) << i);
        self.number(mask);
        for (old, new) in old.iter().zip(&new) {
            if old != new {
                self.bytes(&new.to_le_bytes());
            }
        }
        *last = *frame;
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Syscall => self.bytes(&[0]),
            Event::FastSyscall => self.bytes(&[1]),
            Event::Exception => self.bytes(&[2]),
            Event::PageFault { va } => {
                self.bytes(&[3]);
                self.bytes(&va.to_le_bytes());
            }
            Event::Timer => self.bytes(&[4]),
            Event::Wake => self.bytes(&[5]),
            Event::ConsoleReady => self.bytes(&[6]),
            Event::ConsoleInput { byte } => self.bytes(&[7, byte]),
            Event::FpuUse => self.bytes(&[8]),
        }
    }

    /// Logs which way a step goes, what it asks for, and details, in this order.
    fn step<M: PhysMem, W: Watcher>(&mut self, step: &Step, kernel: &Kernel<'_, M, W>) {
        let outbox = kernel.outbox();
        self.bytes(&[way_code(step)]);
        self.number(step.bits().into());
        if matches!(step, Step::Switch(_)) {
            self.number(outbox.pgdir.0.into());
            self.number((outbox.id.0 as u32).into());
        }
        if let Step::Resume(to) = step
            && to.contains(ToResume::FLUSH)
        {
            self.number(outbox.flush.into());
        }
        if step.starts_timer() {
            self.number(outbox.timer);
        }
        if step.names_fpu() {
            self.number(outbox.fpu.0.into());
        }
        let common = step.common();
        if common.contains(Common::REMOTE) {
            match outbox.remote {
                None => self.bytes(&[0, 0]),
                Some(Remote::Flush(cpu)) => self.bytes(&[1, cpu.0]),
                Some(Remote::Stop(cpu)) => self.bytes(&[2, cpu.0]),
            }
        }
        if common.contains(Common::WAKE) {
            self.number(outbox.wake.0.into());
        }
        if common.contains(Common::CLEAR) {
            self.number(outbox.clear.0.into());
        }
        if common.contains(Common::CONSOLE) {
            self.string(outbox.chunk.bytes());
        }
        if step.ends() {
            self.bytes(&[end_code(outbox.end)]);
        }
    }

    pub(crate) fn finish(self) {
        self.sink.put(&self.check.to_le_bytes());
    }
}

/// Value of a check before the first byte.
pub const CHECK_START: u32 = 0x811c_9dc5;

/// Adds bytes to a check.
pub const fn check(value: u32, bytes: &[u8]) -> u32 {
    let (mut value, mut rest) = (value, bytes);
    while let [byte, after @ ..] = rest {
        value = (value ^ *byte as u32).wrapping_mul(0x0100_0193);
        rest = after;
    }
    value
}

/// Code of the way that a step goes.
const fn way_code(step: &Step) -> u8 {
    match step {
        Step::Resume(_) => 0,
        Step::Switch(_) => 1,
        Step::Idle(_) => 2,
        Step::Again(_) => 3,
    }
}

/// Code of an [`End`].
pub const fn end_code(end: End) -> u8 {
    match end {
        End::PowerOff => 0,
        End::Monitor => 1,
    }
}

/// Codes of what became of a boot module: kind, and a detail.
pub const fn result_code(result: Result<EnvId, LoadError>) -> (u8, u32) {
    match result {
        Ok(id) => (0, id.0 as u32),
        Err(LoadError::Elf(bad)) => {
            let code = match bad {
                BadElf::Truncated => 0,
                BadElf::Magic => 1,
                BadElf::Machine => 2,
                BadElf::ProgramHeaders => 3,
            };
            (1, code)
        }
        Err(LoadError::Address) => (2, 0),
        Err(LoadError::Arguments) => (3, 0),
        Err(LoadError::Kernel(error)) => (4, error as u32),
    }
}
