//! RSDP, root tables and the MADT.

use crate::machine::*;
use firmware::acpi::madt::{Madt, Override};
use firmware::acpi::{MAX_TABLE, Rsdp};
use firmware::apic::{DEFAULT_LOCAL_APIC, IoApic};

fn ids(machine: &Machine) -> Option<Vec<u8>> {
    Madt::find(machine, 0).map(|madt| madt.cpus.apic_ids().to_vec())
}

#[test]
fn finds_cpus_through_the_rsdt() {
    let machine = acpi_machine(&[local_apic(0, 1), local_apic(2, 1), local_apic(9, 1)]);
    assert_eq!(ids(&machine), Some(vec![0, 2, 9]));
}

#[test]
fn a_broken_checksum_anywhere_hides_the_table() {
    let good = acpi_machine(&[local_apic(0, 1), local_apic(1, 1)]);
    for at in [RSDP_AT + 10, RSDT_AT + 30, MADT_AT + 50] {
        let mut bad = good.clone();
        bad.put(at, &[0x5A]);
        assert_eq!(ids(&bad), None, "{at:#x}");
    }
}

#[test]
fn the_ebda_comes_first() {
    let mut machine = acpi_machine(&[local_apic(0, 1), local_apic(1, 1)]);
    let other = 0x20_0000;
    machine.put_u16(0x40E, 0x9FC0);
    machine.put(0x9_FC30, &rsdp(other, None));
    machine.put(
        other,
        &acpi_table(b"RSDT", &Bytes::default().u32(other + 0x1000).0),
    );
    machine.put(other + 0x1000, &madt(0xFEE0_0000, &[local_apic(7, 1)]));
    assert_eq!(ids(&machine), Some(vec![0, 7]));
    // Beyond its first KiB nothing is looked at, nor off a 16-byte boundary.
    machine.put_u16(0x40E, 0x9F80);
    assert_eq!(ids(&machine), Some(vec![0, 1]));
    machine.put_u16(0x40E, 0x9FC0);
    machine.put(0x9_FC30, &[0; 40]);
    machine.put(0x9_FC38, &rsdp(other, None));
    assert_eq!(ids(&machine), Some(vec![0, 1]));
}

#[test]
fn the_xsdt_is_used_where_it_can_be() {
    let xsdt = 0x06FF_0000u32;
    let mut machine = acpi_machine(&[local_apic(1, 1)]);
    machine.put(RSDP_AT, &rsdp(RSDT_AT, Some(xsdt.into())));
    let entries = Bytes::default()
        .u64(0x1_0000_0000)
        .u64(0)
        .u64(xsdt.into())
        .u64(0x06FF_1000);
    machine.put(xsdt, &acpi_table(b"XSDT", &entries.0));
    machine.put(0x06FF_1000, &madt(0xFEE0_0000, &[local_apic(5, 1)]));
    assert_eq!(ids(&machine), Some(vec![0, 5]));
    // Damaged, or above 4 GiB: back to the RSDT.
    machine.put(xsdt + 12, &[0x77]);
    assert_eq!(ids(&machine), Some(vec![0, 1]));
    for far in [0x2_0000_0000, 0] {
        machine.put(RSDP_AT, &rsdp(RSDT_AT, Some(far)));
        assert_eq!(ids(&machine), Some(vec![0, 1]));
    }
    // A bad extended part with a good old one.
    let mut pointer = rsdp(RSDT_AT, Some(xsdt.into()));
    pointer[32] ^= 1;
    machine.put(RSDP_AT, &pointer);
    assert_eq!(ids(&machine), Some(vec![0, 1]));
}

