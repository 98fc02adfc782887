//! Limits: of permissions, of counts, of slots, of memory; and that everything
//! comes back when everything has died.

use abi::layout::PGSIZE;
use abi::{Call, EnvStatus, Error, Personality};
use kcore::{CpuId, Pfn, PhysMem};
use sim::audit::census;
use sim::machine::call::Answer;
use sim::machine::{Machine, Spec, Store};
use sim::mmu::walk;

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);
const A: u32 = 0x40_0000;
const B: u32 = 0x40_1000;
const RUN: u32 = EnvStatus::Runnable as u32;

fn value(answer: Answer) -> u32 {
    match answer {
        Answer::Value(value) => value,
        other => panic!("{other:?}"),
    }
}

/// The low twelve bits of the page-table entry for `va`, in the environment on
/// `cpu`, without accessed and dirty.
fn perm_at(machine: &Machine<'_>, cpu: CpuId, va: u32) -> Option<u32> {
    let memory = machine.kernel.memory();
    let cr3 = machine.cpu(cpu).cr3;
    walk(memory, cr3, va)?;
    let table = memory.read(cr3.address() + (va >> 22) * 4) & !0xfff;
    Some(memory.read(table + (va >> 12 & 0x3ff) * 4) & 0xf9f)
}

#[test]
fn every_perm_is_taken_or_refused_by_three_calls() {
    let spec = Spec {
        cpus: 2,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    value(machine.call(CPU0, Call::PageAlloc, [0, B, 7, 0, 0]));
    let child = value(machine.call(CPU0, Call::Exofork, [0; 5]));
    value(machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]));
    machine.calm_down();
    assert_eq!(
        machine.call(CPU1, Call::IpcRecv, [A, 0, 0, 0, 0]),
        Answer::Left(None)
    );
    for perm in 0..4096u32 {
        let valid = perm & 5 == 5 && perm & !0xe07 == 0;
        let calls = [
            (Call::PageAlloc, [0, A, perm, 0, 0]),
            (Call::PageMap, [0, B, 0, A, perm]),
            (Call::IpcTrySend, [child, perm, B, perm, 0]),
        ];
        for (call, arguments) in calls {
            let answer = machine.call(CPU0, call, arguments);
            if valid {
                assert_eq!(answer, Answer::Value(0), "{call:?} {perm:#x}");
            } else {
                assert_eq!(answer, Answer::Failed(Error::Inval), "{call:?} {perm:#x}");
            }
            if valid && call != Call::IpcTrySend {
                assert_eq!(perm_at(&machine, CPU0, A), Some(perm), "{call:?}");
            }
        }
        if valid {
            machine.calm_down();
            assert_eq!(perm_at(&machine, CPU1, A), Some(perm));
            assert_eq!(
                machine.call(CPU1, Call::IpcRecv, [A, 0, 0, 0, 0]),
                Answer::Left(None)
            );
        }
        assert_eq!(machine.audit(), Ok(()));
    }
}

/// A CPU that has no clean frame, because memory was too short at boot, clears what it gives.
#[test]
fn a_cpu_without_a_clean_frame_gives_zeroes() {
    for (short_ways, page) in [(true, A), (false, A + PGSIZE)] {
        let spec = Spec::default();
        let mut store = Store::new(&spec);
        let mut machine = Machine::with_one_env(&mut store, spec);
        value(machine.call(CPU0, Call::PageAlloc, [0, A + 2 * PGSIZE, 7, 0, 0]));
        let mut state = machine.kernel.state();
        state.cpus[CPU0].clean = Pfn(0);
        machine.kernel.set_state(&state);
        for frame in machine.usable().map(Pfn) {
            if machine.kernel.frames().count(frame) == 0 {
                machine.kernel.mem().write(frame.address(), 0xbad);
            }
        }
        if !short_ways {
            machine.kernel.forgo_short_ways();
        }
        value(machine.call(CPU0, Call::PageAlloc, [0, page, 7, 0, 0]));
        assert_eq!(machine.load(CPU0, page), Some(0));
        let found = walk(machine.kernel.memory(), machine.cpu(CPU0).cr3, page);
        assert_ne!(found.expect("mapped").frame, Pfn(0));
    }
}

