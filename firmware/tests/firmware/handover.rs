//! Copying all that a loader left into fixed room.

use crate::machine::{BootInfo, Bytes, INFO_AT, Machine};
use firmware::Handover;
use firmware::handover::{COMMAND_LINE, POOL};
use firmware::multiboot::{BootError, MAGIC, MAX_MODULES};

const LIST: u32 = 0x10_0000;
const STRINGS: u32 = 0x20_0000;

/// A machine with this command line, and a module for each string; module `i` lies
/// at `0x1000 * i`.
fn machine(line: &[u8], strings: &[Vec<u8>]) -> Machine {
    let mut machine = Machine::new();
    let mut list = Bytes::default();
    for (index, string) in strings.iter().enumerate() {
        let (at, file) = (STRINGS + 0x4000 * index as u32, 0x1000 * index as u32);
        machine.put(at, &[string.as_slice(), &[0]].concat());
        list = list.u32(file).u32(file + 8).u32(at).u32(0);
    }
    machine.put(LIST, &list.0);
    machine.put(0x9100, &[line, &[0]].concat());
    let info = BootInfo {
        sizes: Some((639, 7168)),
        command_line: Some(0x9100),
        modules: Some((strings.len() as u32, LIST)),
        map: None,
    };
    machine.put(INFO_AT, &info.bytes());
    machine
}

/// What was copied, as strings and first addresses, and the complaints.
fn read(machine: &Machine) -> (Vec<(u64, usize)>, Vec<String>) {
    let mut pool = [0; POOL];
    let mut complaints = Vec::new();
    let complain = |complaint: &dyn std::fmt::Display| complaints.push(complaint.to_string());
    let handover = Handover::read(machine, MAGIC, INFO_AT, &mut pool, complain).unwrap();
    assert_eq!(handover.memory.usable.total(), (639 + 7168) << 10);
    let modules = handover.modules.iter();
    let modules = modules.map(|module| (module.file.start, module.string.len()));
    (modules.collect(), complaints)
}

#[test]
fn strings_survive_their_memory() {
    let mut pool = [0; POOL];
    let handover = {
        let machine = machine(b"kernel quantum_us=5000", &[b"a b".to_vec(), b"c".to_vec()]);
        Handover::read(&machine, MAGIC, INFO_AT, &mut pool, |_| {}).unwrap()
    };
    let strings: Vec<_> = handover
        .modules
        .iter()
        .map(|module| module.string)
        .collect();
    assert_eq!(strings, [b"a b".as_slice(), b"c"]);
    assert_eq!(
        handover.modules[1].file.start..handover.modules[1].file.end,
        0x1000..0x1008
    );
}

#[test]
fn a_module_without_room_for_its_string_is_left_out() {
    let long = |len| vec![b'x'; len];
    let machine = machine(b"kernel", &[long(POOL - 10), long(20), long(5)]);
    let (modules, complaints) = read(&machine);
    assert_eq!(modules, [(0, POOL - 10), (0x2000, 5)]);
    assert_eq!(
        complaints,
        ["module at 0x00001000: no room for its string, left out"]
    );
}

#[test]
fn modules_beyond_the_most_are_counted() {
    let strings = vec![b"m".to_vec(); MAX_MODULES as usize + 3];
    let (modules, complaints) = read(&machine(b"kernel", &strings));
    assert_eq!(modules.len(), MAX_MODULES as usize);
    assert_eq!(complaints, ["3 modules too many, left out"]);
}

#[test]
fn a_long_command_line_is_cut_off() {
    let line = vec![b' '; COMMAND_LINE + 1];
    let (_, complaints) = read(&machine(&line, &[]));
    assert_eq!(complaints, ["kernel command line cut off after 1024 bytes"]);
}

#[test]
fn another_loader_is_refused() {
    let mut pool = [0; POOL];
    let result = Handover::read(&machine(b"", &[]), 0, INFO_AT, &mut pool, |_| {});
    assert_eq!(result.err(), Some(BootError::Magic(0)));
}
