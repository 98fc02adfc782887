//! The log for replay and the trace: a log device each, reached from where
//! things happen.
//!
//! Most of both is written before and after a step, when nothing borrows the core.
//! The hard thing is what the core reads from user memory: that is known only in the
//! middle of a step, deep inside. So the big lock does not protect the devices;
//! they have locks of their own. Only the holder of the big lock takes these, so no
//! CPU ever waits for one.

use crate::machine::log_device::LogDevice;
use biglock::BigLock;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use witness::record;

/// A log, which may have no device.
pub struct Log(BigLock<Option<LogDevice>>);

/// The log for replay.
pub static RECORD: Log = Log(BigLock::new(None));
/// The trace.
pub static TRACE: Log = Log(BigLock::new(None));

/// Whether any log has a device.
static OPEN: AtomicBool = AtomicBool::new(false);

/// Whether anything is recorded or traced.
#[inline(always)]
pub fn are_open() -> bool {
    OPEN.load(Relaxed)
}

/// Adds bytes that the core read from memory to the log for replay, if there is one.
#[cold]
pub fn note_read(pa: u32, bytes: &[u8]) {
    RECORD.write(|log| record::bytes_read(log, pa, bytes));
}

impl Log {
    /// Gives the log its device, if there is one.
    pub fn open(&self, device: Option<LogDevice>) {
        OPEN.fetch_or(device.is_some(), Relaxed);
        *self.0.lock(|| {}) = device;
    }

    /// Writes to the log's device, if it has one. The caller holds the big lock, and
    /// is not inside another `write` to the same log.
    pub fn write(&self, write: impl FnOnce(&mut LogDevice)) {
        if let Some(device) = &mut *self.0.lock(|| {}) {
            write(device);
        }
    }
}
