//! Jobs: ending one ends all its members, and no other environment.

use abi::{Call, EnvStatus, Error};
use kcore::{CpuId, Event};
use sim::audit::census;
use sim::machine::call::Answer;
use sim::machine::{Machine, Mode, Spec, Store};

const CPU0: CpuId = CpuId(0);
const RUN: u32 = EnvStatus::Runnable as u32;

fn value(answer: Answer) -> u32 {
    match answer {
        Answer::Value(value) => value,
        other => panic!("{other:?}"),
    }
}

/// The creator makes a child that is the first member of a new job, and starts it.
fn start_job(machine: &mut Machine<'_>) -> u32 {
    let child = value(machine.call(CPU0, Call::Exofork, [0; 5]));
    let job = [child, 0, 0, 0, 0];
    assert_eq!(machine.call(CPU0, Call::JobCreate, job), Answer::Value(0));
    machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
    child
}

fn size(machine: &mut Machine<'_>, job: u32) -> u32 {
    value(machine.call(CPU0, Call::JobSize, [job, 0, 0, 0, 0]))
}

/// Calls `job_destroy` until no member is left; returns how many calls that took.
fn destroy(machine: &mut Machine<'_>, job: u32) -> u32 {
    for calls in 1..1000 {
        let left = value(machine.call(CPU0, Call::JobDestroy, [job, 0, 0, 0, 0]));
        assert_eq!(machine.check(), Ok(()));
        if left == 0 {
            return calls;
        }
    }
    panic!("it never ends")
}

/// Gives the CPU to the next environment.
fn switch(machine: &mut Machine<'_>) -> u32 {
    machine.tick(CPU0);
    machine.env_on(CPU0).map_or(0, |id| id.0 as u32)
}

