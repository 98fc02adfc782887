//! The quick ways make the steps that the longer ways make, and leave the same state.
//!
//! Two machines do the same, one of them without short ways. The hard thing is that what
//! makes a quick way decline must happen often: partners that wait for something else, have
//! a page with them, are gone, or have a deadline; CPUs that idle; registers in use. So a few
//! environments talk to each other about little else. (The random driver makes all calls.)

use abi::layout::{PGSIZE, USTACKTOP, UTOP};
use abi::trap::FLAG_NT;
use abi::{Call, EnvStatus, Personality};
use kcore::env::{Slot, Wait};
use kcore::{CpuId, Event};
use sim::machine::call::set_call;
use sim::machine::{Machine, Mode, Spec, Store};
use sim::random::Stream;
use witness::digest;

const ENVIRONMENTS: u32 = 5;
const PAGE: u32 = 0x40_0000;
/// In another part of the same page table.
const OTHER: u32 = PAGE + 100 * PGSIZE;
/// In yet another part, where at first nothing is.
const EMPTY: u32 = PAGE + 200 * PGSIZE;
/// What an action is made of.
type Words = [u32; 7];
const CALLS: [Call; 24] = [
    Call::Yield,
    Call::Yield,
    Call::IpcSend,
    Call::IpcSend,
    Call::IpcSend,
    Call::IpcRecv,
    Call::IpcRecv,
    Call::IpcRecv,
    Call::IpcCall,
    Call::IpcCall,
    Call::IpcCall,
    Call::IpcReply,
    Call::IpcReply,
    Call::IpcReply,
    Call::IpcTrySend,
    Call::EnvSetDeadline,
    Call::EnvSetStatus,
    Call::PageAlloc,
    Call::PageAlloc,
    Call::PageAlloc,
    Call::PageMap,
    Call::PageMap,
    Call::PageCopy,
    Call::PageUnmap,
];

/// The id of one of the environments, mostly of the first two, or one that was its slot's before
/// or will be.
fn partner(machine: &Machine<'_>, word: u32) -> u32 {
    let slot = [1, 1, 0, 0, 2, 3, 4][word as usize % 7];
    let id = machine.kernel.envs()[Slot(slot)].id.0 as u32;
    match word / 7 % 16 {
        0 => id.wrapping_add(0x1000),
        1 => id.wrapping_sub(0x1000),
        _ => id,
    }
}

/// The id of one that waits for a reply, or 0.
fn client(machine: &Machine<'_>) -> u32 {
    let envs = machine.kernel.envs();
    let waits = |&slot: &Slot| matches!(envs[slot].wait, Wait::Reply(_));
    envs.used()
        .find(waits)
        .map_or(0, |slot| envs[slot].id.0 as u32)
}

/// One of two pages; sometimes none.
fn page_of(word: u32) -> u32 {
    match word % 32 {
        0 => PAGE + 1,
        1 => UTOP - PGSIZE,
        2..=5 => EMPTY,
        even if even % 2 == 0 => PAGE,
        _ => OTHER,
    }
}

/// Permissions, mostly valid ones.
fn perm(word: u32) -> u32 {
    [7, 5, 0xe07, 0x405, 7, 5, 6, 0x27][word as usize / 16 % 8]
}

fn arguments(machine: &Machine<'_>, call: Call, words: &Words) -> [u32; 5] {
    let [_, id, what, word, second, _, more] = *words;
    let id = match call {
        Call::IpcReply if id % 2 == 0 => client(machine),
        _ => partner(machine, id),
    };
    let page = if word % 2 == 0 { page_of(more) } else { UTOP };
    match call {
        Call::IpcSend | Call::IpcTrySend => [id, word, page, perm(more), 0],
        Call::IpcRecv => [page, 0, 0, 0, 0],
        Call::IpcReply if what % 5 == 0 => [0, 0, word, second, page],
        // No page, one offered, one wanted.
        Call::IpcCall | Call::IpcReply => [
            id,
            [0, PAGE | 7, 8][what as usize % 8 % 3],
            word,
            second,
            page,
        ],
        Call::EnvSetDeadline => [[0, 1, u32::MAX][what as usize % 3], 0, 0, 0, 0],
        Call::EnvSetStatus => [id, EnvStatus::Runnable as u32, 0, 0, 0],
        Call::PageAlloc => [0, page_of(more), perm(more), 0, 0],
        Call::PageCopy => [0, PAGE, 0, (OTHER) | 7, 0],
        Call::PageMap => [0, PAGE, 0, OTHER, 5],
        Call::PageUnmap => [0, page, 0, 0, 0],
        _ => [0; 5],
    }
}

/// Lets a CPU do something; says whether one could.
fn act(machine: &mut Machine<'_>, words: &Words) -> bool {
    let busy: Vec<CpuId> = machine
        .cpu_ids()
        .filter(|&cpu| machine.cpu(cpu).mode == Mode::User)
        .collect();
    if busy.is_empty() {
        return false;
    }
    let cpu = busy[words[0] as usize % busy.len()];
    match words[5] % 16 {
        0 => machine.tick(cpu),
        1 => drop(machine.use_fpu(cpu, words[3])),
        // From then on the CPU has the translation.
        2..=4 => drop(machine.translate(cpu, page_of(words[6]), false)),
        _ => call(machine, cpu, words),
    }
    machine.calm_down();
    true
}

