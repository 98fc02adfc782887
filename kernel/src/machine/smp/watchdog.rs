//! A heartbeat that no program can mask, against a CPU that takes no interrupts.
//!
//! User mode runs with interrupts on, and according to the manual no program can
//! turn them off. But some emulators (QEMU 7.2 among them) have an `iret` that
//! lets a program enter virtual-8086 mode with any flags, and there it could keep
//! its CPU for ever. So the 8254's first channel sends every CPU a non-maskable
//! interrupt, 18 times a second; its stub looks for just that state, and turns it
//! into a general protection fault.
//!
//! The hard thing is what *not* to do: an NMI may come anywhere, so unless it
//! interrupted that impossible program the stub only counts it. Machines without
//! an I/O APIC have no watchdog. Source: Intel 82093AA data sheet.

use super::io_apic::IoApic;
use crate::machine::x86::Port;
use firmware::Topology;

/// Delivered as NMI to logical ids; edge, active high, not masked.
const AS_NMI: u32 = 0xc00;
/// Every CPU that has a logical id. A CPU that was never started has none, which is
/// right: it has no handler either.
const TO_ALL: u32 = 0xff << 24;

// SAFETY: (67) the 8254's ports; it does not touch memory.
const CHANNEL_0: Port = unsafe { Port::new(0x40) };
// SAFETY: (68) as above.
const COMMAND: Port = unsafe { Port::new(0x43) };

/// Starts the heartbeat. All CPUs that are up have loaded their interrupt table.
pub fn start(topology: &Topology) {
    let Some((io_apic, input)) = topology.timer_input() else {
        return;
    };
    let registers = IoApic::at(io_apic.address);
    if input >= registers.inputs() {
        return;
    }
    COMMAND.write(0x34); // channel 0, two bytes, mode 2: periodic
    CHANNEL_0.write(0); // 65,536 ticks
    CHANNEL_0.write(0);
    registers.set(input, TO_ALL, AS_NMI);
}
