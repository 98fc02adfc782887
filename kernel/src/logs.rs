//! The log for replay and the trace: a log device each, reached from where
//! things happen.
//!
//! Most of it is written before and after a step, when the kernel proper is in
//! nobody's hands. The hard thing is what the kernel reads of memory: that is
//! known only in the middle of a step, far down in it. So the devices are no
//! part of what the big lock protects, but have locks of their own. Only who
//! holds the big lock takes them, so that nobody ever waits for one.

use crate::log_device::LogDevice;
use biglock::BigLock;

/// A log, which may go nowhere.
pub struct Log(BigLock<Option<LogDevice>>);

/// The log for replay.
pub static RECORD: Log = Log(BigLock::new(None));
/// The trace.
pub static TRACE: Log = Log(BigLock::new(None));

impl Log {
    /// From now on it goes to this device, if there is one.
    pub fn open(&self, device: Option<LogDevice>) {
        *self.0.lock(|| {}) = device;
    }

    /// Whether it goes anywhere.
    pub fn is_open(&self) -> bool {
        self.0.lock(|| {}).is_some()
    }

    /// Writes to it, if it goes anywhere. Whoever calls holds the big lock, and
    /// is not writing to it already.
    pub fn write(&self, write: impl FnOnce(&mut LogDevice)) {
        if let Some(device) = &mut *self.0.lock(|| {}) {
            write(device);
        }
    }
}
