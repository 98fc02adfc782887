//! Ids come round. An environment that gets a dead one's id inherits nothing else
//! from it.

use abi::layout::PGSIZE;
use abi::{Call, EnvStatus, Error};
use kcore::CpuId;
use sim::machine::call::Answer;
use sim::machine::{Machine, Spec, Store};

const CPU0: CpuId = CpuId(0);
const RUN: u32 = EnvStatus::Runnable as u32;
/// How many ids a slot has.
const IDS: u32 = 0x7ffff;
const A: u32 = 0x40_0000;

fn value(answer: Answer) -> u32 {
    match answer {
        Answer::Value(value) => value,
        other => panic!("{other:?}"),
    }
}

fn start_child(machine: &mut Machine<'_>) -> u32 {
    let child = value(machine.call(CPU0, Call::Exofork, [0; 5]));
    machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
    child
}

/// Gives the CPU to `id`.
fn switch_to(machine: &mut Machine<'_>, id: u32) {
    while machine.env_on(CPU0).map(|id| id.0 as u32) != Some(id) {
        machine.tick(CPU0);
    }
}

/// The first environment makes a parent, which makes a child and a job, and dies.
/// Then the first makes a stranger with the parent's id. Returns the results of the
/// stranger's calls that name the orphan, and of its call that names the job.
pub(crate) fn strangers() -> (Vec<Answer>, Answer) {
    let spec = Spec {
        frames: 400,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let parent = start_child(&mut machine);
    switch_to(&mut machine, parent);
    let orphan = start_child(&mut machine);
    let member = start_job(&mut machine);
    switch_to(&mut machine, 0x1000);
    let ended = machine.call(CPU0, Call::EnvDestroy, [parent, 0, 0, 0, 0]);
    assert_eq!(ended, Answer::Value(0));
    // As many lives as it takes for the id to come round.
    for _ in 1..IDS {
        let child = value(machine.call(CPU0, Call::Exofork, [0; 5]));
        assert_ne!(child, parent);
        machine.call(CPU0, Call::EnvDestroy, [child, 0, 0, 0, 0]);
    }
    let stranger = start_child(&mut machine);
    assert_eq!(stranger, parent, "the id has come round");
    switch_to(&mut machine, stranger);
    value(machine.call(CPU0, Call::PageAlloc, [0, A, 7, 0, 0]));
    let calls = [
        (Call::PageMap, [0, A, orphan, A, 7]),
        (Call::PageMap, [orphan, 0xeebf_d000, 0, A + PGSIZE, 5]),
        (Call::PageAlloc, [orphan, A, 7, 0, 0]),
        (Call::PageUnmap, [orphan, A, 0, 0, 0]),
        (Call::EnvSetPgfaultUpcall, [orphan, A, 0, 0, 0]),
        (Call::EnvSetStatus, [orphan, 4, 0, 0, 0]),
        (Call::EnvDestroy, [orphan, 0, 0, 0, 0]),
    ];
    let answers = calls.map(|(call, arguments)| machine.call(CPU0, call, arguments));
    let left = machine.call(CPU0, Call::JobSize, [member, 0, 0, 0, 0]);
    assert_eq!(machine.check(), Ok(()));
    (answers.into(), left)
}

/// Makes a child that is the first member of a new job, and starts it.
fn start_job(machine: &mut Machine<'_>) -> u32 {
    let child = value(machine.call(CPU0, Call::Exofork, [0; 5]));
    let job = [child, 0, 0, 0, 0];
    assert_eq!(machine.call(CPU0, Call::JobCreate, job), Answer::Value(0));
    machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
    child
}

#[test]
fn a_stranger_with_the_parents_id_is_no_parent() {
    let (answers, members) = strangers();
    assert_eq!(answers, [Answer::Failed(Error::BadEnv); 7]);
    assert_eq!(members, Answer::Value(0), "it has no job");
}
