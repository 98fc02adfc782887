//! `ipc_recv(va)`.

use std::mem::offset_of;

use abi::PublicEnv;
use kcore::PhysMem;

use super::*;

#[test]
fn waits_and_gives_up_the_cpu() {
    with_machine(1, |machine| {
        first(machine, Call::Exofork, &[]);
        first(machine, Call::EnvSetStatus, &[CHILD, RUN]);
        let answer = call(machine, Call::IpcRecv, &[u32::MAX]);
        assert!(
            matches!(answer, Answer::Left(_)),
            "the call does not return yet: {answer:?}"
        );
        assert_eq!(
            on(machine, CPU0),
            Some(CHILD),
            "meanwhile somebody else runs"
        );
        let found = status(machine, PARENT);
        assert_eq!(
            found,
            EnvStatus::NotRunnable,
            "whoever waits is not runnable"
        );
        let answer = call(machine, Call::IpcTrySend, &[PARENT, 42, u32::MAX, 0]);
        assert_eq!(answer, DONE, "now something can be sent to it");
        let inbox = &machine.kernel.envs()[Slot(0)].inbox;
        assert_eq!(
            (inbox.value, inbox.from.0 as u32),
            (42, CHILD),
            "and arrives"
        );
    });
}

#[test]
fn programs_can_see_that_it_waits() {
    with_machine(1, |machine| {
        let mirror = |machine: &Machine<'_>, offset: u32| {
            machine
                .kernel
                .memory()
                .read(machine.kernel.config().uenvs + offset)
        };
        call(machine, Call::IpcRecv, &[B]);
        let receiving = mirror(machine, offset_of!(PublicEnv, ipc_recving) as u32);
        let dstva = mirror(machine, offset_of!(PublicEnv, ipc_dstva) as u32);
        assert_eq!(
            (receiving, dstva),
            (1, B),
            "env_ipc_recving and env_ipc_dstva at UENVS"
        );
    });
}

#[test]
fn takes_what_waits_to_be_sent() {
    with_machine(2, |machine| {
        running_child(machine);
        let answer = call_on(machine, CPU1, Call::IpcSend, &[PARENT, 7, u32::MAX, 0]);
        assert!(
            matches!(answer, Answer::Left(_)),
            "ipc_send waits for a receiver"
        );
        let answer = call(machine, Call::IpcRecv, &[u32::MAX]);
        assert_eq!(answer, DONE, "a message was there already, so nobody waits");
        let inbox = &machine.kernel.envs()[Slot(0)].inbox;
        assert_eq!(
            (inbox.value, inbox.from.0 as u32),
            (7, CHILD),
            "it is that message"
        );
        machine.calm_down();
        assert_eq!(on(machine, CPU1), Some(CHILD), "its sender goes on");
    });
}

#[test]
fn a_bad_place_for_a_page_is_refused() {
    with_machine(1, |machine| {
        let answer = call(machine, Call::IpcRecv, &[A + 1]);
        assert_eq!(
            answer, INVALID,
            "the address is below UTOP and not one of a page"
        );
    });
}

#[test]
fn random_calls_do_what_they_must() {
    at_random(Call::IpcRecv);
}
