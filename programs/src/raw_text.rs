//! Text at an address that is no Rust object's: perhaps nothing is mapped there
//! before the first byte is touched.
//!
//! The hard thing is that touching it may enter a fault handler, which then
//! writes what is about to be read; so every byte is one volatile access.

use core::fmt::{self, Write};
use core::ptr::with_exposed_provenance_mut;

/// Text that ends with a NUL byte.
#[derive(Clone, Copy)]
pub struct RawText(u32);

impl RawText {
    /// The text at `address`.
    ///
    /// # Safety
    /// No Rust object lives there or as far behind as the text reaches; a fault
    /// may end the environment.
    pub unsafe fn at(address: u32) -> RawText {
        RawText(address)
    }

    /// Makes it `text`.
    pub fn set(self, text: fmt::Arguments) {
        let mut cursor = self;
        // Neither storing nor formatting fails here.
        let _ = cursor.write_fmt(text);
        cursor.store(0);
    }

    fn store(&mut self, byte: u8) {
        // SAFETY: as `at` says.
        unsafe { with_exposed_provenance_mut::<u8>(self.0 as usize).write_volatile(byte) };
        self.0 += 1;
    }
}

impl Write for RawText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.store(byte));
        Ok(())
    }
}

impl fmt::Display for RawText {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut address = self.0 as usize;
        loop {
            // SAFETY: as `at` says.
            match unsafe { with_exposed_provenance_mut::<u8>(address).read_volatile() } {
                0 => return Ok(()),
                byte => f.write_char(char::from(byte))?,
            }
            address += 1;
        }
    }
}