#[test]
fn descendants_are_members_and_end_together() {
    let spec = Spec {
        frames: 1400,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let at_boot = census(&machine.kernel);
    let job = start_job(&mut machine);
    let bystander = value(machine.call(CPU0, Call::Exofork, [0; 5]));
    machine.call(CPU0, Call::EnvSetStatus, [bystander, RUN, 0, 0, 0]);
    // Every member that gets the CPU makes two children, one of which runs.
    for _ in 0..60 {
        let id = switch(&mut machine);
        if id == 0x1000 || id == bystander {
            continue;
        }
        value(machine.call(CPU0, Call::Exofork, [0; 5]));
        let child = value(machine.call(CPU0, Call::Exofork, [0; 5]));
        machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
    }
    while switch(&mut machine) != 0x1000 {}
    let members = size(&mut machine, job);
    assert!(members > 50, "{members}");
    let calls = destroy(&mut machine, job);
    assert!(calls <= members.div_ceil(8) + 40, "{calls} for {members}");
    assert_eq!(size(&mut machine, job), 0);
    let alive = machine.call(CPU0, Call::EnvDestroy, [bystander, 0, 0, 0, 0]);
    assert_eq!(alive, Answer::Value(0), "the bystander was left alone");
    machine.clean_up(CPU0);
    assert_eq!(census(&machine.kernel), at_boot);
}

/// Members on other CPUs are stopped, one by each call, and members that make a call
/// meanwhile end. Returns whether that was so.
pub(crate) fn cannot_outrun() -> bool {
    let spec = Spec {
        cpus: 4,
        frames: 1400,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let job = start_job(&mut machine);
    machine.calm_down();
    // The first member fills the other CPUs with its children.
    let leader = CpuId(1);
    for _ in 0..2 {
        let child = value(machine.call(leader, Call::Exofork, [0; 5]));
        machine.call(leader, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
        machine.calm_down();
    }
    assert_eq!(size(&mut machine, job), 3);
    let first = value(machine.call(CPU0, Call::JobDestroy, [job, 0, 0, 0, 0]));
    assert_eq!(first, 2);
    for cpu in [CpuId(2), CpuId(3)] {
        assert_eq!(machine.cpu(cpu).mode, Mode::User);
        let fork = machine.call(cpu, Call::Exofork, [0; 5]);
        if fork != Answer::Left(None) {
            return false;
        }
        assert_eq!(machine.check(), Ok(()));
    }
    assert_eq!(size(&mut machine, job), 0);
    machine.calm_down();
    machine
        .cpu_ids()
        .skip(1)
        .all(|cpu| machine.env_on(cpu).is_none())
}

#[test]
fn a_job_cannot_outrun_its_end() {
    assert!(cannot_outrun());
}

#[test]
fn nobody_else_has_a_say() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let job = start_job(&mut machine);
    let [own, unknown, zero] = [0x1000, job + 0x1000, 0].map(|id| [id, 0, 0, 0, 0]);
    let failed = |answer, error| assert_eq!(answer, Answer::Failed(error));
    failed(machine.call(CPU0, Call::JobCreate, own), Error::Inval);
    failed(machine.call(CPU0, Call::JobCreate, zero), Error::Inval);
    failed(machine.call(CPU0, Call::JobCreate, unknown), Error::BadEnv);
    assert_eq!(destroy(&mut machine, unknown[0]), 1);
    assert_eq!(destroy(&mut machine, 0), 1);
    assert_eq!(size(&mut machine, job), 1);
    assert_eq!(switch(&mut machine), job);
    let own = [job, 0, 0, 0, 0];
    // A member does not own its job, and can neither end nor leave it.
    assert_eq!(destroy(&mut machine, job), 1);
    assert_eq!(size(&mut machine, job), 0);
    let child = value(machine.call(CPU0, Call::Exofork, [0; 5]));
    let inner = [child, 0, 0, 0, 0];
    failed(machine.call(CPU0, Call::JobCreate, inner), Error::Inval);
    assert_eq!(switch(&mut machine), 0x1000);
    failed(machine.call(CPU0, Call::JobCreate, own), Error::Inval); // it has run
    assert_eq!(size(&mut machine, job), 2);
    destroy(&mut machine, job);
}

/// A member that waits is ended too, whatever it waits for.
#[test]
fn waiting_members_end() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let at_boot = census(&machine.kernel);
    for wait in [Call::Getc, Call::IpcRecv, Call::IpcSend] {
        let job = start_job(&mut machine);
        assert_eq!(switch(&mut machine), job);
        let answer = machine.call(CPU0, wait, [0x1000, 0, 0xeec0_0000, 0, 0]);
        let recv_wants_alignment = [0xeec0_0000, 0, 0, 0, 0];
        if wait == Call::IpcRecv && answer == Answer::Failed(Error::Inval) {
            machine.call(CPU0, wait, recv_wants_alignment);
        }
        assert_eq!(
            machine.env_on(CPU0).map(|id| id.0),
            Some(0x1000),
            "{wait:?}"
        );
        destroy(&mut machine, job);
        machine.run_event(CPU0, Event::ConsoleInput { byte: b'x' });
        assert_eq!(machine.call(CPU0, Call::Cgetc, [0; 5]), Answer::Value(120));
        machine.clean_up(CPU0);
        assert_eq!(census(&machine.kernel), at_boot);
    }
}

/// A byte that is typed while a job ends goes to none of its members.
#[test]
fn the_ending_take_no_input() {
    const READERS: u32 = 10;
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let job = start_job(&mut machine);
    assert_eq!(switch(&mut machine), job);
    for _ in 1..READERS {
        let child = value(machine.call(CPU0, Call::Exofork, [0; 5]));
        machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
    }
    let mut readers = 0;
    while readers < READERS {
        if machine.env_on(CPU0).map(|id| id.0) == Some(0x1000) {
            switch(&mut machine);
        } else {
            machine.call(CPU0, Call::Getc, [0; 5]);
            readers += 1;
        }
    }
    while machine.env_on(CPU0).map(|id| id.0) != Some(0x1000) {
        switch(&mut machine);
    }
    let left = value(machine.call(CPU0, Call::JobDestroy, [job, 0, 0, 0, 0]));
    assert_eq!(left, READERS - 8);
    machine.run_event(CPU0, Event::ConsoleInput { byte: b'x' });
    assert_eq!(machine.check(), Ok(()));
    assert_eq!(
        machine.call(CPU0, Call::Cgetc, [0; 5]),
        Answer::Value(b'x'.into())
    );
    destroy(&mut machine, job);
}

/// After one call all members end, whatever they wait for. None stays marked, and
/// the kernel is as quiet as before.
#[test]
fn one_call_ends_everybody_in_time() {
    const MEMBERS: u32 = 24;
    let spec = Spec {
        frames: 400,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let at_boot = census(&machine.kernel);
    let job = start_job(&mut machine);
    assert_eq!(switch(&mut machine), job);
    let mut children = Vec::new();
    for _ in 1..MEMBERS {
        let child = value(machine.call(CPU0, Call::Exofork, [0; 5]));
        children.push(child);
    }
    // One third is never started, one third waits, one third runs.
    for &child in &children[8..] {
        machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
    }
    let mut waiting = 0;
    while waiting < 8 {
        let id = switch(&mut machine);
        if children[8..16].contains(&id) {
            let wait = [Call::Getc, Call::IpcRecv][waiting % 2];
            machine.call(CPU0, wait, [0xeec0_0000, 0, 0, 0, 0]);
            waiting += 1;
        }
    }
    while switch(&mut machine) != 0x1000 {}
    let left = value(machine.call(CPU0, Call::JobDestroy, [job, 0, 0, 0, 0]));
    assert!(left >= MEMBERS - 8, "{left}");
    for _ in 0..100 {
        machine.tick(CPU0);
        machine.calm_down();
        assert_eq!(machine.check(), Ok(()));
    }
    assert_eq!(machine.env_on(CPU0).map(|id| id.0), Some(0x1000));
    assert_eq!(size(&mut machine, job), 0);
    machine.clean_up(CPU0);
    assert_eq!(census(&machine.kernel), at_boot);
}

#[test]
fn who_is_to_end_does_not_run_on_while_there_is_no_room_to_say_so() {
    const CPU2: CpuId = CpuId(2);
    let spec = Spec {
        cpus: 3,
        frames: 400,
        lifecycle: true,
        ..Spec::default()
    };
    for event in [Event::Timer, Event::Wake, Event::Syscall] {
        let mut store = Store::new(&spec);
        let mut machine = Machine::with_one_env(&mut store, spec);
        let job = start_job(&mut machine);
        machine.calm_down();
        // The member on CPU 1 makes another member, which goes to CPU 2.
        let member = value(machine.call(CpuId(1), Call::Exofork, [0; 5]));
        machine.call(CpuId(1), Call::EnvSetStatus, [member, RUN, 0, 0, 0]);
        machine.calm_down();
        assert!(machine.env_on(CPU2).is_some());
        // One call stops one other CPU: the member on CPU 2 is only marked.
        let left = machine.call(CPU0, Call::JobDestroy, [job, 0, 0, 0, 0]);
        assert_eq!(left, Answer::Value(1));
        machine.uart.instant = false;
        while machine.env_on(CPU0).is_some() {
            if let Answer::Value(other) = machine.call(CPU0, Call::Exofork, [0; 5]) {
                machine.call(CPU0, Call::EnvDestroy, [other, 0, 0, 0, 0]);
            }
        }
        machine.now += machine.kernel.config().quantum;
        machine.run_event(CPU2, event);
        assert_eq!(machine.env_on(CPU2), None, "{event:?}");
        assert_eq!(machine.check(), Ok(()));
        machine.uart.instant = true;
        machine.console_ready(CPU0);
        machine.calm_down();
        assert_eq!(size(&mut machine, job), 0);
        assert_eq!(machine.check(), Ok(()));
    }
}

#[test]
fn members_in_the_queue_wait_until_there_is_room_to_say_that_they_end() {
    const MEMBERS: usize = 12;
    let spec = Spec {
        frames: 400,
        lifecycle: true,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let alive = |machine: &Machine<'_>| {
        let envs = machine.kernel.envs();
        envs.used().filter(|&slot| envs[slot].alive).count()
    };
    let job = start_job(&mut machine);
    // The first member makes the others, while its creator waits for the CPU.
    switch(&mut machine);
    for _ in 1..MEMBERS {
        let member = value(machine.call(CPU0, Call::Exofork, [0; 5]));
        machine.call(CPU0, Call::EnvSetStatus, [member, RUN, 0, 0, 0]);
    }
    let creator = machine.kernel.envs().used().next();
    while machine.kernel.cpus().current(CPU0) != creator {
        switch(&mut machine);
    }
    let left = value(machine.call(CPU0, Call::JobDestroy, [job, 0, 0, 0, 0]));
    assert_eq!(left, 4, "one call ends eight");
    machine.uart.instant = false;
    while machine.kernel.cpus().current(CPU0) == creator {
        if let Answer::Value(other) = machine.call(CPU0, Call::Exofork, [0; 5]) {
            machine.call(CPU0, Call::EnvDestroy, [other, 0, 0, 0, 0]);
        }
    }
    let crowd = alive(&machine);
    machine.calm_down();
    assert_eq!(machine.env_on(CPU0), None);
    assert_eq!(alive(&machine), crowd, "nobody ends unsaid");
    assert_eq!(machine.check(), Ok(()));
    machine.uart.instant = true;
    machine.console_ready(CPU0);
    for _ in 0..left {
        switch(&mut machine);
        machine.calm_down();
    }
    assert_eq!(machine.kernel.cpus().current(CPU0), creator);
    assert_eq!(size(&mut machine, job), 0);
    assert_eq!(machine.check(), Ok(()));
}

/// A job whose creator never calls again ends all the same, however many members wait.
#[test]
fn a_large_job_of_waiting_members_ends_by_itself() {
    const MEMBERS: u32 = 300;
    let spec = Spec {
        frames: 1400,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    let job = start_job(&mut machine);
    let creator = 0x1000;
    while switch(&mut machine) != job {}
    for _ in 0..MEMBERS {
        let child = value(machine.call(CPU0, Call::Exofork, [0; 5]));
        machine.call(CPU0, Call::EnvSetStatus, [child, RUN, 0, 0, 0]);
    }
    // Each waits for a message, but for the creator.
    while machine.env_on(CPU0).is_some_and(|id| id.0 != creator) {
        machine.call(CPU0, Call::IpcRecv, [!0xfff, 0, 0, 0, 0]);
    }
    assert!(value(machine.call(CPU0, Call::JobDestroy, [job, 0, 0, 0, 0])) > MEMBERS - 10);
    let unswept = machine.kernel.sched().unswept;
    assert!(unswept > 0, "they are woken in pieces");
    // Now the creator waits too.
    machine.call(CPU0, Call::IpcRecv, [!0xfff, 0, 0, 0, 0]);
    machine.calm_down();
    assert_eq!(machine.check(), Ok(()));
    let (alive, _) = census(&machine.kernel);
    assert_eq!(alive, 1);
}

/// The creator is the parent of the first member, which it could stop before that ends: then
/// the member would neither end nor be woken, and the kernel would never be quiet again.
#[test]
fn who_is_to_end_is_not_stopped() {
    const PAGE: u32 = 0x40_0000;
    for stop in [Call::EnvSetStatus, Call::EnvGetState] {
        let spec = Spec::default();
        let mut store = Store::new(&spec);
        let mut machine = Machine::with_one_env(&mut store, spec);
        value(machine.call(CPU0, Call::PageAlloc, [0, PAGE, 7, 0, 0]));
        let [low, job, waiter] = [(); 3].map(|()| value(machine.call(CPU0, Call::Exofork, [0; 5])));
        value(machine.call(CPU0, Call::JobCreate, [job, 0, 0, 0, 0]));
        for id in [job, waiter] {
            value(machine.call(CPU0, Call::EnvSetStatus, [id, RUN, 0, 0, 0]));
        }
        // Another member gets a slot before the first one's, and somebody waits for it; so it is
        // all that one call ends.
        value(machine.call(CPU0, Call::EnvDestroy, [low, 0, 0, 0, 0]));
        machine.clean_up(CPU0);
        while switch(&mut machine) != job {}
        let member = value(machine.call(CPU0, Call::Exofork, [0; 5]));
        while switch(&mut machine) != waiter {}
        machine.call(CPU0, Call::IpcRecvFrom, [member, u32::MAX, 0, 0, 0]);
        while machine.env_on(CPU0).map(|id| id.0) != Some(0x1000) {
            switch(&mut machine);
        }
        let left = machine.call(CPU0, Call::JobDestroy, [job, 0, 0, 0, 0]);
        assert_eq!(left, Answer::Value(1));
        let second = match stop {
            Call::EnvGetState => PAGE,
            _ => EnvStatus::NotRunnable as u32,
        };
        let answer = machine.call(CPU0, stop, [job, second, 0, 0, 0]);
        assert_eq!(answer, Answer::Failed(Error::BadEnv), "{stop:?}");
        assert_eq!(machine.check(), Ok(()), "{stop:?}");
        machine.tick(CPU0);
        machine.calm_down();
        assert_eq!(machine.kernel.sched().ending, 0);
        assert_eq!(machine.check(), Ok(()));
    }
}
