//! Bytes of a serial line that nobody typed.
//!
//! A break (the line held low for longer than a byte takes) arrives as a 0; a
//! byte with wrong parity or without its stop bit is noise. The status reports
//! each error once: any read of the status clears it. So errors are kept here until
//! their byte is read.
//!
//! The hard thing is which byte is meant. According to the data sheet, the oldest.
//! An emulator may report a break while typed bytes still come before its 0, and
//! several breaks only once. So a break discards all 0s until the port is empty, and
//! nothing else.

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

const PARITY: u8 = 0x04;
const FRAMING: u8 = 0x08;
const BREAK: u8 = 0x10;

/// Errors whose byte has not been read yet.
pub struct Errors(AtomicU8);

impl Errors {
    /// No errors.
    pub const fn new() -> Errors {
        Errors(AtomicU8::new(0))
    }

    /// Keeps the errors in a status, unless all bits read as ones: then there is no port.
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

    /// The port is empty, so no byte is left that an error could be about.
    #[inline(always)]
    pub fn forget(&self) {
        self.0.store(0, Relaxed);
    }

    /// Whether the byte just read was really sent.
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
