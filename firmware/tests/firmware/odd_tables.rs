//! Lists of CPUs laid out as no firmware should, and as some do: what can be
//! believed is, and nothing else.
//!
//! The hard thing is to damage one place and leave all sums right: a bad sum would
//! hide what is meant to be seen.

use crate::machine::*;
use firmware::acpi::madt::Madt;
use firmware::apic::MAX_CPUS;

/// Where further tables go.
const OTHER: u32 = 0x06FF_0003;
const SECOND: u32 = 0x06FF_2000;
const BOOT: u8 = 0;

/// What is odd, how it comes about, and the CPUs then; `None` for no list.
type Case = (&'static str, fn(&mut Machine), Option<&'static [u8]>);

const CASES: [Case; 20] = [
    ("two lists", two_lists, Some(&[0, 7])),
    ("the first is damaged", first_is_damaged, Some(&[0, 1, 2])),
    ("the same list twice", same_twice, Some(&[0, 1, 2])),
    ("no list in the XSDT", none_in_xsdt, Some(&[0, 1, 2])),
    ("half an entry in the RSDT", half_an_entry, Some(&[0, 7])),
    ("only half an entry", only_half, None),
    ("at the very end of the area", at_the_end, Some(&[0, 1, 2])),
    ("half beyond the area", beyond_the_area, Some(&[0, 1, 2])),
    ("a bad pointer first", bad_pointer_first, Some(&[0, 1, 2])),
    ("a bad pointer in the EBDA", bad_in_ebda, Some(&[0, 1, 2])),
    ("an EBDA at the top", ebda_at_the_top, Some(&[0, 1, 2])),
    (
        "an old pointer with an XSDT",
        old_with_xsdt,
        Some(&[0, 1, 2]),
    ),
    ("an endless extension", endless, Some(&[0, 1, 2])),
    ("the RSDT is the pointer", root_is_pointer, None),
    ("an RSDT for an XSDT", rsdt_for_xsdt, Some(&[0, 1, 2])),
    ("a list by another name", other_name, None),
    ("across 4 GiB", across_four_gib, None),
    ("cut in an entry", cut, Some(&[0, 1])),
    ("one byte left over", one_byte_more, Some(&[0, 1, 2])),
    ("the boot CPU is disabled", disabled, Some(&[0, 2])),
];

#[test]
fn odd_layouts() {
    for (what, change, wanted) in CASES {
        let mut machine = acpi_machine(&[local_apic(1, 1), local_apic(2, 1)]);
        change(&mut machine);
        let found = Madt::find(&machine, BOOT).map(|madt| madt.cpus.apic_ids().to_vec());
        assert_eq!(found.as_deref(), wanted, "{what}");
        assert!(machine.bytes_read.get() < 1_000_000, "{what}");
    }
}

/// Lists of seven, at [`OTHER`].
fn seven(machine: &mut Machine) {
    machine.put(OTHER, &madt(0xFEE0_0000, &[local_apic(7, 1)]));
}

fn root(machine: &mut Machine, entries: &[u8]) {
    machine.put(RSDT_AT, &acpi_table(b"RSDT", entries));
}

fn words(entries: &[u32]) -> Vec<u8> {
    entries
        .iter()
        .flat_map(|entry| entry.to_le_bytes())
        .collect()
}

fn two_lists(machine: &mut Machine) {
    seven(machine);
    root(machine, &words(&[OTHER, MADT_AT]));
}

fn first_is_damaged(machine: &mut Machine) {
    seven(machine);
    machine.put(OTHER + 20, b"!");
    root(machine, &words(&[OTHER, MADT_AT]));
}

fn same_twice(machine: &mut Machine) {
    root(machine, &words(&[MADT_AT, MADT_AT]));
}

fn none_in_xsdt(machine: &mut Machine) {
    let entries = Bytes::default().u64(RSDT_AT.into()).u64(SECOND.into());
    machine.put(OTHER, &acpi_table(b"XSDT", &entries.0));
    machine.put(SECOND, &acpi_table(b"FACP", &[0; 80]));
    machine.put(RSDP_AT, &rsdp(RSDT_AT, Some(OTHER.into())));
}

fn half_an_entry(machine: &mut Machine) {
    seven(machine);
    let mut entries = words(&[OTHER, MADT_AT]);
    entries.truncate(6);
    root(machine, &entries);
}

fn only_half(machine: &mut Machine) {
    let mut entries = words(&[MADT_AT]);
    entries.truncate(3);
    root(machine, &entries);
}

