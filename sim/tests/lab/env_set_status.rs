//! `env_set_status(id, status)`.

use super::*;

#[test]
fn a_child_that_is_runnable_gets_a_cpu() {
    with_machine(2, |machine| {
        first(machine, Call::Exofork, &[]);
        let answer = call(machine, Call::EnvSetStatus, &[CHILD, RUN]);
        assert_eq!(answer, DONE, "env_set_status to runnable");
        machine.calm_down();
        assert_eq!(
            on(machine, CPU1),
            Some(CHILD),
            "an idle CPU is woken and takes it"
        );
    });
}

#[test]
fn a_running_child_is_stopped_before_the_call_returns() {
    with_machine(2, |machine| {
        running_child(machine);
        let answer = call(machine, Call::EnvSetStatus, &[CHILD, STOP]);
        assert_eq!(answer, DONE, "env_set_status to not runnable");
        assert_eq!(
            on(machine, CPU1),
            None,
            "the other CPU does not run it any more"
        );
        assert_eq!(
            status(machine, CHILD),
            EnvStatus::NotRunnable,
            "and its status says so"
        );
    });
}

#[test]
fn to_set_what_is_so_changes_nothing() {
    with_machine(1, |machine| {
        first(machine, Call::Exofork, &[]);
        for wanted in [STOP, STOP, RUN, RUN, STOP] {
            let answer = call(machine, Call::EnvSetStatus, &[CHILD, wanted]);
            assert_eq!(answer, DONE, "env_set_status to {wanted}, once or twice");
            assert_eq!(
                status(machine, CHILD) as u32,
                wanted,
                "the status that was set"
            );
        }
    });
}

#[test]
fn whoever_waits_for_a_message_waits_no_longer() {
    with_machine(2, |machine| {
        running_child(machine);
        call_on(machine, CPU1, Call::IpcRecv, &[u32::MAX]);
        assert_eq!(
            status(machine, CHILD),
            EnvStatus::NotRunnable,
            "it waits for a message"
        );
        let answer = call(machine, Call::EnvSetStatus, &[CHILD, RUN]);
        assert_eq!(answer, DONE, "env_set_status of an environment that waits");
        machine.calm_down();
        assert_eq!(on(machine, CPU1), Some(CHILD), "it goes on");
        let result = machine.cpu(CPU1).frame.regs.eax;
        let error = (Error::Inval as u32).wrapping_neg();
        assert_eq!(result, error, "and its call has failed, as no message came");
    });
}

#[test]
fn refuses_bad_arguments_and_changes_nothing() {
    with_machine(1, |machine| {
        first(machine, Call::Exofork, &[]);
        for wanted in [0, 1, 3, 5, u32::MAX] {
            let answer = call(machine, Call::EnvSetStatus, &[CHILD, wanted]);
            assert_eq!(answer, INVALID, "nobody can be made {wanted}");
            let found = status(machine, CHILD);
            assert_eq!(
                found,
                EnvStatus::NotRunnable,
                "a call that fails changes nothing"
            );
        }
        for id in NOT_OWN {
            let answer = call(machine, Call::EnvSetStatus, &[id, RUN]);
            assert_eq!(
                answer, NOBODY,
                "{id:x} is neither the caller nor a child of it"
            );
        }
    });
}

#[test]
fn random_calls_do_what_they_must() {
    at_random(Call::EnvSetStatus);
}
