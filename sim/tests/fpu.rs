//! Which environment owns the x87 registers of which CPU, case by case.

use abi::{Call, EnvStatus, Personality};
use kcore::{CpuId, Event};
use sim::machine::call::Answer;
use sim::machine::{Machine, Mode, Spec, Store};

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);
const RUNNABLE: u32 = EnvStatus::Runnable as u32;
const NOT_RUNNABLE: u32 = EnvStatus::NotRunnable as u32;

fn with_machine(cpus: u8, test: impl FnOnce(&mut Machine<'_>)) {
    let spec = Spec {
        cpus,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    test(&mut Machine::with_one_env(&mut store, spec));
}

/// The environment on `cpu` puts `new` into its registers, whether that traps or
/// not. Returns the number that it found there.
fn use_fpu(machine: &mut Machine<'_>, cpu: CpuId, new: u32) -> u32 {
    machine.use_fpu(cpu, new).unwrap_or_else(|| {
        machine.enter(cpu);
        machine.complete();
        machine.use_fpu(cpu, new).expect("they are lent")
    })
}

fn child(machine: &mut Machine<'_>) -> u32 {
    match machine.call(CPU0, Call::Exofork, [0; 5]) {
        Answer::Value(id) => id,
        answer => panic!("{answer:?}"),
    }
}

fn call(machine: &mut Machine<'_>, call: Call, arguments: [u32; 2]) -> Answer {
    let [a, b] = arguments;
    let answer = machine.call(CPU0, call, [a, b, 0, 0, 0]);
    machine.check().expect("all is well");
    answer
}

#[test]
fn the_first_use_traps_and_finds_a_reset_unit() {
    with_machine(1, |machine| {
        assert_eq!(machine.use_fpu(CPU0, 7), None);
        assert_eq!(machine.cpu(CPU0).mode, Mode::Waiting(Event::FpuUse));
        machine.enter(CPU0);
        assert_eq!(machine.use_fpu(CPU0, 7), Some(0));
        assert_eq!(machine.use_fpu(CPU0, 8), Some(7));
        machine.check().expect("all is well");
    });
}

#[test]
fn ending_members_of_a_job_that_never_ran_loses_nobodys_registers() {
    with_machine(1, |machine| {
        assert_eq!(use_fpu(machine, CPU0, 7), 0);
        let member = child(machine);
        assert_eq!(
            call(machine, Call::JobCreate, [member, 0]),
            Answer::Value(0)
        );
        let set = call(machine, Call::EnvSetStatus, [member, RUNNABLE]);
        assert_eq!(set, Answer::Value(0));
        while call(machine, Call::JobDestroy, [member, 0]) != Answer::Value(0) {}
        machine.calm_down();
        assert_eq!(use_fpu(machine, CPU0, 7), 7);
    });
}

#[test]
fn a_switch_takes_the_registers_along() {
    with_machine(1, |machine| {
        assert_eq!(use_fpu(machine, CPU0, 7), 0);
        let child = child(machine);
        call(machine, Call::EnvSetStatus, [child, RUNNABLE]);
        let parent = machine.env_on(CPU0);
        machine.call(CPU0, Call::Yield, [0; 5]);
        assert_ne!(machine.env_on(CPU0), parent);
        assert_eq!(use_fpu(machine, CPU0, 9), 0);
        machine.call(CPU0, Call::Yield, [0; 5]);
        assert_eq!(machine.env_on(CPU0), parent);
        assert_eq!(use_fpu(machine, CPU0, 8), 7);
        machine.call(CPU0, Call::Yield, [0; 5]);
        assert_eq!(use_fpu(machine, CPU0, 9), 9);
    });
}

#[test]
fn a_cpu_that_is_made_to_stop_saves_its_registers() {
    with_machine(2, |machine| {
        let child = child(machine);
        call(machine, Call::EnvSetStatus, [child, RUNNABLE]);
        machine.calm_down();
        assert_eq!(use_fpu(machine, CPU1, 9), 0);
        for status in [NOT_RUNNABLE, RUNNABLE] {
            call(machine, Call::EnvSetStatus, [child, status]);
            machine.calm_down();
        }
        assert_eq!(use_fpu(machine, CPU1, 9), 9);
    });
}

#[test]
fn the_dead_leave_nothing_to_the_next_life_of_their_slot() {
    for cpus in [1, 2] {
        with_machine(cpus, |machine| {
            for life in 1..=3 {
                let child = child(machine);
                call(machine, Call::EnvSetStatus, [child, RUNNABLE]);
                if cpus == 1 {
                    machine.call(CPU0, Call::Yield, [0; 5]);
                }
                machine.calm_down();
                let its_cpu = if cpus == 1 { CPU0 } else { CPU1 };
                assert_eq!(machine.env_on(its_cpu).map(|id| id.0 as u32), Some(child));
                assert_eq!(use_fpu(machine, its_cpu, life), 0);
                if cpus == 1 {
                    let exit = Call::EnvDestroy;
                    machine.call_as(CPU0, Personality::Lab4, exit, [0; 5]);
                } else {
                    call(machine, Call::EnvDestroy, [child, 0]);
                }
                machine.calm_down();
                machine.check().expect("all is well");
            }
        });
    }
}

#[test]
fn a_second_exception_of_the_kind_ends_the_program() {
    with_machine(1, |machine| {
        assert_eq!(use_fpu(machine, CPU0, 7), 0);
        machine.cpu_mut(CPU0).frame.trapno = abi::trap::Vector::NO_FPU.0;
        machine.run_event(CPU0, Event::FpuUse);
        assert_eq!(machine.env_on(CPU0), None);
    });
}

#[test]
fn a_use_that_is_interrupted_by_a_stop_is_begun_again() {
    with_machine(2, |machine| {
        let child = child(machine);
        call(machine, Call::EnvSetStatus, [child, RUNNABLE]);
        machine.calm_down();
        assert_eq!(machine.use_fpu(CPU1, 9), None);
        call(machine, Call::EnvSetStatus, [child, NOT_RUNNABLE]);
        call(machine, Call::EnvSetStatus, [child, RUNNABLE]);
        machine.calm_down();
        assert_eq!(use_fpu(machine, CPU1, 9), 0);
        machine.check().expect("all is well");
    });
}
