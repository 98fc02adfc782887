//! Which table counts.
//!
//! Firmware leaves two that list the CPUs, and they may contradict each other.
//! Whichever is believed decides what is started; so the order, and what
//! happens when the better one is damaged, are held fast here.

use crate::machine::*;
use firmware::Topology;
use firmware::apic::{DEFAULT_LOCAL_APIC, MAX_CPUS};
use firmware::mp_table::MpError;
use firmware::topology::TopologySource;

#[test]
fn acpi_beats_the_mp_table() {
    let mut machine = acpi_machine(&[local_apic(0, 1), local_apic(1, 1), local_apic(2, 1)]);
    machine.put(MP_POINTER_AT, &mp_pointer(MP_CONFIG_AT, 0, 1));
    machine.put(MP_CONFIG_AT, &mp_config(&[mp_processor(0, 3)]));
    let topology = Topology::find(&machine, 0);
    assert_eq!(topology.source, TopologySource::Acpi);
    assert_eq!(topology.cpus.apic_ids(), [0, 1, 2]);
    assert!(!topology.imcr);
    // Without a MADT it counts after all.
    machine.put(MADT_AT, b"HPET");
    let topology = Topology::find(&machine, 0);
    assert_eq!(topology.source, TopologySource::MpTable);
    assert_eq!(topology.cpus.apic_ids(), [0]);
    assert!(topology.imcr);
}

#[test]
fn without_tables_the_boot_cpu_is_alone() {
    let topology = Topology::find(&Machine::new(), 3);
    assert_eq!(topology.source, TopologySource::Nothing(MpError::NotFound));
    assert_eq!(topology.cpus.apic_ids(), [3]);
    assert_eq!(topology.local_apic, DEFAULT_LOCAL_APIC);
}

#[test]
fn surplus_cpus_are_counted() {
    let entries: Vec<_> = (0..100).map(|id| local_apic(id * 2, 1)).collect();
    let topology = Topology::find(&acpi_machine(&entries), 198);
    assert_eq!(topology.cpus.apic_ids().len(), MAX_CPUS);
    assert_eq!(topology.cpus.apic_ids()[..3], [198, 0, 2]);
    assert_eq!(topology.cpus.ignored(), 100 - MAX_CPUS as u32);
}

/// A search costs the kernel a mapping for each read.
#[test]
fn a_search_takes_few_reads() {
    let machine = acpi_machine(&[local_apic(0, 1), local_apic(1, 1)]);
    Topology::find(&machine, 0);
    assert!(machine.reads.get() < 130, "{}", machine.reads.get());
    let machine = Machine::new();
    Topology::find(&machine, 0);
    assert!(machine.reads.get() < 210, "{}", machine.reads.get());
}

/// The 8254's wire: as the table says, or else as boards of its time have it.
#[test]
fn the_timer_has_its_input() {
    let first = io_apic(1, 0xFEC0_0000, 16);
    // Interrupt line 0 is the given one.
    let moved = |gsi| Bytes::default().raw(&[2, 10, 0, 0]).u32(gsi).u16(0).0;
    let input = |machine: Machine| {
        let topology = Topology::find(&machine, 0);
        let input = topology.timer_input();
        input.map(|(io_apic, input)| (io_apic.address, input))
    };
    let lines = [local_apic(0, 1), first.clone(), moved(18)];
    assert_eq!(input(acpi_machine(&lines)), Some((0xFEC0_0000, 2)));
    let plain = [local_apic(0, 1), io_apic(1, 0xFEC0_0000, 0)];
    assert_eq!(input(acpi_machine(&plain)), Some((0xFEC0_0000, 0)));
    // Below the first input: too high a number, as every input beyond the last.
    let strange = [local_apic(0, 1), first];
    assert!(input(acpi_machine(&strange)).is_some_and(|(_, input)| input > 255));
    let old = [mp_processor(0, 3), mp_io_apic(1, 1, 0xFEC0_0000)];
    assert_eq!(input(mp_machine(&old)), Some((0xFEC0_0000, 2)));
    assert_eq!(input(acpi_machine(&[local_apic(0, 1)])), None);
}
