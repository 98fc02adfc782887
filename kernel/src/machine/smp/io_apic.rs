//! The I/O APICs, which bring devices' interrupts to the local ones.
//!
//! We take devices' interrupts from the old controllers, so all that is wanted of
//! these is silence, but for one input, see [`super::watchdog`]. The hard thing is
//! that firmware or an earlier system may have left inputs open, with vectors of its
//! own; so all are closed before any CPU lets interrupts in. Source: Intel
//! 82093AA data sheet.

use crate::machine::address_space;
use firmware::Topology;

const SELECT: u32 = 0;
const WINDOW: u32 = 0x10;
/// Register whose third byte is the number of the last input.
const VERSION: u32 = 1;
/// Register of the first input's low word; each input has two.
const FIRST_INPUT: u32 = 0x10;
const MASKED: u32 = 0x1_0000;
const DELIVERY_MODE: u32 = 0x700;
/// The delivery mode in which a controller of the old kind says the vector.
const EXTERNAL: u32 = 0x700;

/// The registers of one I/O APIC. There is one of these at a time.
pub struct IoApic {
    registers: u32,
}

impl IoApic {
    /// The one at this physical address.
    pub fn at(address: u32) -> IoApic {
        IoApic {
            registers: address_space::map_io_apic(address),
        }
    }

    fn select(&self, register: u32) -> *mut u32 {
        // SAFETY: (69) mapped; the I/O APIC does not touch memory.
        unsafe { ((self.registers + SELECT) as *mut u32).write_volatile(register) };
        (self.registers + WINDOW) as *mut u32
    }

    /// How many inputs it has.
    pub fn inputs(&self) -> u32 {
        // SAFETY: (103) as above.
        let version = unsafe { self.select(VERSION).read_volatile() };
        (version >> 16 & 0xff) + 1
    }

    /// Whether an input is open and its interrupts are the old controllers'.
    fn brings_old_controllers(&self, input: u32) -> bool {
        // SAFETY: (106) as above.
        let low = unsafe { self.select(FIRST_INPUT + 2 * input).read_volatile() };
        low & (MASKED | DELIVERY_MODE) == EXTERNAL
    }

    /// Sets an input: to whom, and what.
    pub fn set(&self, input: u32, high: u32, low: u32) {
        let first = FIRST_INPUT + 2 * input;
        for (register, value) in [(first, MASKED), (first + 1, high), (first, low)] {
            // SAFETY: (104) as above.
            unsafe { self.select(register).write_volatile(value) };
        }
    }
}

/// Closes all inputs, but for one by which the old controllers reach a CPU on
/// some boards.
pub fn silence(topology: &Topology) {
    for io_apic in &topology.io_apics {
        let registers = IoApic::at(io_apic.address);
        for input in 0..registers.inputs() {
            if !registers.brings_old_controllers(input) {
                registers.set(input, 0, MASKED);
            }
        }
    }
}
