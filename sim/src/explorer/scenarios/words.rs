//! Waiting for words of memory.
//!
//! The hard thing is the moment between a look at the word and the wait: there it may
//! change, its owner may die, or the time may be up.

use super::parts::*;
use crate::explorer::program::Op;
use abi::Call;

/// One waits until the other has changed a word.
pub fn wait_and_wake() -> Scenario {
    Scenario {
        all_end: true,
        ..scenario(
            "wait-and-wake",
            "parent and grandchild wait for a word, which the child changes and wakes",
            programs(
                &[
                    simple(Call::FutexWait, [A, 0, 0]),
                    simple(Call::FutexWait, [A, 0, 0]),
                    Op::Want(1),
                    exit(),
                ],
                &[Op::Store(A), simple(Call::FutexWake, [A, 2]), exit()],
                &[simple(Call::FutexWait, [A, 0, 0]), exit()],
            ),
            &[A],
            |stage| page_to_everybody(stage, A, &[CHILD_AT, GRANDCHILD_AT]),
        )
    }
}

/// A wake hands over those that go on waiting, and who was woken dies.
pub fn pass_on() -> Scenario {
    let wait = simple(Call::FutexWait, [A, 0, CHILD]);
    Scenario {
        all_end: true,
        ..scenario(
            "pass-on",
            "parent and grandchild wait for the child's word; it passes that on to one, which \
             dies, and waits until both are dead",
            programs(
                &[wait, exit()],
                &[
                    Op::Store(A),
                    simple(Call::FutexWake, [A, 1, 1]),
                    simple(Call::FutexWait, [A + 4, 0, PARENT]),
                    simple(Call::FutexWait, [A + 4, 0, GRANDCHILD]),
                    exit(),
                ],
                &[wait, exit()],
            ),
            &[A],
            |stage| page_to_everybody(stage, A, &[CHILD_AT, GRANDCHILD_AT]),
        )
    }
}

/// A word is never woken, but its owner dies.
pub fn wait_for_owner() -> Scenario {
    Scenario {
        all_end: true,
        ..scenario(
            "wait-for-owner",
            "parent and grandchild wait for the child's word, one until a deadline; the child dies",
            programs(
                &[
                    simple(Call::FutexWait, [A, 0, CHILD]),
                    destroy(GRANDCHILD),
                    exit(),
                ],
                &[r#yield(), exit()],
                &[
                    simple(Call::EnvSetDeadline, [2]),
                    simple(Call::FutexWait, [A, 0, CHILD]),
                    simple(Call::FutexWake, [A, 1]),
                    exit(),
                ],
            ),
            &[],
            |stage| page_to_everybody(stage, A, &[CHILD_AT, GRANDCHILD_AT]),
        )
    }
}
