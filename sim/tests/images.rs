//! Programs that the boot loader brings, whatever their files say.

use abi::call::{FEATURE_SYSENTER, FEATURES};
use abi::layout::{ARCHIVE, PGSIZE, USTACKTOP, UTOP};
use abi::{Call, EnvType, Error, Personality};
use kcore::{CpuId, Event, LoadError, PhysMem};
use proptest::prelude::*;
use sim::audit::census;
use sim::image::{HEADER, PROGRAM_HEADER, Segment, elf};
use sim::machine::call::Answer;
use sim::machine::user::Access;
use sim::machine::{Machine, Program, Spec, Store};
use sim::mmu::walk;
use sim::random::Stream;
use std::collections::BTreeMap;

const CPU0: CpuId = CpuId(0);

fn spec() -> Spec {
    Spec {
        frames: 200,
        module_frames: 16,
        ..Spec::default()
    }
}

/// The byte at `va` of the environment on CPU 0, `None` if nothing is mapped.
fn byte_at(machine: &Machine<'_>, va: u32) -> Option<u8> {
    let memory = machine.kernel.memory();
    let frame = walk(memory, machine.cpu(CPU0).cr3, va)?.frame;
    let word = memory.read(frame.address() + (va % PGSIZE) / 4 * 4);
    Some(word.to_le_bytes()[va as usize % 4])
}

