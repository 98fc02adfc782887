//! What the tables that every program can read show, and what they must not show.

use abi::env::PUBLIC_ENV_STRIDE;
use abi::trap::{FLAG_IOPL, TRAP_FRAME_WORDS};
use abi::{Call, EnvId, EnvStatus, PublicEnv};
use kcore::{CpuId, PhysMem};
use sim::machine::call::Answer;
use sim::machine::{Machine, Spec, Store};
use std::mem::offset_of;

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);
const SECRET: u32 = 0x5ec2_e700;

/// A word of the public entry of an environment.
fn public(machine: &Machine<'_>, id: u32, offset: usize) -> u32 {
    let entry = EnvId(id as i32).slot() as u32 * PUBLIC_ENV_STRIDE;
    let base = machine.kernel.config().uenvs;
    machine.kernel.memory().read(base + entry + offset as u32)
}

fn public_registers(machine: &Machine<'_>, id: u32) -> [u32; TRAP_FRAME_WORDS] {
    std::array::from_fn(|word| public(machine, id, word * 4))
}

/// A parent on CPU 0 whose registers hold a secret, and its child, not started.
fn with_child<'t>(store: &'t mut Store, spec: Spec, flags: u32) -> (Machine<'t>, u32) {
    let mut machine = Machine::with_one_env(store, spec);
    let frame = &mut machine.cpu_mut(CPU0).frame;
    frame.regs.ebp = SECRET;
    frame.eflags |= flags;
    let Answer::Value(child) = machine.call(CPU0, Call::Exofork, [0; 5]) else {
        panic!("no child");
    };
    (machine, child)
}

fn spec() -> Spec {
    Spec {
        cpus: 2,
        ..Spec::default()
    }
}

#[test]
fn registers_are_shown_until_an_environment_runs_and_never_again() {
    let spec = spec();
    let mut store = Store::new(&spec);
    let (mut machine, child) = with_child(&mut store, spec, 0);
    assert!(public_registers(&machine, child).contains(&SECRET));
    let run = [child, EnvStatus::Runnable as u32, 0, 0, 0];
    assert_eq!(
        machine.call(CPU0, Call::EnvSetStatus, run),
        Answer::Value(0)
    );
    machine.calm_down();
    assert!(machine.env_on(CPU1).is_some());
    let stop = [child, EnvStatus::NotRunnable as u32, 0, 0, 0];
    assert_eq!(
        machine.call(CPU0, Call::EnvSetStatus, stop),
        Answer::Value(0)
    );
    assert_eq!(public_registers(&machine, child), [0; TRAP_FRAME_WORDS]);
}

#[test]
fn kernel_pointers_read_as_zero() {
    let spec = spec();
    let mut store = Store::new(&spec);
    let (machine, child) = with_child(&mut store, spec, 0);
    for id in [0x1000, child] {
        assert_eq!(public(&machine, id, offset_of!(PublicEnv, link)), 0);
        assert_eq!(public(&machine, id, offset_of!(PublicEnv, pgdir)), 0);
    }
    // Words 0, 2, 4, ... of the table of frames are JOS's list pointers.
    let upages = machine.kernel.config().upages;
    for frame in machine.usable() {
        assert_eq!(machine.kernel.memory().read(upages + frame * 8), 0);
    }
}

#[test]
fn the_right_to_ports_is_not_inherited() {
    let spec = spec();
    let mut store = Store::new(&spec);
    let (machine, child) = with_child(&mut store, spec, FLAG_IOPL);
    let flags = public_registers(&machine, child)[14];
    assert_eq!(flags & FLAG_IOPL, 0);
}
