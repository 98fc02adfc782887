//! Programs of a few instructions, written by hand, on the whole machine.
//!
//! The hard thing is that a run with one seed must be the same every time, and
//! another seed must be able to make it another.

use abi::trap::USER_DATA;
use abi::{Call, Personality};
use kcore::CpuId;
use pc::plan::Move;
use pc::{Config, Pace, Pc};
use sim::code::{Code, DATA, printer};
use sim::machine::{Machine, Spec, Store};

/// What is printed by programs on so many CPUs, from a seed, with `typed` as input.
fn run_with(files: &[Vec<u8>], cpus: u8, config: Config, typed: &[u8]) -> String {
    let spec = Spec {
        cpus,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    for file in files {
        let made = machine.boot_image(file, &[], Personality::Lab4);
        made.expect("the image loads");
    }
    let mut pc = Pc::new(machine, config);
    pc.type_in(typed);
    while !pc.has_ended() && pc.position() < 2_000_000 {
        pc.advance(40);
        if pc.machine.holder.is_none() {
            pc.machine.audit().expect("the kernel's state is sound");
        }
    }
    assert!(pc.has_ended(), "it goes on for ever");
    assert_eq!(pc.machine.stray(), None);
    let output = String::from_utf8(pc.take_output()).expect("text");
    let (printed, _) = output.split_once("No runnable").expect("the last lines");
    printed.to_owned()
}

/// As [`run_with`], on a calm PC.
fn run(files: &[Vec<u8>], cpus: u8, seed: u64, typed: &[u8]) -> String {
    let config = Config {
        seed,
        ..Config::default()
    };
    run_with(files, cpus, config, typed)
}

#[test]
fn a_program_prints_and_ends() {
    assert_eq!(run(&[printer(b'a')], 1, 0, &[]).trim_end(), "aaaaaaaaaa");
}

/// GS is in no frame. A program that loads it and then what it had at first is not given
/// what it had in between.
#[test]
fn a_selector_that_is_put_back_stays_back() {
    let load = |code: Code, selector: u32| {
        code.word(&[0xb8], selector) // mov eax, selector
            .bytes(&[0x8e, 0xe8]) // mov gs, ax
            .call_as_is(Call::GetEnvId)
    };
    let show = |code: Code| {
        code.bytes(&[0x8c, 0xea]) // mov edx, gs
            .word(&[0x81, 0xc2], DATA) // add edx, DATA
            .word(&[0xb9], 1) // mov ecx, 1
            .call_as_is(Call::Cputs)
    };
    let code = show(load(show(load(Code::default(), 0)), USER_DATA));
    let mut letters = [b'?'; 64];
    (letters[0], letters[USER_DATA as usize]) = (b'0', b'd');
    assert_eq!(run(&[code.file(&letters)], 1, 0, &[]).trim_end(), "0d");
}

#[test]
fn a_seed_decides_a_run() {
    let files = [printer(b'a'), printer(b'b'), printer(b'c')];
    let runs: Vec<String> = (0..8).map(|seed| run(&files, 3, seed, &[])).collect();
    for (seed, first) in (0..).zip(&runs) {
        assert_eq!(&run(&files, 3, seed, &[]), first);
        let count = |letter| first.matches(letter).count();
        assert_eq!([count('a'), count('b'), count('c')], [10; 3], "{first}");
    }
    assert!(
        runs.iter().any(|run| *run != runs[0]),
        "eight seeds, one run"
    );
}

#[test]
fn every_pace_lets_everybody_come_to_an_end() {
    let files = [printer(b'a'), printer(b'b'), printer(b'c')];
    for (pace, store_buffers) in [
        (Pace::Fair, true),
        (Pace::Hostile, false),
        (Pace::Hostile, true),
    ] {
        for seed in 0..20 {
            let config = Config {
                seed,
                pace,
                store_buffers,
            };
            let printed = run_with(&files, 3, config, &[]);
            assert_eq!(printed, run_with(&files, 3, config, &[]));
            let count = |letter| printed.matches(letter).count();
            assert_eq!([count('a'), count('b'), count('c')], [10; 3], "{config:?}");
        }
    }
}

#[test]
fn what_is_typed_arrives() {
    let poll = Code::default()
        .call(Call::Cgetc, 0, 0)
        .bytes(&[0x85, 0xc0]) // test eax, eax
        .jump_back(0x74, 0)
        .word(&[0xa2], DATA) // mov [DATA], al
        .call(Call::Cputs, DATA, 1)
        .file(&[0]);
    assert_eq!(run(&[poll], 1, 0, b"x").trim_end(), "x");
}

/// Two environments load a number each into the x87 unit, let the other one on, and
/// print what they find; FS too.
#[test]
fn registers_outside_the_frame_belong_to_environments() {
    let program = |letter: u8, selector: u32| {
        Code::default()
            .word(&[0xb8], selector) // mov eax, selector
            .bytes(&[0x8e, 0xe0]) // mov fs, eax
            .word(&[0xdb, 0x05], DATA) // fild dword [DATA]
            .call(Call::Yield, 0, 0)
            .call(Call::Yield, 0, 0)
            .word(&[0xdb, 0x1d], DATA) // fistp dword [DATA]
            .bytes(&[0x8c, 0xe0]) // mov eax, fs
            .word(&[0x2d], selector) // sub eax, selector
            .word(&[0x01, 0x05], DATA) // add [DATA], eax
            .call(Call::Cputs, DATA, 1)
            .file(&[letter, 0, 0, 0])
    };
    let printed = run(&[program(b'p', 0x1b), program(b'q', 0x23)], 1, 0, &[]);
    let mut letters: Vec<char> = printed.trim_end().chars().collect();
    letters.sort_unstable();
    assert_eq!(letters, ['p', 'q']);
}

/// A timer that rings while a quantum has hardly begun is taken for a stray one, so
/// time passes before it rings.
#[test]
fn a_timer_that_is_made_to_ring_ends_a_quantum() {
    let spins = Code::default().jump_back(0xeb, 0).file(&[0]);
    let spec = Spec {
        cpus: 1,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    for _ in 0..2 {
        let made = machine.boot_image(&spins, &[], Personality::Lab4);
        made.expect("the image loads");
    }
    let mut pc = Pc::new(machine, Config::default());
    let cpu = CpuId(0);
    while !pc.is_in_ring3(cpu) {
        pc.advance(1);
    }
    let first = pc.machine.env_on(cpu);
    pc.choose(Move::Ring(cpu));
    pc.advance(1);
    while !pc.is_in_ring3(cpu) {
        pc.advance(1);
    }
    assert_ne!(pc.machine.env_on(cpu), first);
}

/// Two environments on one CPU have different memory at one address, and take turns.
#[test]
fn translations_end_with_a_turn() {
    let program = |letter: u8| {
        Code::default()
            .word(&[0xa0], DATA) // mov al, [DATA]
            .word(&[0xa2], DATA + 4) // mov [DATA + 4], al
            .call(Call::Yield, 0, 0)
            .call(Call::Yield, 0, 0)
            .word(&[0xa0], DATA + 4)
            .word(&[0xa2], DATA + 8)
            .call(Call::Cputs, DATA + 8, 1)
            .file(&[letter, 0, 0, 0, 0, 0, 0, 0, 0])
    };
    let printed = run(&[program(b'p'), program(b'q')], 1, 0, &[]);
    let mut letters: Vec<char> = printed.trim_end().chars().collect();
    letters.sort_unstable();
    assert_eq!(letters, ['p', 'q']);
}

/// A page that was used and then unmapped faults.
#[test]
fn translations_end_with_a_mapping() {
    const PAGE: u32 = 0x90_5000;
    let program = Code::default()
        .word(&[0xbb], 7) // mov ebx, the rights
        .call(Call::PageAlloc, 0, PAGE)
        .word(&[0xa2], PAGE) // mov [PAGE], al
        .call(Call::Cputs, DATA, 1)
        .call(Call::PageUnmap, 0, PAGE)
        .word(&[0xa2], PAGE)
        .call(Call::Cputs, DATA, 1)
        .file(b"!");
    let printed = run(&[program], 1, 0, &[]);
    assert_eq!(printed.matches('!').count(), 1, "{printed}");
    assert!(printed.contains("cr2  0x00905000"), "{printed}");
}

#[test]
fn a_fault_ends_a_program() {
    let divides = Code::default().bytes(&[0x31, 0xc9, 0xf7, 0xf1]).file(&[0]);
    let printed = run(&[divides], 1, 0, &[]);
    assert!(
        printed.contains("trap 0x00000000 Divide error"),
        "{printed}"
    );
}