prop_compose! {
    fn segment()(
        page in 0u32..6,
        offset in 0..PGSIZE,
        bytes in prop::collection::vec(any::<u8>(), 0..5000),
        extra in prop_oneof![Just(0u32), 0..9000u32],
    ) -> Segment {
        let mem_size = bytes.len() as u32 + extra;
        Segment { va: 0x80_0000 + page * PGSIZE + offset, bytes, mem_size }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Segments may share pages and overlap; later ones win, byte by byte.
    #[test]
    fn what_is_loaded_is_what_the_file_says(segments in prop::collection::vec(segment(), 0..5)) {
        let mut expected = BTreeMap::new();
        for segment in &segments {
            for (i, &byte) in segment.bytes.iter().enumerate() {
                expected.insert(segment.va + i as u32, byte);
            }
        }
        let spec = spec();
        let mut store = Store::new(&spec);
        let mut machine = Machine::new(&mut store, spec);
        let loaded = machine.boot_image(&elf(0x80_0020, &segments), &[], Personality::Lab4);
        prop_assert!(loaded.is_ok());
        machine.calm_down();
        prop_assert_eq!(machine.check(), Ok(()));
        prop_assert_eq!(machine.cpu(CPU0).frame.eip, 0x80_0020);
        for segment in segments.iter().filter(|segment| segment.mem_size > 0) {
            let first = segment.va / PGSIZE * PGSIZE;
            let last = (segment.va + segment.mem_size - 1) | 0xfff;
            for va in first..=last {
                let wanted = expected.get(&va).copied().unwrap_or(0);
                prop_assert_eq!(byte_at(&machine, va), Some(wanted), "{:#x}", va);
            }
        }
    }
}

/// Damages an image where it hurts: mostly in its headers.
fn damage(image: &mut Vec<u8>, stream: &mut Stream) {
    const VALUES: [u32; 10] = [
        0,
        1,
        PGSIZE,
        0x7fff_ffff,
        0x8000_0000,
        UTOP - 1,
        UTOP,
        0xffff_f000,
        0xffff_fffe,
        0xffff_ffff,
    ];
    let headers = HEADER + 3 * PROGRAM_HEADER;
    for _ in 0..1 + stream.word() % 4 {
        let word = stream.word();
        let within = if word.is_multiple_of(8) {
            image.len()
        } else {
            headers.min(image.len())
        };
        if within < 4 {
            continue;
        }
        let at = stream.word() as usize % within;
        match word / 8 % 4 {
            0 => image[at] ^= 1 << (word / 32 % 8),
            1 => image[at] = stream.word() as u8,
            2 => {
                let at = at.min(within - 4) & !3;
                let value = VALUES[stream.word() as usize % VALUES.len()];
                image[at..at + 4].copy_from_slice(&value.to_le_bytes());
            }
            _ if word.is_multiple_of(64) => image.truncate(at),
            _ => image[at] = image[at].wrapping_add(1),
        }
    }
}

/// Boots `count` damaged images, and lets those that load end themselves.
fn boot_damaged(seed: u64, count: usize) {
    let mut stream = Stream::new(seed);
    let sound = elf(
        0x80_0020,
        &[
            Segment {
                va: 0x20_0000,
                bytes: vec![1; 18],
                mem_size: 18,
            },
            Segment {
                va: 0x80_0020,
                bytes: vec![2; 5000],
                mem_size: 5000,
            },
            Segment {
                va: 0x80_2000,
                bytes: vec![3; 300],
                mem_size: 9000,
            },
        ],
    );
    let spec = spec();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let at_boot = census(&machine.kernel);
    let (mut loaded, mut refused) = (0, 0);
    for round in 0..count {
        let mut image = sound.clone();
        damage(&mut image, &mut stream);
        match machine.boot_image(&image, &[], Personality::Lab4) {
            Ok(id) => {
                loaded += 1;
                machine.tick(CPU0);
                assert_eq!(machine.env_on(CPU0), Some(id));
                assert_eq!(machine.audit(), Ok(()));
                machine.call(CPU0, Call::EnvDestroy, [0; 5]);
            }
            Err(_) => refused += 1,
        }
        machine.clean_up(CPU0);
        assert_eq!(census(&machine.kernel), at_boot, "image {round}");
        assert_eq!(machine.stray(), None, "image {round}");
        if round % 16 == 0 {
            assert_eq!(machine.check(), Ok(()), "image {round}");
        }
    }
    println!("{loaded} loaded, {refused} refused");
    assert!(loaded * 20 > count && refused * 20 > count);
}

#[test]
fn damaged_images_do_no_damage() {
    boot_damaged(1, 20_000);
}

#[test]
#[ignore = "takes minutes"]
fn a_million_damaged_images_do_no_damage() {
    for seed in 1..=20 {
        boot_damaged(seed, 50_000);
    }
}

#[test]
fn arguments_are_laid_out_as_spawn_does() {
    let spec = spec();
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    let image = elf(0x80_0020, &[]);
    machine
        .boot_image(&image, b"echo\0one\0\0", Personality::Lab4)
        .expect("it loads");
    machine.calm_down();
    let esp = machine.cpu(CPU0).frame.esp;
    let argc = machine.load(CPU0, esp).expect("a stack");
    let argv = machine.load(CPU0, esp + 4).expect("a stack");
    assert_eq!(argc, 3);
    let mut strings = Vec::new();
    for i in 0..argc {
        let mut at = machine.load(CPU0, argv + i * 4).expect("a pointer");
        let mut text = Vec::new();
        while let Some(byte @ 1..) = byte_at(&machine, at) {
            text.push(byte);
            at += 1;
        }
        strings.push(text);
    }
    assert_eq!(strings, [b"echo".to_vec(), b"one".to_vec(), b"".to_vec()]);
    assert_eq!(machine.load(CPU0, argv + 12), Some(0));
    assert!(esp < USTACKTOP && esp.is_multiple_of(4));
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    let spec = spec();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let at_boot = census(&machine.kernel);
    let image = elf(0x80_0020, &[]);
    for len in 1..3 * PGSIZE as usize / 2 {
        if len % 97 != 0 && !(4070..4100).contains(&len) {
            continue;
        }
        for text in [vec![0; len], [vec![b'x'; len - 1], vec![0]].concat()] {
            if machine.boot_image(&image, &text, Personality::Lab4).is_ok() {
                machine.tick(CPU0);
                machine.call(CPU0, Call::EnvDestroy, [0; 5]);
            }
            machine.clean_up(CPU0);
            assert_eq!(census(&machine.kernel), at_boot);
        }
    }
    let too_long = [vec![b'x'; 4095], vec![0]].concat();
    assert!(
        machine
            .boot_image(&image, &too_long, Personality::Lab4)
            .is_err()
    );
}

#[test]
fn an_archive_can_be_read_and_nothing_else() {
    let spec = spec();
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    let at_boot = machine.kernel.frames().available();
    let archive: Vec<u8> = (0..3 * PGSIZE + 5).map(|i| (i % 251) as u8).collect();
    let program = Program {
        image: &elf(0x80_0020, &[]),
        archive: &archive,
        ..Program::default()
    };
    machine.boot_program(program).expect("it loads");
    machine.calm_down();
    for (i, &byte) in archive.iter().enumerate() {
        assert_eq!(byte_at(&machine, ARCHIVE + i as u32), Some(byte));
    }
    // The rest of the last page is zero, and beyond it nothing is mapped.
    assert_eq!(byte_at(&machine, ARCHIVE + 4 * PGSIZE - 1), Some(0));
    assert_eq!(byte_at(&machine, ARCHIVE + 4 * PGSIZE), None);
    assert_eq!(machine.access(CPU0, ARCHIVE, true), Access::Fault);
    let writeable = [0, ARCHIVE, 0, 0x40_0000, 7];
    let answer = machine.call(CPU0, Call::PageMap, writeable);
    assert_eq!(answer, Answer::Failed(Error::Inval));
    assert_eq!(machine.check(), Ok(()));
    machine.call(CPU0, Call::EnvDestroy, [0; 5]);
    machine.calm_down();
    assert_eq!(machine.kernel.frames().available(), at_boot);
}

#[test]
fn an_archive_that_does_not_fit_memory_leaves_nothing_behind() {
    let spec = Spec {
        frames: 80,
        module_frames: 64,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let at_boot = census(&machine.kernel);
    let archive = vec![1; 60 * PGSIZE as usize];
    let program = Program {
        image: &elf(0x80_0020, &[]),
        archive: &archive,
        ..Program::default()
    };
    let result = machine.boot_program(program);
    assert_eq!(result, Err(LoadError::Kernel(Error::NoMem)));
    machine.clean_up(CPU0);
    assert_eq!(census(&machine.kernel), at_boot);
}

/// Only the file server that the kernel makes has I/O privilege: nobody
/// inherits it.
#[test]
fn a_file_server_has_io_privilege_for_itself() {
    const IOPL: u32 = 3 << 12;
    let spec = spec();
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    let image = elf(0x80_0020, &[]);
    for kind in [EnvType::FileServer, EnvType::User, EnvType::NetworkServer] {
        let program = Program {
            image: &image,
            kind,
            ..Program::default()
        };
        machine.boot_program(program).expect("it loads");
    }
    machine.calm_down();
    for kind in [1, 0, 2] {
        let id = machine.env_on(CPU0).expect("somebody runs");
        let mirror = machine.kernel.config().uenvs + (id.0 as u32 % 1024) * 124;
        assert_eq!(machine.kernel.memory().read(mirror + 80), kind);
        let own = machine.cpu(CPU0).frame.eflags & IOPL;
        assert_eq!(own != 0, kind == 1, "type {kind}");
        let Answer::Value(child) = machine.call(CPU0, Call::Exofork, [0; 5]) else {
            panic!("exofork returns")
        };
        let slot = kcore::env::Slot(child as u16 % 1024);
        let inherited = machine.kernel.envs()[slot].frame.eflags & IOPL;
        assert_eq!(inherited, 0);
        assert_eq!(machine.check(), Ok(()));
        machine.tick(CPU0);
    }
}

/// A file server keeps its privilege whichever way it enters and whatever happens to
/// it there, and no other environment gets any.
#[test]
fn sysenter_takes_no_io_privilege_away() {
    const IOPL: u32 = 3 << 12;
    let spec = spec();
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    let image = elf(0x80_0020, &[]);
    for kind in [EnvType::FileServer, EnvType::User] {
        let program = Program {
            image: &image,
            kind,
            ..Program::default()
        };
        machine.boot_program(program).expect("it loads");
    }
    machine.calm_down();
    for expected in [IOPL, 0] {
        // The frame as the stub leaves it.
        let mut frame = machine.cpu(CPU0).frame;
        frame.eflags &= !IOPL;
        let kernel = &mut machine.kernel;
        kernel.restore_io_privilege(CPU0, Event::Timer, &mut frame);
        assert_eq!(frame.eflags & IOPL, 0);
        let mut restored = frame;
        kernel.restore_io_privilege(CPU0, Event::FastSyscall, &mut restored);
        assert_eq!(restored.eflags & IOPL, expected);
        machine.tick(CPU0);
    }
    // Stopped on its way in.
    let slot = machine.kernel.cpus().current(CPU0).expect("somebody runs");
    let mut frame = machine.cpu(CPU0).frame;
    frame.eflags &= !IOPL;
    machine.kernel.parked(CPU0, &frame, Event::FastSyscall);
    let saved = machine.kernel.envs()[slot].frame.eflags;
    assert_eq!(saved & IOPL, IOPL);
}

/// Programs learn only of the features that the machine offers.
#[test]
fn features_are_the_machines() {
    for features in [FEATURES, FEATURES & !FEATURE_SYSENTER, 0] {
        let spec = Spec { features, ..spec() };
        let mut store = Store::new(&spec);
        let mut machine = Machine::with_one_env(&mut store, spec);
        assert_eq!(
            machine.call(CPU0, Call::Features, [0; 5]),
            Answer::Value(features)
        );
    }
}

/// A negative result would be an error.
#[test]
fn no_time_reads_as_an_error() {
    let spec = spec();
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    machine.boot(0x80_0020, Personality::Lab6);
    machine.calm_down();
    for (ms, told) in [(0x7fff_fff8_u64, 0x7fff_fff8), (0x8000_0002, 2)] {
        machine.now = ms * 1_000_000;
        assert_eq!(
            machine.call_as(CPU0, Personality::Lab6, Call::TimeMsec, [0; 5]),
            Answer::Value(told)
        );
    }
}

/// The CPUs' counters need not agree, but the time that programs get never goes back.
#[test]
fn time_does_not_go_back() {
    let spec = spec();
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    let program = Program {
        image: &elf(0x80_0020, &[]),
        personality: Personality::Lab6,
        ..Program::default()
    };
    machine.boot_program(program).expect("it loads");
    machine.calm_down();
    let mut told = 0;
    for now in [50_000_000, 10_000_000, 90_000_000, 89_000_000] {
        let mut frame = machine.cpu(CPU0).frame;
        frame.regs.eax = 14;
        let _ = machine.kernel.step(CPU0, now, Event::Syscall, &mut frame);
        assert!(frame.regs.eax >= told, "{} after {told}", frame.regs.eax);
        told = frame.regs.eax;
    }
    assert_eq!(told, 90);
}
