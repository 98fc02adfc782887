//! Boot information as the three loaders leave it.

use crate::machine::{BootInfo, Bytes, INFO_AT, Machine};
use firmware::multiboot::{BootError, MAGIC, MAX_MODULES, MemorySource};
use firmware::{ModuleString, MultibootInfo};

fn machine(info: &BootInfo) -> Machine {
    let mut machine = Machine::new();
    machine.put(INFO_AT, &info.bytes());
    machine
}

fn read(machine: &Machine) -> MultibootInfo {
    MultibootInfo::read(machine, MAGIC, INFO_AT).unwrap()
}

#[test]
fn needs_the_magic_number() {
    let memory = machine(&BootInfo::default());
    let error = MultibootInfo::read(&memory, 0x36D7_6289, INFO_AT);
    assert_eq!(error, Err(BootError::Magic(0x36D7_6289)));
    assert!(error.unwrap_err().to_string().contains("0x36d76289"));
    let error = MultibootInfo::read(&memory, MAGIC, 0xFFFF_FFF0);
    assert_eq!(error, Err(BootError::Unreadable(0xFFFF_FFF0)));
}

#[test]
fn fields_without_a_flag_are_absent() {
    let memory = machine(&BootInfo::default());
    let info = read(&memory);
    assert_eq!(info.modules(&memory).count(), 0);
    assert_eq!(info.modules_ignored(), 0);
    assert_eq!(info.command_line(&memory, &mut [0; 9]).bytes, b"");
    assert_eq!(info.memory_map(&memory).source, MemorySource::Nothing);
}

/// As QEMU does it: paths first, in the command line and in module strings.
#[test]
fn qemu_gives_paths() {
    let mut memory = machine(&BootInfo {
        sizes: Some((639, 129_920)),
        command_line: Some(0x9100),
        modules: Some((2, 0x9200)),
        map: None,
    });
    memory.put(0x9100, b"target/kernel lifecycle=on\0");
    let list = Bytes::default()
        .u32(0x20_0000)
        .u32(0x20_1000)
        .u32(0x9300)
        .u32(0)
        .u32(0x20_2000)
        .u32(0x20_2001)
        .u32(0x9340)
        .u32(0);
    memory.put(0x9200, &list.0);
    memory.put(0x9300, b"dir/hello.elf @personality=lab5 a b\0");
    memory.put(0x9340, b"dir/data\0");
    let info = read(&memory);
    let mut buffer = [0; 100];
    let line = info.command_line(&memory, &mut buffer);
    assert_eq!(line.bytes, b"target/kernel lifecycle=on");
    assert!(!line.truncated);
    let modules: Vec<_> = info.modules(&memory).collect();
    assert_eq!((modules[0].start, modules[0].len()), (0x20_0000, 0x1000));
    assert_eq!((modules[1].start, modules[1].len()), (0x20_2000, 1));
    assert_eq!(modules[1].range().start, 0x20_2000);
    let string = modules[0].string(&memory, &mut buffer);
    assert_eq!(
        ModuleString::parse(string.bytes).name().to_string(),
        "hello"
    );
}

/// As v86 does it: no sizes, one module, and no string for it.
#[test]
fn v86_gives_a_null_module_string() {
    let mut memory = machine(&BootInfo {
        modules: Some((1, 0x9200)),
        ..BootInfo::default()
    });
    memory.put(
        0x9200,
        &Bytes::default().u32(0x30_0000).u32(0x30_0040).u32(0).0,
    );
    let info = read(&memory);
    let module = info.modules(&memory).next().unwrap();
    let mut buffer = [7; 8];
    let string = module.string(&memory, &mut buffer);
    assert_eq!((string.bytes, string.truncated), (&b""[..], false));
    assert!(ModuleString::parse(string.bytes).name().is_empty());
}

#[test]
fn modules_are_bounded_and_never_inverted() {
    let mut memory = machine(&BootInfo {
        modules: Some((u32::MAX, 0x1_0000)),
        ..BootInfo::default()
    });
    memory.put(0x1_0000, &Bytes::default().u32(500).u32(400).u32(0).0);
    let info = read(&memory);
    assert_eq!(info.modules(&memory).count() as u32, MAX_MODULES);
    assert_eq!(info.modules_ignored(), u32::MAX - MAX_MODULES);
    let first = info.modules(&memory).next().unwrap();
    assert!(first.is_empty() && first.start == 500 && first.end == 500);
    // A list that runs into the end of memory ends there.
    let memory = machine(&BootInfo {
        modules: Some((9, 0xFFFF_FFE0)),
        ..BootInfo::default()
    });
    assert_eq!(read(&memory).modules(&memory).count(), 2);
}

#[test]
fn strings_end_at_a_terminator_a_full_buffer_or_unreadable_memory() {
    let mut memory = machine(&BootInfo {
        command_line: Some(0x1_0FFC),
        ..BootInfo::default()
    });
    memory.put(0x1_0FFC, b"ABCDEFGH\0");
    let info = read(&memory);
    let mut long = [0; 5000];
    assert_eq!(info.command_line(&memory, &mut long).bytes, b"ABCDEFGH");
    let mut eight = [0; 8];
    let line = info.command_line(&memory, &mut eight);
    assert_eq!((line.bytes, line.truncated), (&b"ABCDEFGH"[..], true));
    let line = info.command_line(&memory, &mut []);
    assert_eq!((line.bytes, line.truncated), (&b""[..], true));
    memory.unreadable = Some(0x1_1000..0x1_2000);
    let line = info.command_line(&memory, &mut long);
    assert_eq!((line.bytes, line.truncated), (&b"ABCD"[..], false));
    // The last bytes below 4 GiB.
    let mut memory = machine(&BootInfo {
        command_line: Some(0xFFFF_FFFE),
        ..BootInfo::default()
    });
    memory.put(0xFFFF_FFFE, b"xy");
    assert_eq!(read(&memory).command_line(&memory, &mut long).bytes, b"xy");
}
