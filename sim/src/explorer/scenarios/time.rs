//! Waits that end when their time is up.
//!
//! The hard thing is the moment at which that happens: while a message is on its way, or
//! a reply, or nobody has a CPU.

use super::parts::*;
use crate::explorer::program::{Op, Value};
use abi::Call;

/// A call and its server, each with a deadline.
pub fn time_outs() -> Scenario {
    Scenario {
        all_end: true,
        ..scenario(
            "time-outs",
            "a child calls its parent and sleeps; the deadlines of both pass at any time",
            programs(
                &[
                    simple(Call::EnvSetDeadline, [2]),
                    reply(Value::Is(0)),
                    Op::Keep,
                    reply(Value::Kept),
                    exit(),
                ],
                &[
                    simple(Call::EnvSetDeadline, [1]),
                    simple(Call::IpcCall, [PARENT, 0, 1, 2]),
                    simple(Call::SleepUntil, [3]),
                    Op::Want(0),
                    exit(),
                ],
                &[],
            ),
            &[],
            one_child,
        )
    }
}

fn one_child(stage: &mut Stage<'_, '_>) {
    let child = stage.child(CHILD_AT);
    stage.start(child);
}
