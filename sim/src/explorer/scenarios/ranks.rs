//! Environments of different priority, on fewer CPUs than they are.
//!
//! The hard thing is the interrupt by which a CPU learns that it has to give way: it may
//! come while that CPU waits for the lock, idles, or has given way already.

use super::parts::*;
use crate::explorer::program::Value;
use crate::machine::Spec;
use abi::Call;
use abi::scheduling::Policy;

/// One at the top wakes and waits in turn; one below it lowers itself; one is at the bottom.
pub fn ranks() -> Scenario {
    let plain = scenario(
        "ranks",
        "a parent serves a child below it, which then falls below the second child",
        programs(
            &[reply(Value::Is(0)), reply(Value::Is(CHILD)), exit()],
            &[
                simple(Call::IpcCall, [PARENT, 0, 1, 2]),
                simple(Call::EnvSetScheduling, [0, 1, 1]),
                exit(),
            ],
            &[r#yield(), exit()],
        ),
        &[],
        two_children,
    );
    Scenario {
        spec: Spec {
            policy: Policy::Priority,
            ..plain.spec
        },
        ..plain
    }
}

fn two_children(stage: &mut Stage<'_, '_>) {
    for (start, priority) in [(CHILD_AT, 9), (GRANDCHILD_AT, 4)] {
        let child = stage.child(start);
        stage.call(Call::EnvSetScheduling, [child, priority, 10, 0, 0]);
        stage.start(child);
    }
}
