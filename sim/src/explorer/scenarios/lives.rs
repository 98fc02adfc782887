//! Environments that are made, started, stopped and ended.
//!
//! The hard thing is that the victim may be doing anything at that moment:
//! running, calling, waiting for the lock, ending by itself.

use super::parts::*;
use crate::explorer::program::{Op, Value};
use abi::Call;

/// A running child is destroyed; its slot and frames are used again.
pub fn destroy_and_reuse() -> Scenario {
    scenario(
        "destroy-and-reuse",
        "a running child is destroyed; its slot and frames serve the next",
        programs(
            &[
                destroy(CHILD),
                simple(Call::Exofork, []),
                Op::IfZero(GRANDCHILD_AT),
                Op::Want(0x2001),
                alloc(0x2001, A),
                Op::Want(0),
                set_status(0x2001, RUN),
                exit(),
            ],
            &[Op::Store(A), Op::Load(A), Op::Goto(CHILD_AT)],
            &[Op::Load(A), Op::Store(A), exit()],
        ),
        &[A],
        child_uses_page,
    )
}

/// A child is destroyed that has just given up its CPU.
pub fn leave_and_end() -> Scenario {
    scenario(
        "leave-and-end",
        "a child is destroyed while the CPU that it was on goes to another one",
        programs(
            &[destroy(CHILD), Op::Want(0), exit()],
            &[r#yield(), Op::Goto(CHILD_AT)],
            &[r#yield(), r#yield(), exit()],
        ),
        &[A],
        |stage| page_to_everybody(stage, A, &[CHILD_AT, GRANDCHILD_AT]),
    )
}

/// A running child is stopped and started.
pub fn stop_and_start() -> Scenario {
    scenario(
        "stop-and-start",
        "a child is stopped and started while it uses memory and yields",
        programs(
            &[
                set_status(CHILD, STOP),
                Op::Want(0),
                set_status(CHILD, RUN),
                Op::Want(0),
                unmap(CHILD, A),
                exit(),
            ],
            &[Op::Load(A), r#yield(), Op::Want(0), Op::Goto(CHILD_AT)],
            &[],
        ),
        &[A],
        child_uses_page,
    )
}

/// A child is stopped in the middle of its calls.
pub fn stop_caller() -> Scenario {
    scenario(
        "stop-caller",
        "a child is stopped just when it calls, and its call is made later",
        programs(
            &[
                set_status(CHILD, STOP),
                set_status(CHILD, RUN),
                r#yield(),
                set_status(CHILD, STOP),
                destroy(CHILD),
                exit(),
            ],
            &[
                unmap(0, A),
                Op::Want(0),
                alloc(0, A),
                Op::Want(0),
                Op::Store(A),
                Op::Goto(CHILD_AT),
            ],
            &[],
        ),
        &[A],
        child_uses_page,
    )
}

/// A fork by hand, with the other CPU asleep.
pub fn fork_and_start() -> Scenario {
    scenario(
        "fork-and-start",
        "a child is made, given a page and started while the other CPU sleeps",
        programs(
            &[
                simple(Call::Exofork, []),
                Op::IfZero(CHILD_AT),
                Op::Keep,
                call(
                    Call::PageMap,
                    [
                        Value::Is(0),
                        Value::Is(A),
                        Value::Kept,
                        Value::Is(A),
                        Value::Is(RW),
                    ],
                ),
                Op::Want(0),
                call(
                    Call::EnvSetStatus,
                    [
                        Value::Kept,
                        Value::Is(RUN),
                        Value::Is(0),
                        Value::Is(0),
                        Value::Is(0),
                    ],
                ),
                Op::Want(0),
                r#yield(),
                unmap(0, A),
                exit(),
            ],
            &[Op::Store(A), r#yield(), Op::Load(A), unmap(0, A), exit()],
            &[],
        ),
        &[A],
        |stage| stage.page_alloc(0, A),
    )
}

/// Parent, child and grandchild end each other.
pub fn family_feud() -> Scenario {
    scenario(
        "family-feud",
        "a parent ends a child that starts and ends its own; three on two CPUs",
        programs(
            &[r#yield(), destroy(CHILD), exit()],
            &[
                simple(Call::Exofork, []),
                Op::IfZero(GRANDCHILD_AT),
                Op::Want(GRANDCHILD),
                map(0, A, GRANDCHILD, A, RW),
                set_status(GRANDCHILD, RUN),
                destroy(GRANDCHILD),
                exit(),
            ],
            &[Op::Store(A), exit()],
        ),
        &[A],
        three_generations,
    )
}

/// Three environments share two CPUs.
pub fn three_in_turn() -> Scenario {
    scenario(
        "three-in-turn",
        "three environments take turns on two CPUs; one is stopped and unmapped",
        programs(
            &[
                set_status(CHILD, STOP),
                unmap(GRANDCHILD, A),
                set_status(CHILD, RUN),
                exit(),
            ],
            &[Op::Load(A), r#yield(), Op::Load(A), exit()],
            &[Op::Load(A), r#yield(), exit()],
        ),
        &[A],
        |stage| {
            stage.page_alloc(0, A);
            for start in [CHILD_AT, GRANDCHILD_AT] {
                let child = stage.child(start);
                stage.page_map(0, A, child, A);
            }
            stage.start(CHILD);
            stage.start(GRANDCHILD);
        },
    )
}

/// A parent dies and leaves children that it never started.
pub fn orphans() -> Scenario {
    scenario(
        "orphans",
        "a parent dies or is ended with children that were never started",
        programs(
            &[r#yield(), destroy(CHILD), alloc(0, B), exit()],
            &[
                simple(Call::Exofork, []),
                Op::IfZero(GRANDCHILD_AT),
                simple(Call::Exofork, []),
                Op::IfZero(GRANDCHILD_AT),
                Op::Load(A),
                exit(),
            ],
            &[],
        ),
        &[A],
        child_uses_page,
    )
}

/// A job is ended while it grows.
pub fn end_of_a_job() -> Scenario {
    scenario(
        "end-of-a-job",
        "a job of one, which makes and starts another member, is ended",
        programs(
            &[
                simple(Call::JobDestroy, [CHILD]),
                Op::UnlessZero(0),
                simple(Call::JobSize, [CHILD]),
                Op::Want(0),
                alloc(0, B),
                exit(),
            ],
            &[
                simple(Call::Exofork, []),
                Op::IfZero(GRANDCHILD_AT),
                set_status(GRANDCHILD, RUN),
                Op::Load(A),
                Op::Goto(CHILD_AT + 3),
            ],
            &[r#yield(), Op::Goto(GRANDCHILD_AT)],
        ),
        &[A],
        |stage| {
            stage.page_alloc(0, A);
            let child = stage.child(CHILD_AT);
            stage.call(Call::JobCreate, [child, 0, 0, 0, 0]);
            stage.page_map(0, A, child, A);
            stage.start(child);
        },
    )
}

/// Two environments use their x87 registers; one is ended, and its slot used again.
pub fn registers() -> Scenario {
    let uses = |want, leave| Op::Fpu { want, leave };
    scenario(
        "registers",
        "x87 registers, while one of two users is stopped, ended and replaced",
        programs(
            &[
                uses(0, 1),
                set_status(CHILD, STOP),
                set_status(CHILD, RUN),
                uses(1, 4),
                destroy(CHILD),
                simple(Call::Exofork, []),
                Op::IfZero(GRANDCHILD_AT),
                set_status(0x2001, RUN),
                uses(4, 4),
                exit(),
            ],
            &[
                uses(0, 2),
                r#yield(),
                uses(2, 3),
                uses(3, 3),
                Op::Goto(CHILD_AT + 3),
            ],
            &[uses(0, 5), exit()],
        ),
        &[],
        |stage| {
            let child = stage.child(CHILD_AT);
            stage.start(child);
        },
    )
}
