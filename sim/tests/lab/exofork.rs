//! `exofork()`.

use abi::layout::{PGSIZE, UTOP};

use super::*;

#[test]
fn the_parent_learns_the_childs_id() {
    with_machine(1, |machine| {
        let answer = call(machine, Call::Exofork, &[]);
        assert_eq!(
            answer,
            Answer::Value(CHILD),
            "exofork returns the id of the child"
        );
        let child = &machine.kernel.envs()[Slot(1)];
        let parent = child.parent.0 as u32;
        assert_eq!(parent, PARENT, "the caller is the child's parent");
        let answer = call(machine, Call::EnvDestroy, &[CHILD]);
        assert_eq!(
            answer, DONE,
            "the caller may do to the child what a parent may"
        );
    });
}

#[test]
fn the_child_waits_to_be_started() {
    with_machine(2, |machine| {
        first(machine, Call::Exofork, &[]);
        machine.calm_down();
        let found = status(machine, CHILD);
        assert_eq!(found, EnvStatus::NotRunnable, "a new child is not runnable");
        assert_eq!(on(machine, CPU1), None, "and no CPU runs it");
    });
}

#[test]
fn the_child_has_the_registers_but_for_eax() {
    with_machine(1, |machine| {
        let arguments = [11, 12, 13, 14, 15];
        machine.call(CPU0, Call::Exofork, arguments);
        let parent = machine.cpu(CPU0).frame;
        let child = machine.kernel.envs()[Slot(1)].frame;
        assert_eq!(
            child.regs.eax, 0,
            "the child finds 0 as the result of exofork"
        );
        let others = |regs: &abi::TrapFrame| {
            let r = regs.regs;
            [r.edx, r.ecx, r.ebx, r.edi, r.esi, r.ebp, regs.eip, regs.esp]
        };
        assert_eq!(
            others(&child),
            others(&parent),
            "all other registers are the parent's"
        );
    });
}

#[test]
fn the_child_has_no_memory() {
    with_machine(1, |machine| {
        first(machine, Call::Exofork, &[]);
        let pages = (0..UTOP).step_by(PGSIZE as usize);
        let mapped = pages.filter(|&va| page(machine, CHILD, va).is_some());
        let count = mapped.count();
        assert_eq!(
            count, 0,
            "what memory the child gets is the parent's to decide"
        );
    });
}

#[test]
fn ids_run_out() {
    with_machine(1, |machine| {
        let answers: Vec<Answer> = (0..1024)
            .map(|_| machine.call(CPU0, Call::Exofork, [0; 5]))
            .collect();
        let refused = |answer: &&Answer| !matches!(answer, Answer::Value(_));
        let found = answers.iter().find(refused);
        let refusals = [Error::NoFreeEnv, Error::NoMem].map(Answer::Failed);
        let right = found.is_some_and(|found| refusals.contains(found));
        assert!(
            right,
            "there is an end to children, and the call says so: {found:?}"
        );
    });
}

#[test]
fn random_calls_do_what_they_must() {
    at_random(Call::Exofork);
}
