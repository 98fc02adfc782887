//! Faults, ends, and interrupts, with the lines that the kernel prints about them.
//!
//! The hard thing is that an environment that ends cannot take the second reading:
//! its parent, which has yielded to it, does.

use programs::{attack, lives};
use user::{Fork, area, fork, println, sys, time};

use super::gap;

/// Children that are never started and end with their parent.
const ORPHANS: u32 = 100;
/// Longer than three quanta and than the console needs for a few chunks.
const LONG: u64 = 40_000_000;

/// A text that the console needs long for.
static DOTS: [u8; 4096] = [b'.'; 4096];

pub fn all() {
    end("exit", || (), || ());
    // SAFETY: the child dies of it.
    let fault = || unsafe {
        attack::load(0);
    };
    end("exception", || (), fault);
    end("orphans", orphans, || ());
    area::map_when_touched().expect("a handler");
    let fault = gap::of(|| area::write(0, 1).expect("a page"));
    gap::print("page-fault", fault);
    interrupts();
}

fn orphans() {
    for _ in 0..ORPHANS {
        // SAFETY: it never runs.
        unsafe { sys::exofork() }.expect("exofork");
    }
}

/// A child that prepares its end, and ends like this; and all entries until nothing of
/// it is left.
fn end(row: &str, prepare: impl FnOnce(), end: impl FnOnce()) {
    let child = match fork().expect("fork") {
        Fork::Parent(child) => child,
        Fork::Child => {
            prepare();
            sys::yield_now();
            end();
            user::exit()
        }
    };
    sys::yield_now();
    let turns = core::cell::Cell::new(0);
    let longest = gap::longest(|| {
        turns.set(turns.get() + 1);
        turns.get() < 300
    });
    gap::print(row, longest);
    lives::wait_for(child);
}

/// The longest time that a program which makes no call does not run: the timer's
/// interrupt, or that of a console with much to print.
fn interrupts() {
    sys::cputs(&DOTS);
    let start = time::cycles();
    let (mut last, mut longest) = (start, 0);
    while last - start < LONG {
        let now = time::cycles();
        longest = longest.max(now - last);
        last = now;
    }
    println!("");
    gap::print("interrupt", longest);
}
