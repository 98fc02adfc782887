//! Looks at its page tables around a fork: pages are shared until somebody writes them.
//!
//! The hard thing is to look before the page is written. So what is looked at has a page of
//! its own, in which nothing else is.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::Relaxed;

use user::env::Env;
use user::share::Page;
use user::{EnvId, Error, Fork, Perm, fork, ipc, println, vm};

/// The child writes this one,
static PAGE: Page = Page::zeroed();
/// and the parent this one.
static OTHER: Page = Page::zeroed();

user::program!(main);

fn main() {
    PAGE[0].store(1, Relaxed);
    OTHER[0].store(1, Relaxed);
    let result = match fork() {
        Ok(Fork::Parent(child)) => parent(child),
        Ok(Fork::Child) => child(),
        Err(error) => panic!("fork: {}", error.message()),
    };
    if let Err(error) = result {
        panic!("{}", error.message());
    }
}

/// Says `good` if that is so, and else `bad`.
fn say(is_so: bool, good: &str, bad: &str) {
    println!("{}", if is_so { good } else { bad });
}

/// How a page is mapped.
fn perm(page: &'static Page) -> Perm {
    vm::perm(core::ptr::from_ref(page).addr() as u32).unwrap_or(Perm::empty())
}

fn child() -> Result<(), Error> {
    let shared = perm(&PAGE).contains(Perm::COW) && !perm(&PAGE).contains(Perm::W);
    say(
        shared && PAGE[0].load(Relaxed) == 1,
        "child: shared until written",
        "child: the page should be marked COW, not be writeable, and hold the parent's word",
    );
    PAGE[0].store(2, Relaxed);
    let own = perm(&PAGE).contains(Perm::W) && !perm(&PAGE).contains(Perm::COW);
    say(
        own && PAGE[0].load(Relaxed) == 2,
        "child: its own when written",
        "child: after a write the page should be writeable, without COW, and hold the new word",
    );
    let parent: EnvId = Env::this().parent_id();
    ipc::send(parent, 0)?;
    ipc::recv()?;
    say(
        OTHER[0].load(Relaxed) == 1,
        "child: nothing has changed",
        "child: what the parent writes should not be seen here",
    );
    Ok(())
}

fn parent(child: EnvId) -> Result<(), Error> {
    OTHER[0].store(2, Relaxed);
    ipc::recv()?;
    say(
        PAGE[0].load(Relaxed) == 1,
        "parent: nothing has changed",
        "parent: what the child writes should not be seen here",
    );
    PAGE[0].store(3, Relaxed);
    say(
        perm(&PAGE).contains(Perm::W),
        "parent: it may write again",
        "parent: after a write the page should be writeable",
    );
    ipc::send(child, 0)
}
