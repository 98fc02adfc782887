//! Mutated tables: nothing panics, and no walk gets long.

use crate::machine::*;
use firmware::multiboot::MAGIC;
use firmware::{ModuleString, MultibootInfo, Topology};
use proptest::prelude::*;

/// The most bytes that one look at all tables may read: a few tables of the
/// greatest size, and the search areas.
const MOST_BYTES: u64 = 3_000_000;

/// Where a mutation goes (an offset into some table) and what is put there.
fn mutations() -> impl Strategy<Value = Vec<(usize, u32, Vec<u8>)>> {
    let interesting = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..5),
        Just(vec![0xFF; 4]),
        Just(vec![0; 4]),
        Just(vec![0xFF, 0xFF, 0xFF, 0x7F]),
        Just(vec![0, 0, 1, 0]),
    ];
    prop::collection::vec((0usize..8, 0u32..90, interesting), 1..6)
}

fn mutate(machine: &mut Machine, bases: &[u32], mutations: &[(usize, u32, Vec<u8>)]) {
    for (base, offset, bytes) in mutations {
        machine.put(bases[base % bases.len()] + offset, bytes);
    }
}

/// Repairs a checksum so that the mutation is looked at, not just refused.
fn repair(machine: &mut Machine, pa: u32, at: u32, len: u32) {
    use firmware::PhysBytes;
    let mut bytes = vec![0; len as usize];
    for (chunk, pa) in bytes.chunks_mut(1024).zip((pa..).step_by(1024)) {
        assert!(machine.read(pa, chunk));
    }
    let bytes = Bytes(bytes).checksum(at as usize, len as usize).0;
    machine.put(pa + at, &[bytes[at as usize]]);
}

fn length_field(machine: &Machine, pa: u32, width: usize) -> u32 {
    use firmware::PhysBytes;
    let mut bytes = [0; 4];
    assert!(machine.read(pa + 4, &mut bytes[..width]));
    u32::from_le_bytes(bytes).min(70_000)
}

fn check(machine: &Machine) -> Result<(), TestCaseError> {
    machine.bytes_read.set(0);
    let topology = Topology::find(machine, 1);
    prop_assert!(machine.bytes_read.get() < MOST_BYTES);
    let ids = topology.cpus.apic_ids();
    prop_assert_eq!(ids[0], 1);
    let mut sorted = ids.to_vec();
    sorted.sort();
    sorted.dedup();
    prop_assert_eq!(sorted.len(), ids.len());
    prop_assert!(!ids.contains(&255));
    prop_assert_eq!(topology.local_apic % 0x1000, 0);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn mutated_acpi(mutations in mutations()) {
        let entries = [local_apic(0, 1), local_x2apic(4, 1), io_apic(2, 0xFEC0_0000, 0), local_apic(1, 1)];
        let mut machine = acpi_machine(&entries);
        mutate(&mut machine, &[RSDP_AT, RSDT_AT, MADT_AT, MADT_AT + 30], &mutations);
        check(&machine)?;
        repair(&mut machine, RSDP_AT, 8, 20);
        for pa in [RSDT_AT, MADT_AT] {
            let len = length_field(&machine, pa, 4).max(36);
            repair(&mut machine, pa, 9, len);
        }
        check(&machine)?;
    }

    #[test]
    fn mutated_mp_table(mutations in mutations()) {
        let entries = [mp_processor(0, 3), mp_short(1), mp_processor(7, 1), mp_io_apic(3, 1, 0xFEC0_0000)];
        let mut machine = mp_machine(&entries);
        machine.put_u16(0x413, 639);
        mutate(&mut machine, &[MP_POINTER_AT, MP_CONFIG_AT, MP_CONFIG_AT + 30, 0x40E], &mutations);
        check(&machine)?;
        repair(&mut machine, MP_POINTER_AT, 10, 16);
        let len = length_field(&machine, MP_CONFIG_AT, 2).max(44);
        repair(&mut machine, MP_CONFIG_AT, 7, len);
        check(&machine)?;
    }

    #[test]
    fn mutated_boot_information(mutations in mutations(), unreadable in prop::option::of(0u64..0x1_0000)) {
        let mut machine = map_machine(
            &[map_entry(0, 0x9_FC00, 1), map_entry(1 << 20, 1 << 27, 1), map_entry(1 << 26, 9, 2)],
            Some((639, 1 << 17)),
        );
        let info = BootInfo {
            sizes: Some((639, 1 << 17)),
            command_line: Some(0x9800),
            modules: Some((2, 0x9700)),
            map: Some((72, MAP_AT)),
        };
        machine.put(INFO_AT, &info.bytes());
        machine.put(0x9800, b"k end=monitor\0");
        machine.put(0x9700, &[0; 32]);
        mutate(&mut machine, &[INFO_AT, MAP_AT, 0x9700, INFO_AT + 30], &mutations);
        machine.unreadable = unreadable.map(|at| at..at + 0x1000);
        machine.bytes_read.set(0);
        if let Ok(info) = MultibootInfo::read(&machine, MAGIC, INFO_AT) {
            let map = info.memory_map(&machine);
            prop_assert!(map.usable.iter().all(|range| range.end <= 1 << 32));
            let mut buffer = [0; 512];
            let _ = info.command_line(&machine, &mut buffer);
            for module in info.modules(&machine) {
                prop_assert!(module.start <= module.end);
                let string = module.string(&machine, &mut buffer);
                let _ = ModuleString::parse(string.bytes);
            }
        }
        prop_assert!(machine.bytes_read.get() < MOST_BYTES);
    }

    /// Pure noise behind good signatures.
    #[test]
    fn noise(seed in prop::collection::vec(any::<u8>(), 64..400)) {
        let mut machine = acpi_machine(&[]);
        machine.put(MADT_AT, &acpi_table(b"APIC", &seed));
        check(&machine)?;
        let mut machine = mp_machine(&[]);
        let mut config = mp_config(&[]);
        config.extend(&seed);
        config[4..6].copy_from_slice(&(44 + seed.len() as u16).to_le_bytes());
        config[34..36].copy_from_slice(&u16::MAX.to_le_bytes());
        let len = config.len();
        machine.put(MP_CONFIG_AT, &Bytes(config).checksum(7, len).0);
        check(&machine)?;
    }
}
