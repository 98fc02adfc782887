//! The console: COM1, first written synchronously, later by interrupts.
//!
//! Until the kernel proper exists, [`say!`] writes straight to the port. From
//! then on everything that is printed goes through the kernel's ring; only a
//! panic and the end of a run write straight to the port again. The hard thing
//! is that switch: whoever writes synchronously has to be alone.

pub mod pic;
pub mod uart;

use core::fmt;
use uart::COM1;

/// Writes to the port and waits; for CPU 0 while it is alone, and for whoever
/// has stopped all others.
pub struct Synchronous;

impl fmt::Write for Synchronous {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        COM1.write_waiting(text.as_bytes());
        Ok(())
    }
}

/// Prints a line synchronously.
macro_rules! say {
    ($($arg:tt)*) => {{
        use core::fmt::Write as _;
        // Writing to the port cannot fail.
        let _ = writeln!($crate::console::Synchronous, $($arg)*);
    }};
}
pub(crate) use say;

/// Lets the port interrupt CPU 0.
pub fn enable_interrupts() {
    pic::init();
    COM1.enable_interrupts();
    say!("enabled interrupts: {} {}", pic::CASCADE, pic::SERIAL);
}

/// Writes out whatever is still in the kernel's ring. For whoever has the
/// kernel for good.
pub fn flush(ring: &mut kcore::console::Console<'_>) {
    for byte in ring.drain() {
        COM1.write_waiting(&[byte]);
    }
}
