//! The I/O APICs, which pass devices' interrupts to the local ones.
//!
//! Our devices' interrupts come through the old controllers, so these must only be
//! silent, apart from one input (see [`super::watchdog`]). The hard thing is that
//! firmware or an earlier system may have left inputs open, with vectors of its
//! own; so all are closed before any CPU lets interrupts in. Source: Intel
//! 82093AA data sheet.

use crate::machine::address_space;
use firmware::Topology;

const SELECT: u32 = 0;
const WINDOW: u32 = 0x10;
/// Register whose third byte is the number of the last input.
const VERSION: u32 = 1;
/// Low word of the first input; each input has two words.
const FIRST_INPUT: u32 = 0x10;
const MASKED: u32 = 0x1_0000;
const DELIVERY_MODE: u32 = 0x700;
/// The delivery mode in which an old controller supplies the vector.
const EXTERNAL: u32 = 0x700;

/// The registers of one I/O APIC. Only one can be mapped at a time.
pub struct IoApic {
    registers: u32,
}

impl IoApic {
    /// The I/O APIC at this physical address.
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

    fn read(&self, register: u32) -> u32 {
        // SAFETY: (106) as in `select`.
        unsafe { self.select(register).read_volatile() }
    }

    /// The number of inputs.
    pub fn inputs(&self) -> u32 {
        (self.read(VERSION) >> 16 & 0xff) + 1
    }

    /// Whether an input is open and connects the old controllers.
    fn connects_old_controllers(&self, input: u32) -> bool {
        self.read(FIRST_INPUT + 2 * input) & (MASKED | DELIVERY_MODE) == EXTERNAL
    }

    /// Sets an input: the destination in `high`, the rest in `low`. It is masked
    /// while the two do not match.
    pub fn set(&self, input: u32, high: u32, low: u32) {
        let first = FIRST_INPUT + 2 * input;
        for (register, value) in [(first, MASKED), (first + 1, high), (first, low)] {
            // SAFETY: (107) as in `select`.
            unsafe { self.select(register).write_volatile(value) };
        }
    }
}

/// Closes all inputs but the one through which the old controllers reach a CPU on
/// some boards.
pub fn silence(topology: &Topology) {
    for io_apic in &topology.io_apics {
        let registers = IoApic::at(io_apic.address);
        for input in 0..registers.inputs() {
            if !registers.connects_old_controllers(input) {
                registers.set(input, 0, MASKED);
            }
        }
    }
}
