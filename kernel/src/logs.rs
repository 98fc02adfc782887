//! The log for replay and the trace: a log device each, reached from where
//! things happen.
//!
//! Most of it is written before and after a step, when the core is in
//! nobody's hands. The hard thing is what the kernel reads of memory: that is
//! known only in the middle of a step, far down in it. So the devices are no
//! part of what the big lock protects, but have locks of their own. Only who
//! holds the big lock takes them, so that nobody ever waits for one.

use crate::machine::log_device::LogDevice;
use biglock::BigLock;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use witness::record;

/// A log, which may go nowhere.
pub struct Log(BigLock<Option<LogDevice>>);

/// The log for replay.
pub static RECORD: Log = Log(BigLock::new(None));
/// The trace.
pub static TRACE: Log = Log(BigLock::new(None));

/// Whether any of them goes anywhere.
static OPEN: AtomicBool = AtomicBool::new(false);

/// Whether anything is written down.
#[inline(always)]
pub fn are_open() -> bool {
    OPEN.load(Relaxed)
}

/// Logs bytes that the core read from memory, and from where, if there is a
/// log for replay.
#[cold]
pub fn note_read(pa: u32, bytes: &[u8]) {
    RECORD.write(|log| record::bytes_read(log, pa, bytes));
}

impl Log {
    /// From now on it goes to this device, if there is one.
    pub fn open(&self, device: Option<LogDevice>) {
        OPEN.fetch_or(device.is_some(), Relaxed);
        *self.0.lock(|| {}) = device;
    }

    /// Writes to it, if it goes anywhere. Whoever calls holds the big lock, and
    /// is not writing to it already.
    pub fn write(&self, write: impl FnOnce(&mut LogDevice)) {
        if let Some(device) = &mut *self.0.lock(|| {}) {
            write(device);
        }
    }
}
