//! Messages, and pages in them.
//!
//! The hard thing is the moment between "is it waiting?" and "then send".

use super::parts::*;
use crate::explorer::program::{Op, TYPED, Value};
use crate::machine::Spec;
use abi::Call;
use abi::layout::UTOP;

/// A page is sent.
pub fn send_page() -> Scenario {
    scenario(
        "send-page",
        "a child sends a page, trying until the parent waits; the parent uses it",
        programs(
            &[
                simple(Call::IpcRecv, [B]),
                Op::Want(0),
                Op::Store(B),
                simple(Call::IpcRecv, [UTOP]),
                Op::Want(0),
                exit(),
            ],
            &[
                simple(Call::IpcTrySend, [PARENT, 7, A, RW]),
                Op::UnlessZero(CHILD_AT),
                unmap(0, A),
                simple(Call::IpcTrySend, [PARENT, 8, UTOP, 0]),
                Op::UnlessZero(CHILD_AT + 3),
                exit(),
            ],
            &[],
        ),
        &[A, B],
        child_uses_page,
    )
}

/// Two clients call a server that replies twice and ends.
pub fn calls() -> Scenario {
    Scenario {
        all_end: true,
        ..scenario(
            "calls",
            "two clients call a server, which replies to some and ends",
            programs(
                &[reply(Value::Is(0)), Op::Keep, reply(Value::Kept), exit()],
                &[
                    simple(Call::IpcCall, [PARENT, 0, 1, 2]),
                    simple(Call::IpcCall, [PARENT, 0, 3, 4]),
                    exit(),
                ],
                &[simple(Call::IpcCall, [PARENT, 0, 5, 6]), exit()],
            ),
            &[],
            two_clients,
        )
    }
}

/// A server that waits for the only CPU is called, and gets the caller's.
pub fn busy_server() -> Scenario {
    let plain = scenario(
        "busy-server",
        "two clients call a server on one CPU, which replies to both",
        programs(
            &[
                reply(Value::Is(0)),
                Op::Keep,
                reply(Value::Kept),
                Op::Keep,
                call(
                    Call::IpcTrySend,
                    [
                        Value::Kept,
                        Value::Is(7),
                        Value::Is(UTOP),
                        Value::Is(0),
                        Value::Is(0),
                    ],
                ),
                Op::Want(0),
                exit(),
            ],
            &[
                simple(Call::IpcCall, [PARENT, 0, 1, 2]),
                Op::Want(0),
                exit(),
            ],
            &[
                simple(Call::IpcCall, [PARENT, 0, 3, 4]),
                Op::Want(0),
                exit(),
            ],
        ),
        &[],
        two_clients,
    );
    Scenario {
        all_end: true,
        spec: Spec {
            cpus: 1,
            ..plain.spec
        },
        ..plain
    }
}

fn two_clients(stage: &mut Stage<'_, '_>) {
    for start in [CHILD_AT, GRANDCHILD_AT] {
        let child = stage.child(start);
        stage.start(child);
    }
}

/// Two environments read from the console.
pub fn read_console() -> Scenario {
    let typed = u32::from(TYPED);
    scenario(
        "read-console",
        "parent and child wait for typed bytes, and the child is ended",
        programs(
            &[
                simple(Call::Getc, []),
                Op::Want(typed),
                unmap(CHILD, A),
                destroy(CHILD),
                simple(Call::Getc, []),
                Op::Want(typed),
                exit(),
            ],
            &[
                simple(Call::Getc, []),
                Op::Want(typed),
                Op::Load(A),
                Op::Goto(CHILD_AT),
            ],
            &[],
        ),
        &[A],
        child_uses_page,
    )
}

/// A receive is cancelled.
pub fn cancel_receive() -> Scenario {
    scenario(
        "cancel-receive",
        "a child's receive is cancelled while a message may be coming",
        programs(
            &[
                set_status(CHILD, RUN),
                Op::Want(0),
                simple(Call::IpcTrySend, [CHILD, 1, B, RO]),
                set_status(CHILD, STOP),
                set_status(CHILD, RUN),
                exit(),
            ],
            &[
                simple(Call::IpcRecv, [A]),
                simple(Call::IpcRecv, [UTOP]),
                r#yield(),
                exit(),
            ],
            &[],
        ),
        &[A],
        parent_has_another,
    )
}
