//! Printing, with any pointer and any length, while other programs print too.

use abi::layout::{PGSIZE, UENVS, ULIM, UPAGES, USTACKTOP, UTOP, UVPT};
use abi::{Call, EnvStatus, Error, Personality};
use kcore::{CpuId, Event};
use sim::machine::call::{Answer, set_call};
use sim::machine::{Machine, Mode, Spec, Store};
use sim::mmu::walk;

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);
const RUN: u32 = EnvStatus::Runnable as u32;
/// Where the page of text is; the pages around it are not mapped.
const TEXT: u32 = 0x40_1000;

fn fill(machine: &mut Machine<'_>, va: u32, byte: u8) {
    for offset in (0..PGSIZE).step_by(4) {
        machine.store(CPU0, va + offset, u32::from_le_bytes([byte; 4]));
    }
}

/// An environment on CPU 0 with a page of text.
fn with_text<'t>(store: &'t mut Store, spec: Spec) -> Machine<'t> {
    let mut machine = Machine::with_one_env(store, spec);
    machine.call(CPU0, Call::PageAlloc, [0, TEXT, 7, 0, 0]);
    fill(&mut machine, TEXT, b't');
    machine
}

/// Addresses at which a region begins or ends, and their neighbours.
fn boundaries() -> Vec<u32> {
    let edges = [
        0,
        PGSIZE,
        TEXT,
        TEXT + PGSIZE,
        0x40_0000,
        0x80_0000,
        USTACKTOP - PGSIZE,
        USTACKTOP,
        UTOP,
        UENVS + 31 * PGSIZE,
        UPAGES,
        UPAGES + PGSIZE,
        UVPT,
        ULIM,
        0xf000_0000,
        0x8000_0000,
        0xffff_f000,
    ];
    let near = |edge: u32| [edge.wrapping_sub(1), edge, edge.wrapping_add(1)];
    edges.into_iter().flat_map(near).collect()
}

/// Whether the page tables let user mode read a range, checked page by page. `Err`
/// is the address that the interface says is reported.
fn readable(machine: &Machine<'_>, ptr: u32, len: u32) -> Result<(), u32> {
    let end = u64::from(ptr) + u64::from(len);
    let mut at = u64::from(ptr);
    while at < end {
        let va = at as u32;
        let cr3 = machine.cpu(CPU0).cr3;
        if at >= u64::from(ULIM) || walk(machine.kernel.memory(), cr3, va).is_none() {
            return Err(va);
        }
        at = (at | 0xfff) + 1;
    }
    Ok(())
}

/// Prints a range on a fresh machine, and returns whether that is allowed.
fn print(ptr: u32, len: u32) -> bool {
    let context = format!("{ptr:#x} {len:#x}");
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = with_text(&mut store, spec);
    let expected = readable(&machine, ptr, len);
    let answer = machine.call(CPU0, Call::Cputs, [ptr, len, 0, 0, 0]);
    machine.calm_down();
    let text = String::from_utf8_lossy(&machine.uart.output);
    match expected {
        Ok(()) => assert_eq!(answer, Answer::Value(0), "{context}"),
        Err(va) => {
            assert_eq!(answer, Answer::Left(None), "{context}");
            let line = format!("user_mem_check assertion failure for va {va:08x}\n");
            assert!(text.starts_with("[00001000] "), "{context}: {text}");
            assert!(text.contains(&line), "{context}: {text}");
        }
    }
    if expected.is_ok() && (TEXT..TEXT + PGSIZE).contains(&ptr) {
        assert_eq!(text, "t".repeat(len as usize), "{context}");
    }
    expected.is_ok()
}

