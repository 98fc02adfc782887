//! The PS/2 mouse, as far as turning it on.
//!
//! The hard thing is that it shares its controller with the keyboard, which the
//! kernel reads at the same time: so nothing is read here but the status.
//! Source: IBM PS/2 Hardware Interface Technical Reference.

use user::{port, sys};

const DATA: u16 = 0x60;
const STATUS: u16 = 0x64;
/// In `STATUS`: what was written last has not been taken yet.
const WRITTEN: u8 = 0x02;
/// To `STATUS`: what is written to `DATA` next is the mouse's.
const TO_MOUSE: u8 = 0xd4;
/// To the mouse: report movements.
const REPORT: u8 = 0xf4;
/// Looks at the status before the controller is taken to be dead.
const PATIENCE: u32 = 1000;

/// Has the mouse report its movements from now on.
pub fn report() {
    write(STATUS, TO_MOUSE);
    write(DATA, REPORT);
}

fn write(to: u16, byte: u8) {
    for _ in 0..PATIENCE {
        // SAFETY: the keyboard controller has no access to memory.
        if unsafe { port::read8(STATUS) } & WRITTEN == 0 {
            break;
        }
        sys::yield_now();
    }
    // SAFETY: as above; and neither byte resets the processor.
    unsafe { port::write8(to, byte) };
}
