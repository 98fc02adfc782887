//! Histories of sends that wait for their receiver.
//!
//! A waiting sender depends on another environment, so what matters is which of
//! the two is interrupted, stopped or ended, and when. The hard thing is to notice
//! a message that is lost or arrives twice. So each sender checks the exact result
//! of its call, each receiver receives exactly as many messages as are sent, and
//! no environment may be left at the end.

use super::parts::*;
use crate::explorer::program::Op;
use abi::layout::UTOP;
use abi::{Call, Error};

/// A send that waits, of a word without a page.
fn send(id: u32, value: u32) -> Op {
    simple(Call::IpcSend, [id, value, UTOP, 0])
}

fn receive(va: u32) -> Op {
    simple(Call::IpcRecv, [va])
}

fn receive_from(id: u32) -> Op {
    simple(Call::IpcRecvFrom, [id, UTOP])
}

/// Checks that the last call failed with this error.
const fn fails(error: Error) -> Op {
    Op::Want((error as u32).wrapping_neg())
}

/// Requires that all environments have ended when nothing can happen any more.
fn to_the_last(scenario: Scenario) -> Scenario {
    Scenario {
        all_end: true,
        ..scenario
    }
}

/// The receiver dies.
pub fn send_to_the_dying() -> Scenario {
    to_the_last(scenario(
        "send-to-the-dying",
        "a child sends twice to a parent that receives once, and then is no more",
        programs(
            &[receive(B), Op::Want(0), Op::Store(B), exit()],
            &[
                simple(Call::IpcSend, [PARENT, 7, A, RW]),
                Op::Want(0),
                unmap(0, A),
                send(PARENT, 8),
                fails(Error::BadEnv),
                exit(),
            ],
            &[],
        ),
        &[A, B],
        child_uses_page,
    ))
}

/// Two environments send to one.
pub fn two_senders() -> Scenario {
    to_the_last(scenario(
        "two-senders",
        "two children each send once to a parent that receives twice",
        programs(
            &[
                receive(UTOP),
                Op::Want(0),
                receive(UTOP),
                Op::Want(0),
                exit(),
            ],
            &[send(PARENT, 1), Op::Want(0), exit()],
            &[send(PARENT, 2), Op::Want(0), exit()],
        ),
        &[],
        |stage| {
            for start in [CHILD_AT, GRANDCHILD_AT] {
                let child = stage.child(start);
                stage.start(child);
            }
        },
    ))
}

/// A waiting sender is stopped, started and ended.
pub fn cancel_send() -> Scenario {
    to_the_last(scenario(
        "cancel-send",
        "a child that waits to send is stopped, started and ended",
        programs(
            &[
                set_status(CHILD, STOP),
                Op::Want(0),
                set_status(CHILD, RUN),
                Op::Want(0),
                destroy(CHILD),
                exit(),
            ],
            &[
                simple(Call::IpcSend, [PARENT, 7, A, RW]),
                fails(Error::Inval),
                Op::Goto(CHILD_AT),
            ],
            &[],
        ),
        &[A],
        child_uses_page,
    ))
}

/// A parent receives from one of two children that send to it, until that one is dead.
pub fn one_sender() -> Scenario {
    to_the_last(scenario(
        "one-sender",
        "two children send to a parent that receives from the first until it dies, then from any",
        programs(
            &[
                receive_from(CHILD),
                Op::Want(0),
                receive_from(CHILD),
                fails(Error::BadEnv),
                receive(UTOP),
                Op::Want(0),
                exit(),
            ],
            &[send(PARENT, 1), Op::Want(0), exit()],
            &[send(PARENT, 2), Op::Want(0), exit()],
        ),
        &[],
        |stage| {
            for start in [CHILD_AT, GRANDCHILD_AT] {
                let child = stage.child(start);
                stage.start(child);
            }
        },
    ))
}
