//! The end of a run: the machine is switched off.
//!
//! The hard thing is that there is no one way to switch a PC off. Under an
//! emulator with the debug-exit device the verdict is written there and becomes
//! its exit status; else the ACPI register at the address that emulators use is
//! tried; a machine that has neither is left halted.

use crate::machine::console::uart::COM1;
use crate::machine::x86::{self, Port};

/// Where the emulator's debug-exit device is put.
pub const DEBUG_EXIT_PORT: u16 = 0xf4;
// SAFETY: (42) the emulator's debug-exit device; on other machines unused.
const DEBUG_EXIT: Port = unsafe { Port::new(DEBUG_EXIT_PORT) };
// SAFETY: (43) the power-management control register of QEMU's chipsets; writing
// it ends the machine.
const PM1A_CONTROL: Port = unsafe { Port::new(0x604) };

/// A run that ended as it should; the emulator exits with 33.
const SUCCESS: u8 = 0x10;
/// The kernel panicked; the emulator exits with 101.
pub const PANIC: u8 = 0x32;
/// Sleep enable, sleep type 0, which is "off" there.
const SOFT_OFF: u16 = 0x2000;

/// Switches the machine off: the run ended as it should.
pub fn off() -> ! {
    COM1.drain();
    DEBUG_EXIT.write(SUCCESS);
    PM1A_CONTROL.write_u16(SOFT_OFF);
    x86::halt_forever()
}

/// After a panic: tells the emulator, or stops.
pub fn fail() -> ! {
    COM1.drain();
    DEBUG_EXIT.write(PANIC);
    x86::halt_forever()
}
