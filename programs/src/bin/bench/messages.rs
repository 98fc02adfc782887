//! Rows of messages: round trips to an environment that sends back what it
//! receives, by the library's waiting calls.
//!
//! The hard thing is a page that comes where it is already: a kernel may have
//! little to do then. So two pages take turns, and every message replaces a
//! mapping by another.

use core::cell::Cell;

use user::abi::call::FEATURE_CALL;
use user::interface::Interface;
use user::share::{self, Page};
use user::{EnvId, Perm, ipc, println, sys};

use programs::measure::{Partner, measure, must};

/// A word there and back.
#[inline(never)]
pub fn ipc(row: &str) {
    let echo = Partner::new(|| {
        let message = must(ipc::recv());
        must(ipc::send(message.from, message.value));
    });
    measure::<500, 1>(row, || {
        must(ipc::send(echo.id(), 1));
        must(ipc::recv());
    });
}

/// Two words there and back, in registers, to one that is called.
#[inline(never)]
pub fn call(row: &str) {
    if !Interface::get().offers(FEATURE_CALL) {
        return println!("bench {row} not offered");
    }
    let echo = Partner::new(|| {
        let (mut client, mut words) = must(sys::ipc_reply(EnvId::NONE, [0; 2]));
        loop {
            (client, words) = must(sys::ipc_reply(client, words));
        }
    });
    measure::<500, 1>(row, || {
        must(sys::ipc_call(echo.id(), [1, 2]));
    });
}

/// A word and a page there and back.
#[inline(never)]
pub fn ipcpage(row: &str) {
    let page = || -> &'static Page { must(share::page()) };
    let (one, other, received) = (page(), page(), page());
    let echo = Partner::new(|| {
        let message = must(ipc::recv_page(received));
        must(ipc::send_page(
            message.from,
            message.value,
            received,
            Perm::WRITE,
        ));
    });
    let turn = Cell::new((one, other));
    measure::<200, 1>(row, || {
        let (page, next) = turn.get();
        turn.set((next, page));
        must(ipc::send_page(echo.id(), 1, page, Perm::WRITE));
        must(ipc::recv_page(received));
    });
}
