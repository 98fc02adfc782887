//! Bytes of a serial line that nobody typed.
//!
//! A break (the line held low for longer than a byte lasts) arrives as a 0; a
//! byte with a wrong parity or without its stop bit is noise. The status says
//! so, once: reading it for whatever reason clears it. So what it said is kept
//! here until the byte is read.
//!
//! The hard thing is which byte is meant. The data sheet says the oldest. An
//! emulator may tell of a break as soon as it is asked for one, with typed bytes
//! still before its 0, and of several only once. So a break costs whatever 0s
//! come before the port is empty, and nothing else.

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

const PARITY: u8 = 0x04;
const FRAMING: u8 = 0x08;
const BREAK: u8 = 0x10;

/// What the status said that has found no byte yet.
pub struct Errors(AtomicU8);

impl Errors {
    /// Nothing was wrong.
    pub const fn new() -> Errors {
        Errors(AtomicU8::new(0))
    }

    /// Keeps what a status says of errors. One of a port that is not there says
    /// nothing.
    #[inline(always)]
    pub fn note(&self, status: u8) {
        if status & (PARITY | FRAMING | BREAK) != 0 && status != 0xff {
            let errors = match status & BREAK {
                // A break has no stop bit either.
                0 => status & (PARITY | FRAMING),
                _ => BREAK,
            };
            self.0.store(self.0.load(Relaxed) | errors, Relaxed);
        }
    }

    /// Nothing is left of what they were about.
    #[inline(always)]
    pub fn forget(&self) {
        self.0.store(0, Relaxed);
    }

    /// Whether the byte that was read now is one that was sent.
    #[inline(always)]
    pub fn is_good(&self, byte: u8) -> bool {
        let errors = self.0.load(Relaxed);
        errors == 0 || self.is_good_after(errors, byte)
    }

    #[cold]
    fn is_good_after(&self, errors: u8, byte: u8) -> bool {
        self.0.store(errors & BREAK, Relaxed);
        errors & !BREAK == 0 && byte != 0
    }
}
