//! The log of a simulated run, written with the kernel's own recorder.
//!
//! The hard thing is the order: what the kernel read in the middle of a step
//! belongs between the step's two records.

use crate::memory::Reading;
use abi::{EnvId, TrapFrame};
use kcore::watch::Watcher;
use kcore::{Boot, CpuId, Event, Kernel, LoadError, PhysMem, Step};
use std::ops::Range;
use witness::asked;
use witness::record::{Recorder, Sink, bytes_read};

/// A log in memory.
#[derive(Clone, Debug)]
pub struct Log {
    recorder: Recorder,
    bytes: Bytes,
}

#[derive(Clone, Debug, Default)]
struct Bytes(Vec<u8>);

impl Sink for Bytes {
    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

impl Log {
    /// Starts a log, with a kernel that was just made.
    pub fn begin<M: PhysMem, W: Watcher>(
        kernel: &Kernel<'_, M, W>,
        usable: impl Iterator<Item = Range<u32>> + Clone,
    ) -> Log {
        let mut log = Log {
            recorder: Recorder::new(),
            bytes: Bytes::default(),
        };
        log.recorder.boot(&mut log.bytes, kernel, usable);
        log
    }

    /// Logs what the run was asked for: words, and digests of the machine's files.
    pub fn asked(&mut self, words: &[&[u8]], files: &[u128]) {
        asked::asked(&mut self.bytes, words, files);
    }

    /// Logs what was typed at a position.
    pub fn typed(&mut self, position: u64, bytes: &[u8]) {
        asked::typed(&mut self.bytes, position, bytes);
    }

    /// Everything that was logged.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes.0
    }

    pub(crate) fn module(&mut self, boot: &Boot<'_>) {
        self.recorder.module(&mut self.bytes, boot);
    }

    pub(crate) fn made(&mut self, read: &[Reading], result: Result<EnvId, LoadError>) {
        self.read(read);
        self.recorder.made(&mut self.bytes, result);
    }

    pub(crate) fn enter(&mut self, cpu: CpuId, now: u64, event: Event, frame: &TrapFrame) {
        self.recorder.enter(&mut self.bytes, cpu, now, event, frame);
    }

    pub(crate) fn leave<M: PhysMem, W: Watcher>(
        &mut self,
        read: &[Reading],
        cpu: CpuId,
        kernel: &Kernel<'_, M, W>,
        step: &Step,
        frame: &TrapFrame,
    ) {
        self.read(read);
        self.recorder
            .leave(&mut self.bytes, cpu, kernel, step, frame);
    }

    pub(crate) fn parked(&mut self, cpu: CpuId, frame: &TrapFrame, event: Event) {
        self.recorder.parked(&mut self.bytes, cpu, frame, event);
    }

    pub(crate) fn settled<M: PhysMem, W: Watcher>(&mut self, kernel: &Kernel<'_, M, W>) {
        self.recorder.settled(&mut self.bytes, kernel);
    }

    /// Takes out what was logged since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes.0)
    }

    /// Ends the log.
    pub fn end<M: PhysMem, W: Watcher>(&mut self, kernel: &Kernel<'_, M, W>) {
        self.recorder.end(&mut self.bytes, kernel);
    }

    fn read(&mut self, read: &[Reading]) {
        for (pa, bytes) in read {
            bytes_read(&mut self.bytes, *pa, bytes);
        }
    }
}
