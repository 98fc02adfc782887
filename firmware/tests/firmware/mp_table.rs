//! The MP table: where it is looked for, and what is refused.

use crate::machine::*;
use firmware::mp_table::{MpError, MpTable};

fn ids(machine: &Machine) -> Result<Vec<u8>, MpError> {
    MpTable::find(machine, 0).map(|table| table.cpus.apic_ids().to_vec())
}

/// A second table, at 2 MiB, with CPU 9, for a pointer to be put elsewhere.
fn with_other_table() -> Machine {
    let mut machine = mp_machine(&[mp_processor(0, 3), mp_processor(1, 1)]);
    machine.put(0x20_0000, &mp_config(&[mp_processor(9, 1)]));
    machine
}

#[test]
fn reads_all_kinds_of_entries() {
    let machine = mp_machine(&[
        mp_processor(4, 3),
        mp_processor(2, 1),
        mp_processor(3, 0),
        mp_short(1),
        mp_io_apic(8, 1, 0xFEC0_0000),
        mp_io_apic(9, 0, 0xFEC1_0000),
        mp_short(3),
        mp_short(4),
        mp_processor(6, 1),
    ]);
    let table = MpTable::find(&machine, 4).unwrap();
    assert_eq!(table.cpus.apic_ids(), [4, 2, 6]);
    assert_eq!(table.marked_boot_id, Some(4));
    assert_eq!((table.local_apic, table.imcr), (0xFEE0_0000, false));
    assert_eq!(table.io_apics.len(), 1);
    assert_eq!(table.io_apics[0].id, 8);
}

#[test]
fn the_running_cpu_decides_who_is_first() {
    let machine = mp_machine(&[mp_processor(0, 3), mp_processor(1, 1)]);
    let table = MpTable::find(&machine, 1).unwrap();
    assert_eq!(table.cpus.apic_ids(), [1, 0]);
    assert_eq!(table.marked_boot_id, Some(0));
}

#[test]
fn search_order() {
    let pointer = mp_pointer(0x20_0000, 0, 0);
    // The EBDA, in its first KiB.
    let mut machine = with_other_table();
    machine.put_u16(0x40E, 0x9F00);
    machine.put(0x9_F3F0, &pointer);
    assert_eq!(ids(&machine), Ok(vec![0, 9]));
    // Base memory's last KiB only if there is no EBDA.
    let mut machine = with_other_table();
    machine.put_u16(0x413, 639);
    machine.put(638 << 10, &pointer);
    assert_eq!(ids(&machine), Ok(vec![0, 9]));
    machine.put_u16(0x40E, 0x9000);
    assert_eq!(ids(&machine), Ok(vec![0, 1]));
    // The BIOS area begins at 0xF0000.
    let mut machine = with_other_table();
    machine.put(MP_POINTER_AT, &[0; 16]);
    assert_eq!(ids(&machine), Err(MpError::NotFound));
    machine.put(0xE_FFF0, &pointer);
    assert_eq!(ids(&machine), Err(MpError::NotFound));
    machine.put(0xF_FFF0, &pointer);
    assert_eq!(ids(&machine), Ok(vec![0, 9]));
    // One with a bad checksum does not hide a good one.
    let mut bad = pointer;
    bad[10] ^= 1;
    let mut machine = with_other_table();
    machine.put(0xF_0000, &bad);
    assert_eq!(ids(&machine), Ok(vec![0, 1]));
}

#[test]
fn default_configurations_are_refused() {
    let mut machine = mp_machine(&[]);
    machine.put(MP_POINTER_AT, &mp_pointer(MP_CONFIG_AT, 5, 0));
    assert_eq!(ids(&machine), Err(MpError::DefaultConfiguration));
    machine.put(MP_POINTER_AT, &mp_pointer(0, 0, 0));
    assert_eq!(ids(&machine), Err(MpError::DefaultConfiguration));
}

#[test]
fn the_imcr_byte() {
    let mut machine = mp_machine(&[]);
    machine.put(MP_POINTER_AT, &mp_pointer(MP_CONFIG_AT, 0, 0x80));
    assert!(MpTable::find(&machine, 0).unwrap().imcr);
}

fn config_with(change: impl Fn(&mut Vec<u8>)) -> Result<Vec<u8>, MpError> {
    let mut machine = mp_machine(&[]);
    let mut config = mp_config(&[mp_processor(0, 3), mp_processor(1, 1)]);
    change(&mut config);
    let len = config.len().min(84);
    let config = Bytes(config).checksum(7, len).0;
    machine.put(MP_CONFIG_AT, &config);
    ids(&machine)
}

#[test]
fn header_checks() {
    assert_eq!(config_with(|_| ()), Ok(vec![0, 1]));
    assert_eq!(config_with(|c| c[6] = 1), Ok(vec![0, 1]));
    assert_eq!(config_with(|c| c[6] = 2), Err(MpError::BadTable));
    assert_eq!(config_with(|c| c[0] = b'X'), Err(MpError::BadTable));
    assert_eq!(config_with(|c| c[4] = 43), Err(MpError::BadTable));
    let mut machine = mp_machine(&[]);
    machine.put(MP_CONFIG_AT + 7, &[1]);
    assert_eq!(ids(&machine), Err(MpError::BadTable));
    machine.put(MP_POINTER_AT, &mp_pointer(0xFFFF_FFF0, 0, 0));
    assert_eq!(ids(&machine), Err(MpError::BadTable));
}

#[test]
fn the_extended_table_is_checked() {
    let extend = |sum: u8| {
        config_with(move |config| {
            config[40] = 3;
            config[42] = sum;
            config.extend([1, 2, 3]);
        })
    };
    assert_eq!(extend(0u8.wrapping_sub(6)), Ok(vec![0, 1]));
    assert_eq!(extend(0), Err(MpError::BadExtendedTable));
    assert_eq!(config_with(|c| c[42] = 9), Err(MpError::BadExtendedTable));
}

#[test]
fn entries_must_be_known_and_fit() {
    assert_eq!(config_with(|c| c[44] = 5), Err(MpError::BadEntry));
    assert_eq!(config_with(|c| c[34] = 3), Err(MpError::BadEntry));
    assert_eq!(config_with(|c| c[34] = 1), Ok(vec![0]));
}
