//! Which other CPUs there are, and their stacks.
//!
//! The hard thing is that the kernel's numbers are dense and the world is not:
//! APIC ids have gaps, and a CPU that the firmware lists may never come up. Its
//! number and stacks then go to the next one.

use super::memory::carve;
use crate::machine::address_space::{self, temporary::FirmwareMemory};
use crate::machine::console::say;
use crate::machine::smp::start::{self, Outcome};
use crate::machine::smp::{self, DOUBLE_FAULT_STACK, MACHINE_CHECK_STACK, TASK_STACK, lapic};
use crate::machine::x86::Port;
use abi::layout::KSTKSIZE;
use firmware::free::NoMemory;
use firmware::{FreeMemory, Topology};
use kcore::CpuId;

/// Asks the firmware which CPUs there are.
pub fn find(firmware: &FirmwareMemory) -> Topology {
    let topology = Topology::find(firmware, lapic::id() as u8);
    say!("SMP: CPU 0 found {} CPU(s)", topology.cpus.apic_ids().len());
    let ignored = topology.cpus.ignored();
    if ignored > 0 {
        say!("SMP: {ignored} CPUs too many, not started");
    }
    if topology.imcr {
        say!("SMP: Setting IMCR to switch from PIC mode to symmetric I/O mode");
        leave_pic_mode();
    }
    topology
}

/// Starts every CPU that the firmware lists, and gives CPU 0 its stacks for
/// task gates.
pub fn start(topology: &Topology, memory: &mut FreeMemory) {
    if map_task_stacks(CpuId(0), memory).is_err() {
        panic!("no memory for CPU 0's stacks");
    }
    let others = topology.cpus.apic_ids().get(1..).unwrap_or_default();
    if !others.is_empty() {
        start::copy_trampoline();
    }
    let mut next = CpuId(1);
    let mut has_stacks = false;
    for &apic_id in others {
        has_stacks = has_stacks || map_stacks(next, memory).is_ok();
        if !has_stacks {
            say!("SMP: no memory for the stacks of CPU {}", next.0);
            return;
        }
        match start::start(next, apic_id) {
            Outcome::Up => {
                say!("SMP: CPU {} starting", next.0);
                smp::note_up(next);
            }
            Outcome::NeverCame => {
                say!("SMP: the CPU with APIC id {apic_id} does not start, left out");
                continue;
            }
            Outcome::Unusable(why) => {
                say!("SMP: the CPU with APIC id {apic_id} {why}, left out");
            }
        }
        next.0 += 1;
        has_stacks = false;
    }
}

/// On very old boards: lets interrupts reach the APIC.
fn leave_pic_mode() {
    // SAFETY: (15) the interrupt mode configuration register; the firmware says
    // that it exists.
    let (select, value) = unsafe { (Port::new(0x22), Port::new(0x23)) };
    select.write(0x70);
    value.write(value.read() | 1);
}

fn map_stacks(cpu: CpuId, memory: &mut FreeMemory) -> Result<(), NoMemory> {
    address_space::map_stack(cpu, 0, carve(memory, KSTKSIZE)?);
    map_task_stacks(cpu, memory)
}

fn map_task_stacks(cpu: CpuId, memory: &mut FreeMemory) -> Result<(), NoMemory> {
    for below in [DOUBLE_FAULT_STACK, MACHINE_CHECK_STACK] {
        address_space::map_stack(cpu, below, carve(memory, TASK_STACK)?);
    }
    Ok(())
}