/// Nor does a message bring such a frame to one more place, by whichever way.
#[test]
fn a_frame_that_is_mapped_65535_times_is_not_sent() {
    for short_ways in [true, false] {
        let spec = Spec {
            frames: 256,
            ..Spec::default()
        };
        let mut store = Store::new(&spec);
        let mut machine = Machine::new(&mut store, spec);
        if !short_ways {
            machine.kernel.forgo_short_ways();
        }
        let receiver = machine.boot(0x80_0020, Personality::Lab4);
        machine.boot(0x80_0020, Personality::Lab4);
        machine.calm_down();
        value(machine.call(CPU0, Call::PageAlloc, [0, A + PGSIZE, 7, 0, 0]));
        machine.call(CPU0, Call::IpcRecv, [A, 0, 0, 0, 0]);
        value(machine.call(CPU0, Call::PageAlloc, [0, A, 7, 0, 0]));
        for i in 1..65_535 {
            let place = 0x1000_0000 + i * PGSIZE;
            value(machine.call(CPU0, Call::PageMap, [0, A, 0, place, 7]));
        }
        let answer = machine.call(CPU0, Call::IpcSend, [receiver.0 as u32, 1, A, 7, 0]);
        assert_eq!(answer, Answer::Failed(Error::NoMem));
        assert_eq!(machine.audit(), Ok(()));
    }
}

#[test]
fn a_frame_is_mapped_65535_times_and_no_more() {
    let spec = Spec {
        frames: 256,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let at_boot = census(&machine.kernel);
    value(machine.call(CPU0, Call::PageAlloc, [0, A, 7, 0, 0]));
    let frame = walk(machine.kernel.memory(), machine.cpu(CPU0).cr3, A)
        .expect("mapped")
        .frame;
    let place = |i: u32| 0x1000_0000 + i * PGSIZE;
    for i in 1..65_535 {
        assert_eq!(
            machine.call(CPU0, Call::PageMap, [0, A, 0, place(i), 7]),
            Answer::Value(0),
            "mapping {i}"
        );
    }
    assert_eq!(machine.kernel.frames().count(frame), 65_535);
    for attempt in 0..200_000 {
        let to = place(65_535 + attempt % 1000);
        let answer = machine.call(CPU0, Call::PageMap, [0, A, 0, to, 7]);
        assert_eq!(answer, Answer::Failed(Error::NoMem));
    }
    // The page may be mapped over itself, and an unmap makes room for a new mapping.
    value(machine.call(CPU0, Call::PageMap, [0, A, 0, place(9), 5]));
    assert_eq!(machine.kernel.frames().count(frame), 65_535);
    value(machine.call(CPU0, Call::PageUnmap, [0, place(9), 0, 0, 0]));
    value(machine.call(CPU0, Call::PageMap, [0, A, 0, place(65_535), 7]));
    assert_eq!(machine.audit(), Ok(()));
    assert_eq!(
        machine.call(CPU0, Call::EnvDestroy, [0; 5]),
        Answer::Left(None)
    );
    machine.calm_down();
    assert_eq!(at_boot.0, 1);
    assert_eq!(census(&machine.kernel), (0, 0));
    assert_eq!(machine.audit(), Ok(()));
}

/// A machine with enough memory for an environment in every slot.
fn spec_for_crowds() -> Spec {
    Spec {
        frames: 2300,
        cpus: 2,
        ..Spec::default()
    }
}

#[test]
fn every_slot_can_be_used_and_comes_back() {
    let spec = spec_for_crowds();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let at_boot = census(&machine.kernel);
    for round in 0..3 {
        let mut children = Vec::new();
        loop {
            match machine.call(CPU0, Call::Exofork, [0; 5]) {
                Answer::Value(child) => children.push(child),
                Answer::Failed(error) => {
                    assert_eq!(error, Error::NoFreeEnv);
                    break;
                }
                Answer::Left(_) => panic!("exofork returns"),
            }
        }
        assert_eq!(children.len(), 1023);
        assert_eq!(machine.audit(), Ok(()));
        for (i, &child) in children.iter().enumerate() {
            if i % 3 == round {
                value(machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]));
            }
        }
        machine.calm_down();
        assert_eq!(machine.check(), Ok(()));
        for child in children {
            value(machine.call(CPU0, Call::EnvDestroy, [child, 0, 0, 0, 0]));
        }
        machine.calm_down();
        machine.clean_up(CPU0);
        assert_eq!(census(&machine.kernel), at_boot);
        assert_eq!(machine.check(), Ok(()));
    }
}

