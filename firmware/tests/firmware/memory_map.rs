//! Memory maps, sane and otherwise.

use crate::machine::{BootInfo, INFO_AT, Machine, map_entry, map_machine};
use firmware::multiboot::{MAGIC, MemoryMap, MemorySource};
use firmware::{MultibootInfo, PhysRange};
use proptest::prelude::*;

fn read(machine: &Machine) -> MemoryMap {
    let info = MultibootInfo::read(machine, MAGIC, INFO_AT).unwrap();
    info.memory_map(machine)
}

fn ranges(map: &MemoryMap) -> Vec<(u64, u64)> {
    map.usable.iter().map(|r| (r.start, r.end)).collect()
}

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What QEMU reports for 6 GiB.
#[test]
fn a_usual_map() {
    let map = read(&map_machine(
        &[
            map_entry(0, 0x9_FC00, 1),
            map_entry(0x9_FC00, 0x400, 2),
            map_entry(0xF_0000, 0x1_0000, 2),
            map_entry(MIB, 3 * GIB - MIB - 0x2_0000, 1),
            map_entry(3 * GIB - 0x2_0000, 0x2_0000, 2),
            map_entry(0xFEFF_C000, 0x4000, 2),
            map_entry(4 * GIB, 3 * GIB, 1),
        ],
        Some((639, 3_144_576)),
    ));
    assert_eq!(map.source, MemorySource::Map);
    assert_eq!(ranges(&map), [(0, 0x9_FC00), (MIB, 3 * GIB - 0x2_0000)]);
    assert_eq!(map.beyond_reach, 3 * GIB);
}

#[test]
fn what_crosses_4_gib_is_clipped() {
    let map = read(&map_machine(&[map_entry(3 * GIB, 2 * GIB, 1)], None));
    assert_eq!(ranges(&map), [(3 * GIB, 4 * GIB)]);
    assert_eq!(map.beyond_reach, GIB);
    let all = PhysRange {
        start: 3 * GIB,
        end: 4 * GIB,
    };
    assert_eq!(all.whole_frames(), 0xC_0000..0x10_0000);
}

#[test]
fn anything_else_beats_ram() {
    let map = read(&map_machine(
        &[
            map_entry(20 * MIB, MIB, 2),
            map_entry(16 * MIB, 16 * MIB, 1),
            map_entry(MIB, 20 * MIB, 1),
            map_entry(30 * MIB, u64::MAX, 0xFFFF_FFFF),
            map_entry(5 * MIB, 0, 2),
            map_entry(6 * MIB, MIB, 0),
        ],
        None,
    ));
    assert_eq!(
        ranges(&map),
        [(MIB, 6 * MIB), (7 * MIB, 20 * MIB), (21 * MIB, 30 * MIB)]
    );
}

#[test]
fn entries_may_be_longer_or_too_short() {
    let mut long = map_entry(MIB, MIB, 1);
    long[0] = 28;
    long.extend([0xEE; 8]);
    let short = [4, 0, 0, 0, 1, 2, 3, 4].to_vec();
    let empty = [0; 4].to_vec();
    let map = read(&map_machine(
        &[empty, long, short, map_entry(4 * MIB, MIB, 1)],
        None,
    ));
    assert_eq!(ranges(&map), [(MIB, 2 * MIB), (4 * MIB, 5 * MIB)]);
}

#[test]
fn sizes_serve_when_there_is_no_map() {
    let sizes = Some((639, 7 * 1024));
    let expected = [(0, 639 * 1024), (MIB, 8 * MIB)];
    let without = {
        let mut machine = Machine::new();
        let info = BootInfo {
            sizes,
            ..BootInfo::default()
        };
        machine.put(INFO_AT, &info.bytes());
        read(&machine)
    };
    assert_eq!(without.source, MemorySource::Sizes);
    assert_eq!(ranges(&without), expected);
    // An empty map, one without RAM, and one that cannot be read to its end.
    for entries in [vec![], vec![map_entry(0, MIB, 2)]] {
        let map = read(&map_machine(&entries, sizes));
        assert_eq!(ranges(&map), expected);
    }
    let mut machine = map_machine(&[map_entry(0, MIB, 1), map_entry(0, MIB, 2)], sizes);
    machine.unreadable = Some(0x9618..0x9619);
    assert_eq!(read(&machine).source, MemorySource::Sizes);
}

#[test]
fn a_map_that_reserves_everything_is_believed() {
    let map = read(&map_machine(
        &[map_entry(0, GIB, 1), map_entry(0, u64::MAX, 2)],
        Some((639, 1024)),
    ));
    assert_eq!((map.source, map.usable.total()), (MemorySource::Map, 0));
}

#[test]
fn an_endless_map_is_not_believed() {
    let mut machine = map_machine(&[], Some((640, 1024)));
    let info = BootInfo {
        sizes: Some((10_000, 1024)),
        map: Some((u32::MAX, 0x10_0000)),
        ..BootInfo::default()
    };
    machine.put(INFO_AT, &info.bytes());
    machine.put(0x10_0000, &[0; 0x4000]);
    let map = read(&machine);
    assert_eq!(map.source, MemorySource::Sizes);
    assert_eq!(ranges(&map), [(0, 640 * 1024), (MIB, 2 * MIB)]);
}

proptest! {
    /// Union of type 1 minus union of the rest, address by address.
    #[test]
    fn agrees_with_the_definition(entries in prop::collection::vec(
        (0u64..64, 0u64..20, 0u32..3), 1..20))
    {
        let bytes: Vec<_> = entries
            .iter()
            .map(|(base, len, kind)| map_entry(*base, *len, *kind))
            .collect();
        let map = read(&map_machine(&bytes, None));
        for at in 0..100 {
            let within = |ram: bool| entries
                .iter()
                .any(|(base, len, kind)| (*kind == 1) == ram && (*base..base + len).contains(&at));
            prop_assert_eq!(map.usable.contains(at), within(true) && !within(false));
        }
    }
}
