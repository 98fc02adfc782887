//! The end of a run: switching the machine off.
//!
//! The hard thing is that PCs have no common way to do so. An emulator with the
//! debug-exit device turns what is written there into its exit status; otherwise the
//! ACPI register is tried, at the addresses that emulators use; a machine that has
//! neither stays halted.

use crate::machine::console::uart::Com1;
use crate::machine::x86::{self, Port};

/// Where `jostle` puts the emulator's debug-exit device.
pub const DEBUG_EXIT_PORT: u16 = 0xf4;
// SAFETY: (42) the emulator's debug-exit device; on other machines unused.
const DEBUG_EXIT: Port = unsafe { Port::new(DEBUG_EXIT_PORT) };
// SAFETY: (43) the power-management control registers of QEMU's chipsets and of
// Bochs's; writing there ends the machine.
const PM1A_CONTROL: [Port; 2] = unsafe { [Port::new(0x604), Port::new(0xb004)] };

/// The run ended as it should; the emulator exits with status 33.
const SUCCESS: u8 = 0x10;
/// The kernel panicked; the emulator exits with status 101.
pub const PANIC: u8 = 0x32;
/// Sleep enable, with sleep type 0: soft off on these chipsets.
const SOFT_OFF: u16 = 0x2000;

/// Switches the machine off after a run that ended as it should.
pub fn off() -> ! {
    Com1.drain();
    DEBUG_EXIT.write(SUCCESS);
    for register in &PM1A_CONTROL {
        register.write_u16(SOFT_OFF);
    }
    x86::halt_forever()
}

/// After a panic: ends the emulator with a verdict, or halts.
pub fn fail() -> ! {
    Com1.drain();
    DEBUG_EXIT.write(PANIC);
    x86::halt_forever()
}
