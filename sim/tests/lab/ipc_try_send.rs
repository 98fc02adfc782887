//! `ipc_try_send(id, value, va, perm)`.

use super::*;

/// A child on the other CPU waits for a message, and wants a page at `B`.
#[track_caller]
fn with_receiver<R>(f: impl FnOnce(&mut Machine<'_>) -> R) -> R {
    with_machine(2, |machine| {
        running_child(machine);
        call_on(machine, CPU1, Call::IpcRecv, &[B]);
        let found = status(machine, CHILD);
        assert_eq!(found, EnvStatus::NotRunnable, "a child that receives waits");
        f(machine)
    })
}

/// What the child received: who sent it, the word, and the permissions of a page.
fn received(machine: &Machine<'_>) -> [u32; 3] {
    let inbox = &machine.kernel.envs()[Slot(1)].inbox;
    [inbox.from.0 as u32, inbox.value, inbox.perm]
}

#[test]
fn a_word_arrives_and_ends_the_wait() {
    with_receiver(|machine| {
        let answer = call(machine, Call::IpcTrySend, &[CHILD, 42, u32::MAX, 0]);
        assert_eq!(answer, DONE, "ipc_try_send to somebody who receives");
        assert_eq!(
            received(machine),
            [PARENT, 42, 0],
            "sender, word and no page"
        );
        machine.calm_down();
        assert_eq!(on(machine, CPU1), Some(CHILD), "the receiver goes on");
        let result = machine.cpu(CPU1).frame.regs.eax;
        assert_eq!(result, 0, "and its call has succeeded");
        assert_eq!(
            page(machine, CHILD, B),
            None,
            "it gets no page that was not sent"
        );
    });
}

#[test]
fn a_page_comes_along() {
    with_receiver(|machine| {
        first(machine, Call::PageAlloc, &[0, A, RW]);
        let answer = call(machine, Call::IpcTrySend, &[CHILD, 1, A, RO]);
        assert_eq!(answer, DONE, "ipc_try_send with a page");
        let (frame, _) = page(machine, PARENT, A).expect("mapped");
        let found = page(machine, CHILD, B);
        assert_eq!(
            found,
            Some((frame, RO)),
            "the receiver has the page where it wanted it"
        );
        assert_eq!(
            received(machine),
            [PARENT, 1, RO],
            "and is told its permissions"
        );
    });
}

#[test]
fn who_does_not_wait_gets_nothing() {
    with_machine(1, |machine| {
        first(machine, Call::Exofork, &[]);
        let answer = call(machine, Call::IpcTrySend, &[CHILD, 42, u32::MAX, 0]);
        let busy = Answer::Failed(Error::IpcNotRecv);
        assert_eq!(answer, busy, "nobody receives there");
        let answer = call(machine, Call::IpcTrySend, &[0x2000, 42, u32::MAX, 0]);
        assert_eq!(answer, NOBODY, "and there is no such environment");
    });
}

#[test]
fn a_bad_page_leaves_the_receiver_waiting() {
    with_receiver(|machine| {
        first(machine, Call::PageAlloc, &[0, A, RO]);
        let bad = [
            (A + 1, RO, "the address is not one of a page"),
            (B, RO, "nothing is mapped there"),
            (A, RW, "the sender may not write it itself"),
            (A, 0, "such permissions cannot be asked for"),
        ];
        for (va, perm, why) in bad {
            let answer = call(machine, Call::IpcTrySend, &[CHILD, 9, va, perm]);
            assert_eq!(answer, INVALID, "{why}");
            let found = status(machine, CHILD);
            assert_eq!(found, EnvStatus::NotRunnable, "the receiver still waits");
            assert_eq!(received(machine)[1], 0, "and has received nothing");
        }
    });
}

#[test]
fn random_calls_do_what_they_must() {
    at_random(Call::IpcTrySend);
}