#[test]
fn every_pointer_and_length_is_checked_before_a_byte_is_printed() {
    let (mut printed, mut refused) = (0, 0);
    for ptr in boundaries() {
        for len in boundaries() {
            if print(ptr, len) {
                printed += 1;
            } else {
                refused += 1;
            }
        }
        // Exactly up to the end of the page, and one byte beyond.
        print(ptr, PGSIZE - ptr % PGSIZE);
        print(ptr, PGSIZE - ptr % PGSIZE + 1);
    }
    println!("{printed} printed, {refused} refused");
    assert!(printed > 50 && refused > 1600);
}

#[test]
fn a_text_ends_at_a_nul_byte() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = with_text(&mut store, spec);
    for at in [0, 4, 124, 128, 132, 2048, 4092] {
        fill(&mut machine, TEXT, b't');
        machine.store(CPU0, TEXT + at, u32::from_le_bytes(*b"xy\0z"));
        machine.uart.output.clear();
        let answer = machine.call(CPU0, Call::Cputs, [TEXT, PGSIZE, 0, 0, 0]);
        assert_eq!(answer, Answer::Value(0));
        let expected = format!("{}xy", "t".repeat(at as usize));
        assert_eq!(String::from_utf8_lossy(&machine.uart.output), expected);
    }
}

/// Two environments, with pages of `a` and `b` at [`TEXT`], on two CPUs.
fn two_printers<'t>(store: &'t mut Store, spec: Spec) -> Machine<'t> {
    let mut machine = with_text(store, spec);
    fill(&mut machine, TEXT, b'b');
    let Answer::Value(child) = machine.call(CPU0, Call::Exofork, [0; 5]) else {
        panic!("exofork returns")
    };
    machine.call(CPU0, Call::PageMap, [0, TEXT, child, TEXT, 5]);
    machine.call(CPU0, Call::PageAlloc, [0, TEXT, 7, 0, 0]);
    fill(&mut machine, TEXT, b'a');
    machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
    machine.calm_down();
    machine.uart.instant = false;
    machine
}

/// The console takes `count` chunks, and interrupts CPU 0 after each.
fn take_chunks(machine: &mut Machine<'_>, count: usize) {
    for _ in 0..count {
        if machine.uart.busy && matches!(machine.cpu(CPU0).mode, Mode::User | Mode::Idle) {
            machine.console_ready(CPU0);
            machine.calm_down();
        }
    }
}

#[test]
fn up_to_a_kilobyte_is_never_interleaved() {
    for len in [1, 15, 16, 17, 1023, 1024] {
        let spec = Spec {
            cpus: 2,
            ..Spec::default()
        };
        let mut store = Store::new(&spec);
        let mut machine = two_printers(&mut store, spec);
        let (mut calls, mut rounds) = ([0; 2], 0);
        while machine.uart.output.len() < 60 * len as usize || rounds < 200 {
            rounds += 1;
            for (i, cpu) in [CPU0, CPU1].into_iter().enumerate() {
                if machine.cpu(cpu).mode == Mode::User && calls[i] < 300 {
                    machine.call(cpu, Call::Cputs, [TEXT, len, 0, 0, 0]);
                    calls[i] += 1;
                }
            }
            take_chunks(&mut machine, rounds % 90);
            assert_eq!(machine.check(), Ok(()));
        }
        while machine.uart.busy {
            take_chunks(&mut machine, 1);
        }
        let output = &machine.uart.output;
        assert_eq!(output.len(), (calls[0] + calls[1]) * len as usize);
        for run in output.chunk_by(|a, b| a == b) {
            assert_eq!(run.len() % len as usize, 0, "pieces of {len}");
        }
        assert!(output.contains(&b'a') && output.contains(&b'b'));
    }
}