#[test]
fn orphans_that_were_never_started_go_with_their_parent() {
    let spec = spec_for_crowds();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let at_boot = census(&machine.kernel);
    for round in 0..20 {
        let parent = value(machine.call(CPU0, Call::Exofork, [0; 5]));
        value(machine.call(CPU0, Call::EnvSetStatus, [parent, RUN, 0, 0, 0]));
        machine.calm_down();
        let mut made = 0;
        for _ in 0..1100 {
            if let Answer::Value(_) = machine.call(CPU1, Call::Exofork, [0; 5]) {
                made += 1;
            }
        }
        assert_eq!(made, 1022);
        if round % 2 == 0 {
            assert_eq!(
                machine.call(CPU1, Call::EnvDestroy, [0; 5]),
                Answer::Left(None)
            );
        } else {
            value(machine.call(CPU0, Call::EnvDestroy, [parent, 0, 0, 0, 0]));
            machine.calm_down();
        }
        // A slot is free at once, although few orphans are gone.
        let next = value(machine.call(CPU0, Call::Exofork, [0; 5]));
        value(machine.call(CPU0, Call::EnvDestroy, [next, 0, 0, 0, 0]));
        machine.clean_up(CPU0);
        assert_eq!(census(&machine.kernel), at_boot);
        assert_eq!(machine.check(), Ok(()));
    }
}

#[test]
fn children_that_were_stopped_go_with_their_parent() {
    const STOP: u32 = EnvStatus::NotRunnable as u32;
    let spec = spec_for_crowds();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let at_boot = census(&machine.kernel);
    let parent = value(machine.call(CPU0, Call::Exofork, [0; 5]));
    value(machine.call(CPU0, Call::EnvSetStatus, [parent, RUN, 0, 0, 0]));
    machine.calm_down();
    for _ in 0..100 {
        let child = value(machine.call(CPU1, Call::Exofork, [0; 5]));
        value(machine.call(CPU1, Call::EnvSetStatus, [child, RUN, 0, 0, 0]));
        value(machine.call(CPU1, Call::EnvSetStatus, [child, STOP, 0, 0, 0]));
    }
    assert_eq!(
        machine.call(CPU1, Call::EnvDestroy, [0; 5]),
        Answer::Left(None)
    );
    machine.clean_up(CPU0);
    assert_eq!(census(&machine.kernel), at_boot);
}

#[test]
fn an_orphan_that_stops_itself_ends() {
    const STOP: u32 = EnvStatus::NotRunnable as u32;
    let spec = spec_for_crowds();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let child = value(machine.call(CPU0, Call::Exofork, [0; 5]));
    value(machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]));
    machine.calm_down();
    machine.call(CPU0, Call::EnvDestroy, [0; 5]);
    assert_eq!(
        machine.call(CPU1, Call::EnvSetStatus, [0, STOP, 0, 0, 0]),
        Answer::Left(None)
    );
    machine.clean_up(CPU0);
    assert_eq!(census(&machine.kernel).0, 0);
}