fn call(machine: &mut Machine<'_>, cpu: CpuId, words: &Words) {
    let call = CALLS[words[0] as usize / 4 % CALLS.len()];
    let Some(slot) = machine.kernel.cpus().current(cpu) else {
        return;
    };
    // The first never waits, and lets others wait for it no longer than it must; so
    // something goes on.
    let call = match (slot.0, call) {
        (1.., _) => call,
        _ if !machine.kernel.envs()[slot].senders.is_empty() => Call::IpcRecv,
        (_, Call::IpcSend | Call::IpcRecv | Call::IpcCall | Call::IpcReply) => Call::IpcTrySend,
        _ => call,
    };
    let personality = machine.kernel.envs()[slot].personality;
    let number = personality.number(call).unwrap_or(u32::MAX);
    // Sometimes one beyond the tables.
    let number = number | u32::from(words[5] % 64 == 2) << 7;
    let arguments = arguments(machine, call, words);
    let frame = &mut machine.cpu_mut(cpu).frame;
    set_call(frame, number, arguments);
    frame.eflags |= words[4] & FLAG_NT;
    frame.esp = USTACKTOP - 16; // where a fifth argument of 0 stands
    let event = match words[5] / 64 % 2 {
        0 => Event::Syscall,
        _ if call == Call::PageMap => Event::Syscall,
        _ => Event::FastSyscall,
    };
    machine.run_event(cpu, event);
}

/// Gives every environment two pages.
fn furnish(machine: &mut Machine<'_>) {
    for _ in 0..ENVIRONMENTS {
        for cpu in machine.cpu_ids() {
            if machine.cpu(cpu).mode == Mode::User {
                machine.call(cpu, Call::PageAlloc, [0, PAGE, 7, 0, 0]);
                machine.call(cpu, Call::PageAlloc, [0, OTHER, 7, 0, 0]);
                machine.call(cpu, Call::Yield, [0; 5]);
            }
        }
    }
}

#[test]
fn quick_ways_are_no_more_than_shortcuts() {
    for seed in 1..=1000 {
        let mut stream = Stream::new(seed);
        let spec = Spec {
            cpus: 1 + (seed % 3) as u8,
            ..Spec::default()
        };
        let (mut store, mut long_store) = (Store::new(&spec), Store::new(&spec));
        let mut short = Machine::new(&mut store, spec);
        let mut long = Machine::new(&mut long_store, spec);
        long.kernel.forgo_short_ways();
        for machine in [&mut short, &mut long] {
            for index in 0..ENVIRONMENTS as usize {
                let personality = Personality::ALL[(seed as usize + index) % 6];
                machine.boot(0x80_0020, personality);
            }
            machine.calm_down();
            furnish(machine);
        }
        for action in 0..200 {
            let words: Words = std::array::from_fn(|_| stream.word());
            let acted = [&mut short, &mut long].map(|machine| act(machine, &words));
            assert_eq!(acted[0], acted[1], "seed {seed}, action {action}");
            let digests = [&short, &long].map(|machine| digest::full(&machine.kernel));
            assert_eq!(digests[0], digests[1], "seed {seed}, action {action}");
            assert_eq!(short.cpus, long.cpus, "seed {seed}, action {action}");
            if !acted[0] {
                break;
            }
        }
        assert_eq!(short.audit(), Ok(()), "seed {seed}");
    }
}

/// Whoever keeps a log must see every step.
#[test]
fn a_kernel_that_forgoes_its_short_ways_goes_none() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let cpu = CpuId(0);
    machine.kernel.forgo_short_ways();
    for call in [
        Call::Yield,
        Call::PageAlloc,
        Call::PageUnmap,
        Call::GetEnvId,
    ] {
        let number = Personality::Lab4.number(call).unwrap_or(u32::MAX);
        let mut frame = machine.cpu(cpu).frame;
        set_call(&mut frame, number, [0, PAGE, 7, 0, 0]);
        let (event, now) = (Event::Syscall, machine.now);
        let quick = machine
            .kernel
            .quick_step(call, cpu, || now, event, &mut frame);
        let quiet = machine.kernel.quiet_step(cpu, now, event, &mut frame);
        assert_eq!((quick, quiet), (None, None), "{call:?}");
        machine.call(cpu, call, [0, PAGE, 7, 0, 0]);
    }
}

/// The hardware half takes a quick way by a number alone, which may mean another call.
#[test]
fn a_number_that_means_something_else_has_no_quick_way() {
    let quick = [
        Call::GetEnvId,
        Call::Yield,
        Call::IpcSend,
        Call::IpcRecv,
        Call::IpcCall,
        Call::IpcReply,
        Call::PageAlloc,
        Call::PageUnmap,
        Call::PageCopy,
    ];
    let mut store = Store::new(&Spec::default());
    let mut machine = Machine::with_one_env(&mut store, Spec::default());
    let personality = machine.kernel.envs()[Slot(0)].personality;
    let mut declined = 0;
    for number in 0..256 {
        let mut frame = machine.cpu(CpuId(0)).frame;
        frame.regs.eax = number;
        let others = quick.into_iter();
        for call in others.filter(|&call| personality.call(number) != Some(call)) {
            let before = frame;
            let kernel = &mut machine.kernel;
            let step = kernel.quick_step(call, CpuId(0), || 0, Event::Syscall, &mut frame);
            assert_eq!((step, frame), (None, before), "{number} as {call:?}");
            declined += 1;
        }
    }
    assert_eq!(declined, 256 * quick.len() - quick.len());
    // One that means it has.
    let mut frame = machine.cpu(CpuId(0)).frame;
    frame.regs.eax = personality.number(Call::GetEnvId).unwrap();
    let kernel = &mut machine.kernel;
    let step = kernel.quick_step(Call::GetEnvId, CpuId(0), || 0, Event::Syscall, &mut frame);
    assert!(step.is_some());
}