#[test]
fn a_megabyte_is_printed_whole_while_others_run() {
    const PAGES: u32 = 256;
    let spec = Spec {
        cpus: 2,
        frames: 256,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = two_printers(&mut store, spec);
    let start = 0x1000_0000;
    for page in 0..PAGES {
        let to = start + page * PGSIZE;
        machine.call(CPU0, Call::PageMap, [0, TEXT, 0, to, 5]);
    }
    let answer = machine.call(CPU0, Call::Cputs, [start, PAGES * PGSIZE, 0, 0, 0]);
    assert_eq!(answer, Answer::Left(None), "it is not made at once");
    machine.calm_down();
    let mut others = 0;
    let mut steps = 0;
    while machine.uart.busy {
        take_chunks(&mut machine, 1);
        steps += 1;
        if machine.cpu(CPU1).mode == Mode::User {
            assert_eq!(
                machine.call(CPU1, Call::GetEnvId, [0; 5]),
                Answer::Value(0x1001)
            );
            others += 1;
        }
        if steps % 997 == 0 {
            assert_eq!(machine.check(), Ok(()));
        }
    }
    let output = &machine.uart.output;
    assert_eq!(output.len(), (PAGES * PGSIZE) as usize);
    assert!(output.iter().all(|&byte| byte == b'a'));
    assert!(others * 10 > steps * 9, "{others} of {steps}");
    machine.calm_down();
    assert_eq!(machine.cpu(CPU0).frame.regs.eax, 0);
    assert_eq!(machine.cpu(CPU0).mode, Mode::User);
}

/// A long text that finds room for all of it is printed in pieces all the same.
#[test]
fn another_program_runs_between_the_pieces_of_a_text() {
    const PAGES: u32 = 6;
    let spec = Spec {
        console: 32 * 1024,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = two_printers(&mut store, spec);
    for page in 0..PAGES {
        let to = 0x1000_0000 + page * PGSIZE;
        machine.call(CPU0, Call::PageMap, [0, TEXT, 0, to, 5]);
    }
    let len = PAGES * PGSIZE;
    let answer = machine.call(CPU0, Call::Cputs, [0x1000_0000, len, 0, 0, 0]);
    assert_eq!(answer, Answer::Left(None));
    let mut lengths = Vec::new();
    while machine.env_on(CPU0).map(|id| id.0) != Some(0x1000) {
        lengths.push(machine.kernel.console().state.len as u32);
        machine.calm_down();
        if machine.env_on(CPU0).map(|id| id.0) == Some(0x1001) {
            machine.tick(CPU0);
        }
    }
    machine.calm_down();
    assert_eq!(machine.cpu(CPU0).frame.regs.eax, 0);
    // A page is a piece, and a chunk of each has left.
    assert_eq!(lengths.len() as u32, PAGES - 1, "{lengths:?}");
    assert!(
        lengths
            .iter()
            .zip(1..)
            .all(|(&len, pieces)| len < pieces * PGSIZE)
    );
    while machine.uart.busy {
        take_chunks(&mut machine, 1);
    }
    assert_eq!(machine.uart.output.len(), len as usize);
    assert!(machine.uart.output.iter().all(|&byte| byte == b'a'));
}

#[test]
fn the_kernels_own_lines_find_room_while_everybody_prints() {
    let spec = Spec {
        cpus: 2,
        lifecycle: true,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = two_printers(&mut store, spec);
    let mut forks = 0;
    for round in 0..3000 {
        if machine.cpu(CPU1).mode == Mode::User {
            machine.call(CPU1, Call::Cputs, [TEXT, 1000, 0, 0, 0]);
        }
        if machine.cpu(CPU0).mode == Mode::User
            && let Answer::Value(child) = machine.call(CPU0, Call::Exofork, [0; 5])
        {
            forks += 1;
            machine.call(CPU0, Call::EnvDestroy, [child, 0, 0, 0, 0]);
        }
        take_chunks(&mut machine, round % 7);
        // The audit notices if a line of the kernel was lost.
        assert_eq!(machine.check(), Ok(()));
    }
    assert!(forks > 20, "{forks} forks");
}

#[test]
fn personalities_print_alike() {
    for personality in Personality::ALL {
        let spec = Spec::default();
        let mut store = Store::new(&spec);
        let mut machine = Machine::new(&mut store, spec);
        machine.boot(0x80_0020, personality);
        machine.calm_down();
        let alloc = personality.number(Call::PageAlloc).expect("a call");
        machine.call_number(CPU0, personality, alloc, [0, TEXT, 7, 0, 0]);
        fill(&mut machine, TEXT, b't');
        machine.call_number(CPU0, personality, 0, [TEXT, 3, 0, 0, 0]);
        assert_eq!(machine.uart.output, b"ttt");
    }
}

/// A long range is checked in pieces, and another program runs between them.
#[test]
fn checking_a_long_range_lets_others_run() {
    const TABLES: u32 = 8;
    let spec = Spec {
        frames: 256,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = with_text(&mut store, spec);
    let start = 0x1000_0000;
    for page in 0..TABLES * 1024 {
        machine.call(CPU0, Call::PageMap, [0, TEXT, 0, start + page * PGSIZE, 5]);
    }
    let Answer::Value(child) = machine.call(CPU0, Call::Exofork, [0; 5]) else {
        panic!("exofork returns")
    };
    machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
    machine.store(CPU0, TEXT, u32::from_le_bytes(*b"end\0"));
    let len = TABLES * 1024 * PGSIZE;
    // A range that ends one page too late prints nothing: all is checked first.
    for (len, whole) in [(len, true), (len + PGSIZE, false)] {
        machine.uart.output.clear();
        let answer = machine.call(CPU0, Call::Cputs, [start, len, 0, 0, 0]);
        let other = machine.env_on(CPU0).map(|id| id.0 as u32);
        assert_eq!((answer, other), (Answer::Left(None), None));
        let mut turns = 0;
        while machine.env_on(CPU0).map(|id| id.0) != Some(0x1000) && turns < 100 {
            turns += 1;
            assert_eq!(machine.uart.output, b"");
            assert_eq!(machine.check(), Ok(()));
            machine.calm_down();
            if machine.env_on(CPU0).map(|id| id.0 as u32) == Some(child) {
                assert_eq!(
                    machine.call(CPU0, Call::GetEnvId, [0; 5]),
                    Answer::Value(child)
                );
                machine.tick(CPU0);
                machine.calm_down();
            }
            if !whole && machine.env_on(CPU0).map(|id| id.0 as u32) == Some(child) {
                let output = String::from_utf8_lossy(&machine.uart.output).into_owned();
                if output.contains("assertion failure") {
                    break;
                }
            }
        }
        assert!(turns >= TABLES - 1, "{turns} turns");
        if whole {
            assert_eq!(machine.uart.output, b"end");
            assert_eq!(machine.cpu(CPU0).frame.regs.eax, 0);
        } else {
            let va = start + len - PGSIZE;
            let line = format!("user_mem_check assertion failure for va {va:08x}\n");
            let output = String::from_utf8_lossy(&machine.uart.output);
            assert!(output.contains(&line), "{output}");
        }
    }
}

#[test]
fn readers_get_bytes_in_the_order_in_which_they_came() {
    let spec = Spec {
        cpus: 2,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = two_printers(&mut store, spec);
    let getc = |machine: &mut Machine<'_>, cpu| machine.call(cpu, Call::Getc, [0; 5]);
    let typed = |machine: &mut Machine<'_>, byte| {
        machine.run_event(CPU0, Event::ConsoleInput { byte });
        machine.calm_down();
    };
    // A byte that was typed before is returned at once.
    typed(&mut machine, b'a');
    assert_eq!(getc(&mut machine, CPU0), Answer::Value(b'a'.into()));
    assert_eq!(getc(&mut machine, CPU1), Answer::Left(None));
    assert_eq!(getc(&mut machine, CPU0), Answer::Left(None));
    // No environment runs, and yet the run is not over.
    machine.calm_down();
    assert_eq!(machine.end, None);
    let id = |machine: &Machine<'_>, cpu| machine.env_on(cpu).map(|id| id.0);
    for (byte, reader) in [(b'b', 0x1001), (b'c', 0x1000)] {
        typed(&mut machine, byte);
        let cpu = machine
            .cpu_ids()
            .find(|&cpu| id(&machine, cpu) == Some(reader))
            .expect("it runs");
        assert_eq!(machine.cpu(cpu).frame.regs.eax, byte.into());
        assert_eq!(machine.check(), Ok(()));
    }
}

#[test]
fn a_waiting_reader_can_be_stopped_and_ended() {
    let spec = Spec {
        cpus: 2,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = two_printers(&mut store, spec);
    assert_eq!(machine.call(CPU1, Call::Getc, [0; 5]), Answer::Left(None));
    machine.call(CPU0, Call::EnvSetStatus, [0x1001, RUN, 0, 0, 0]);
    machine.calm_down();
    let eax = machine.cpu(CPU1).frame.regs.eax;
    assert_eq!(
        eax,
        (Error::Inval as u32).wrapping_neg(),
        "its wait is over"
    );
    assert_eq!(machine.call(CPU1, Call::Getc, [0; 5]), Answer::Left(None));
    machine.call(CPU0, Call::EnvDestroy, [0x1001, 0, 0, 0, 0]);
    machine.run_event(CPU0, Event::ConsoleInput { byte: b'z' });
    assert_eq!(
        machine.call(CPU0, Call::Cgetc, [0; 5]),
        Answer::Value(b'z'.into())
    );
    assert_eq!(machine.check(), Ok(()));
}

/// Any number of environments may have begun a call that continues when they run
/// again. One step continues only one of them, however little it achieves.
#[test]
fn calls_that_wait_are_taken_up_one_in_a_step() {
    const CHILDREN: u32 = 20;
    let spec = Spec {
        cpus: 2,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = with_text(&mut store, spec);
    machine.uart.instant = false;
    let mut children = Vec::new();
    for _ in 0..CHILDREN {
        let Answer::Value(child) = machine.call(CPU0, Call::Exofork, [0; 5]) else {
            panic!("exofork returns")
        };
        machine.call(CPU0, Call::PageMap, [0, TEXT, child, TEXT, 5]);
        machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
        machine.calm_down();
        // The environment is stopped when it is about to print.
        let frame = &mut machine.cpu_mut(CPU1).frame;
        set_call(frame, 0, [TEXT, PGSIZE, 0, 0, 0]);
        machine.trap(CPU1, Event::Syscall);
        let stop = EnvStatus::NotRunnable as u32;
        machine.call(CPU0, Call::EnvSetStatus, [child, stop, 0, 0, 0]);
        machine.calm_down();
        children.push(child);
    }
    // The console has no room for all that, and yet all of them continue.
    for len in [PGSIZE, PGSIZE, PGSIZE - 512] {
        let answer = machine.call(CPU0, Call::Cputs, [TEXT, len, 0, 0, 0]);
        assert_eq!(answer, Answer::Value(0));
    }
    for child in children {
        machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
    }
    let runs = |machine: &Machine<'_>| {
        let envs = machine.kernel.envs();
        envs.used().map(|slot| envs[slot].runs).sum::<u32>()
    };
    let yields = Personality::Lab4.number(Call::Yield).expect("a call");
    set_call(&mut machine.cpu_mut(CPU0).frame, yields, [0; 5]);
    machine.trap(CPU0, Event::Syscall);
    let mut steps = 0;
    while let Mode::Waiting(_) = machine.cpu(CPU0).mode {
        let before = runs(&machine);
        machine.enter(CPU0);
        machine.complete();
        assert!(runs(&machine) <= before + 1, "one is put on the CPU");
        assert_eq!(machine.check(), Ok(()));
        steps += 1;
    }
    assert_eq!(steps, CHILDREN + 1);
    assert_eq!(machine.env_on(CPU0).map(|id| id.0), Some(0x1000));
}