#[test]
fn memory_that_dead_children_hold_is_there_when_it_is_wanted() {
    let spec = Spec {
        frames: 120,
        cpus: 2,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let parent = value(machine.call(CPU0, Call::Exofork, [0; 5]));
    value(machine.call(CPU0, Call::EnvSetStatus, [parent, RUN, 0, 0, 0]));
    machine.calm_down();
    while let Answer::Value(child) = machine.call(CPU1, Call::Exofork, [0; 5]) {
        machine.call(CPU1, Call::PageAlloc, [child, A, 7, 0, 0]);
    }
    assert_eq!(
        machine.call(CPU0, Call::PageAlloc, [0, A, 7, 0, 0]),
        Answer::Failed(Error::NoMem)
    );
    value(machine.call(CPU0, Call::EnvDestroy, [parent, 0, 0, 0, 0]));
    let mut va = A;
    while machine.call(CPU0, Call::PageAlloc, [0, va, 7, 0, 0]) == Answer::Value(0) {
        va += PGSIZE;
    }
    let (alive, used) = census(&machine.kernel);
    assert_eq!((alive, used), (1, machine.kernel.frames().total()));
    assert_eq!(machine.check(), Ok(()));
}

/// Children that ran and were stopped die with their parent, and their memory is
/// free one step later. Makes a call again and again until it is refused. Returns
/// whether the dead still held memory then.
pub(crate) fn refused_before_its_time(call: Call) -> bool {
    let spec = Spec {
        frames: 120,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let parent = value(machine.call(CPU0, Call::Exofork, [0; 5]));
    value(machine.call(CPU0, Call::EnvSetStatus, [parent, RUN, 0, 0, 0]));
    switch_to(&mut machine, parent);
    for _ in 0..8 {
        let child = value(machine.call(CPU0, Call::Exofork, [0; 5]));
        for page in 0..5 {
            let place = [child, A + page * PGSIZE, 7, 0, 0];
            value(machine.call(CPU0, Call::PageAlloc, place));
        }
        value(machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]));
        switch_to(&mut machine, child);
        switch_to(&mut machine, parent);
        value(machine.call(CPU0, Call::EnvSetStatus, [child, 4, 0, 0, 0]));
    }
    switch_to(&mut machine, 0x1000);
    let mut va = B;
    while machine.call(CPU0, Call::PageAlloc, [0, va, 7, 0, 0]) == Answer::Value(0) {
        va += PGSIZE;
    }
    value(machine.call(CPU0, Call::EnvDestroy, [parent, 0, 0, 0, 0]));
    loop {
        va += PGSIZE;
        let arguments = match call {
            Call::PageAlloc => [0, va, 7, 0, 0],
            Call::Sbrk => [20 * PGSIZE, 0, 0, 0, 0],
            _ => [0; 5],
        };
        match machine.call(CPU0, call, arguments) {
            Answer::Value(_) => {}
            Answer::Failed(_) => break,
            Answer::Left(_) => machine.calm_down(),
        }
    }
    assert_eq!(machine.check(), Ok(()));
    machine.kernel.has_leftovers()
}

fn switch_to(machine: &mut Machine<'_>, id: u32) {
    while machine.env_on(CPU0).map(|id| id.0 as u32) != Some(id) {
        machine.tick(CPU0);
    }
}

#[test]
fn nothing_is_refused_that_will_be_there_in_a_moment() {
    for call in [Call::PageAlloc, Call::Exofork, Call::Sbrk] {
        assert!(!refused_before_its_time(call), "{call:?}");
    }
}

#[test]
fn generations_wrap_and_stale_ids_name_nobody() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let mut last = 0;
    for generation in 1..0x8_0000u32 {
        let child = value(machine.call(CPU0, Call::Exofork, [0; 5]));
        assert_eq!(child, generation << 12 | 1);
        if generation % 0x1_0000 == 1 && last != 0 {
            let stale = machine.call(CPU0, Call::EnvDestroy, [last, 0, 0, 0, 0]);
            assert_eq!(stale, Answer::Failed(Error::BadEnv));
        }
        value(machine.call(CPU0, Call::EnvDestroy, [child, 0, 0, 0, 0]));
        last = child;
    }
    assert_eq!(
        machine.call(CPU0, Call::Exofork, [0; 5]),
        Answer::Value(0x1001)
    );
    assert_eq!(machine.check(), Ok(()));
}
