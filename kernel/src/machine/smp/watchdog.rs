//! A heartbeat that cannot be masked, against a CPU that hears no interrupts.
//!
//! User mode runs with interrupts on, and no program can turn them off; so
//! says the manual. But emulators exist (QEMU's own, 7.2 among them) whose
//! `iret` lets a program enter virtual-8086 mode with any flags, and there it
//! could keep its CPU for ever. So the 8254's first channel sends every CPU a
//! non-maskable interrupt, 18 times a second; its stub looks for just that
//! state, and makes a general protection fault of it.
//!
//! The hard thing is what *not* to do: an NMI may come anywhere, so unless it
//! interrupted that impossible program it counts and returns. Machines without
//! an I/O APIC have no watchdog. Source: Intel 82093AA data sheet.

use super::io_apic::IoApic;
use crate::machine::x86::Port;
use firmware::Topology;
use firmware::topology::TopologySource;

/// Delivered as NMI to logical ids; edge, active high, not masked.
const AS_NMI: u32 = 0xc00;
/// Whoever has a logical id. A CPU that was never started has none, and that
/// is well: it has no handler either.
const TO_ALL: u32 = 0xff << 24;
/// The line of the 8254's first channel.
const TIMER_LINE: u8 = 0;

// SAFETY: (67) the 8254's ports; it does not touch memory.
const CHANNEL_0: Port = unsafe { Port::new(0x40) };
// SAFETY: (68) as above.
const COMMAND: Port = unsafe { Port::new(0x43) };

/// Starts the heartbeat. All CPUs that are up have their interrupt table.
pub fn start(topology: &Topology) {
    let wired = topology
        .overrides
        .iter()
        .find(|wire| wire.irq == TIMER_LINE);
    let input = match (wired, topology.source) {
        (Some(wire), _) => wire.gsi,
        (None, TopologySource::Acpi) => 0,
        (None, _) => 2, // as on every board of those days
    };
    let Some(io_apic) = topology.io_apics.first() else {
        return;
    };
    let registers = IoApic::at(io_apic.address);
    let Some(input) = input
        .checked_sub(io_apic.gsi_base)
        .filter(|&input| input < registers.inputs())
    else {
        return;
    };
    COMMAND.write(0x34); // channel 0, two bytes, mode 2: periodic
    CHANNEL_0.write(0); // 65,536 ticks
    CHANNEL_0.write(0);
    registers.set(input, TO_ALL, AS_NMI);
}