fn at_the_end(machine: &mut Machine) {
    machine.put(RSDP_AT, &[0; 36]);
    machine.put(0xF_FFE0, &rsdp(RSDT_AT, None));
}

/// It begins in the area, and its extension is behind that.
fn beyond_the_area(machine: &mut Machine) {
    seven(machine);
    let entries = Bytes::default().u64(MADT_AT.into());
    machine.put(SECOND, &acpi_table(b"XSDT", &entries.0));
    machine.put(RSDP_AT, &[0; 36]);
    root(machine, &words(&[OTHER]));
    machine.put(0xF_FFF0, &rsdp(RSDT_AT, Some(SECOND.into())));
}

fn bad_pointer_first(machine: &mut Machine) {
    let mut bad = rsdp(OTHER, None);
    bad[9] ^= 1;
    machine.put(RSDP_AT - 0x40, &bad);
}

fn bad_in_ebda(machine: &mut Machine) {
    machine.put_u16(0x40E, 0x9FC0);
    let mut bad = rsdp(OTHER, None);
    bad[19] ^= 0x80;
    machine.put(0x9_FC00, &bad);
}

fn ebda_at_the_top(machine: &mut Machine) {
    machine.put_u16(0x40E, 0xFFFF);
}

fn old_with_xsdt(machine: &mut Machine) {
    seven(machine);
    let entries = Bytes::default().u64(OTHER.into());
    machine.put(SECOND, &acpi_table(b"XSDT", &entries.0));
    let mut pointer = rsdp(RSDT_AT, Some(SECOND.into()));
    pointer[15] = 1;
    let pointer = Bytes(pointer).checksum(8, 20).checksum(32, 36);
    machine.put(RSDP_AT, &pointer.0);
}

fn endless(machine: &mut Machine) {
    seven(machine);
    let entries = Bytes::default().u64(OTHER.into());
    machine.put(SECOND, &acpi_table(b"XSDT", &entries.0));
    let mut pointer = rsdp(RSDT_AT, Some(SECOND.into()));
    pointer[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
    machine.put(RSDP_AT, &pointer);
}

fn root_is_pointer(machine: &mut Machine) {
    machine.put(RSDP_AT, &rsdp(RSDP_AT, None));
}

/// Its entries are half as wide.
fn rsdt_for_xsdt(machine: &mut Machine) {
    seven(machine);
    machine.put(SECOND, &acpi_table(b"RSDT", &words(&[OTHER])));
    machine.put(RSDP_AT, &rsdp(RSDT_AT, Some(SECOND.into())));
}

fn other_name(machine: &mut Machine) {
    machine.put(OTHER, &acpi_table(b"apic", &[0; 24]));
    root(machine, &words(&[OTHER]));
}

fn across_four_gib(machine: &mut Machine) {
    let end = u32::MAX - 39;
    machine.put(end, &madt(0xFEE0_0000, &[local_apic(7, 1)])[..40]);
    root(machine, &words(&[end]));
}

/// The table's length says that its last entry is shorter than itself.
fn cut(machine: &mut Machine) {
    relength(machine, 44 + 8 + 7);
}

fn one_byte_more(machine: &mut Machine) {
    relength(machine, 44 + 16 + 1);
}

fn relength(machine: &mut Machine, len: usize) {
    let mut table = madt(0xFEE0_0000, &[local_apic(1, 1), local_apic(2, 1)]);
    table.resize(len, 0);
    table[4..8].copy_from_slice(&(len as u32).to_le_bytes());
    machine.put(MADT_AT, &Bytes(table).checksum(9, len).0);
}

fn disabled(machine: &mut Machine) {
    let entries = [local_apic(BOOT, 0), local_apic(2, 1), local_apic(1, 2)];
    machine.put(MADT_AT, &madt(0xFEE0_0000, &entries));
}

#[test]
fn more_cpus_than_there_can_be() {
    let entries: Vec<_> = (0..=255).rev().map(|id| local_apic(id, 1)).collect();
    let twice = [entries.clone(), entries].concat();
    let madt = Madt::find(&acpi_machine(&twice), BOOT).expect("a list");
    let first: Vec<u8> = (224..=254).rev().collect();
    assert_eq!(madt.cpus.apic_ids()[0], BOOT);
    assert_eq!(madt.cpus.apic_ids()[1..], first);
    assert_eq!(madt.cpus.apic_ids().len(), MAX_CPUS);
    // Ids 1 to 223, each of them twice.
    assert_eq!(madt.cpus.ignored(), 2 * 223);
}