#[test]
fn which_entries_are_cpus() {
    let machine = acpi_machine(&[
        local_apic(3, 0), // disabled
        local_apic(4, 2), // could be plugged in
        local_apic(5, 3),
        local_x2apic(6, 1),
        local_x2apic(7, 0),
        local_x2apic(254, 1),
        local_x2apic(255, 1), // everybody
        local_x2apic(256, 1), // out of the xAPIC's reach
        local_apic(255, 1),
        local_apic(6, 1), // again
        local_apic(0, 1), // the boot CPU, last
    ]);
    assert_eq!(ids(&machine), Some(vec![0, 5, 6, 254]));
    let madt = Madt::find(&machine, 6).unwrap();
    assert_eq!(madt.cpus.apic_ids(), [6, 5, 254, 0]);
}

#[test]
fn interrupt_controllers() {
    let address = |to: u64| Bytes::default().raw(&[5, 12, 0, 0]).u64(to).0;
    let timer = Bytes::default().raw(&[2, 10, 0, 0]).u32(2).u16(0).0;
    let sci = Bytes::default().raw(&[2, 10, 0, 9]).u32(9).u16(13).0;
    let entries = [
        io_apic(4, 0xFEC0_0000, 0),
        timer,
        sci,
        address(0xFED0_0000),
        address(0x1_0000_0000),
        address(0xFED0_0001),
        address(0),
    ];
    let madt = Madt::find(&acpi_machine(&entries), 0).unwrap();
    assert_eq!(madt.local_apic, 0xFED0_0000);
    let expected = IoApic {
        id: 4,
        address: 0xFEC0_0000,
        gsi_base: 0,
    };
    assert_eq!(madt.io_apics.as_slice(), [expected]);
    assert_eq!(
        madt.overrides.as_slice(),
        [
            Override {
                irq: 0,
                gsi: 2,
                flags: 0
            },
            Override {
                irq: 9,
                gsi: 9,
                flags: 13
            },
        ]
    );
    let many: Vec<_> = (0..40).map(|id| io_apic(id, 0xFEC0_0000, 0)).collect();
    assert_eq!(
        Madt::find(&acpi_machine(&many), 0).unwrap().io_apics.len(),
        8
    );
}

#[test]
fn a_walk_ends_at_nonsense() {
    let zero_length = vec![0, 0, 9, 9, 1, 0, 0, 0];
    let machine = acpi_machine(&[local_apic(1, 1), zero_length, local_apic(2, 1)]);
    assert_eq!(ids(&machine), Some(vec![0, 1]));
    let too_long = vec![0, 200, 9, 9, 1, 0, 0, 0];
    let machine = acpi_machine(&[local_apic(1, 1), too_long]);
    assert_eq!(ids(&machine), Some(vec![0, 1]));
    let too_short = vec![0, 6, 9, 9, 1, 0];
    let machine = acpi_machine(&[too_short, [77, 30].repeat(15), local_apic(1, 1)]);
    assert_eq!(ids(&machine), Some(vec![0, 1]));
    // No entries, and not even a header's worth of body.
    let mut machine = acpi_machine(&[]);
    assert_eq!(ids(&machine), Some(vec![0]));
    machine.put(MADT_AT, &acpi_table(b"APIC", &[]));
    assert_eq!(ids(&machine), None);
    machine.put(MADT_AT, &madt(0, &[]));
    assert_eq!(
        Madt::find(&machine, 0).unwrap().local_apic,
        DEFAULT_LOCAL_APIC
    );
}

#[test]
fn a_root_that_points_to_itself_is_harmless() {
    let mut machine = acpi_machine(&[]);
    let root = Bytes::default()
        .u32(RSDT_AT)
        .u32(0xFFFF_FFFF)
        .u32(0xFFFF_FFF0);
    machine.put(RSDT_AT, &acpi_table(b"RSDT", &root.0));
    assert_eq!(ids(&machine), None);
    assert!(Rsdp::find(&machine).is_some());
}

#[test]
fn absurd_lengths_are_refused() {
    let mut machine = acpi_machine(&[]);
    for len in [0, 35, MAX_TABLE + 1, u32::MAX] {
        machine.put(RSDT_AT + 4, &len.to_le_bytes());
        let sum = machine.bytes_read.get();
        assert_eq!(ids(&machine), None);
        assert!(machine.bytes_read.get() - sum < 200_000);
    }
}
