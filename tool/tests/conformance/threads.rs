//! What programs with threads must print.
//!
//! The hard thing is done by the programs: each says the same however its threads take turns. So
//! all of it is required at any number of CPUs.

use jostle::expect::{Expect, regex, text};
use libtest_mimic::Failed;

use crate::boot::Boot;
use crate::console::{FIRST, booted, exiting, nothing_left};
use crate::programs::{LIMIT_SECONDS, Scope};
use crate::trial::Trial;

pub fn trials() -> impl Iterator<Item = Trial> {
    [
        Trial::test("threads::refused_on_jos", refused_on_jos),
        Trial::test("threads::a_panic_ends_one", a_panic_ends_one),
    ]
    .into_iter()
}

/// The others are told, and the line says where and why.
fn a_panic_ends_one() -> Result<(), Failed> {
    let boot = Boot::new(&["threads", "panic", "--cpus=2", "--timeout", LIMIT_SECONDS])?;
    let place = r"programs/src/bin/threads\.rs:[0-9]+: 7 is the wrong number";
    let expect = Expect::new().in_order([
        regex(&format!(
            r"\[[0-9a-f]{{8}}\] user panic in threads at {place}"
        )),
        text("a thread that panics with a lock: Err(Died), and who wants the lock: Some(Died)"),
        exiting(FIRST),
    ]);
    boot.judge(&boot.complaints(&expect.in_order(nothing_left())))
}

/// Where the kernel offers nothing that JOS's lacks, the library says that it has no threads.
fn refused_on_jos() -> Result<(), Failed> {
    let append = "--append=extensions=off";
    let boot = Boot::new(&["threads", "--cpus=1", append, "--timeout", LIMIT_SECONDS])?;
    let refused = [text("threads: operation not supported"), exiting(FIRST)];
    let expect = booted(1).in_order(refused).in_order(nothing_left());
    boot.judge(&boot.complaints(&expect))
}

pub fn threads(expect: Expect, _: Scope, _: u32) -> Expect {
    let died = "a thread that faults with a lock: Err(Died), and who wants the lock: Some(Died)";
    expect.in_order([
        text("6 threads counted to 120000"),
        text("two threads took 4000 turns"),
        text("9000 values went through a channel, each once"),
        text("200 rounds, and in each one was the last"),
        text("a result from a thread's thread"),
        text("64 threads, one after the other: 2016"),
        text("6 threads have what they wrote"),
        text("a thread that ends itself: Err(Died)"),
        regex(r"\[[0-9a-f]{8}\] user fault va a0000000 ip 008[0-9a-f]{5}"),
        text("a thread that faults: Err(Died)"),
        // Below one of the stacks: threads that were let go may still have the first ones.
        regex(r"\[[0-9a-f]{8}\] user fault va c00[0-9a-f]{5} ip 008[0-9a-f]{5}"),
        text("a thread that uses up its stack: Err(Died)"),
        text("a thread that is ended: Err(Died)"),
        regex(r"\[[0-9a-f]{8}\] user fault va a0001000 ip 008[0-9a-f]{5}"),
        text(died),
        text("later: Some(Died)"),
        regex(r"\[[0-9a-f]{8}\] user fault va a0002000 ip 008[0-9a-f]{5}"),
        text("a later holder died, and who waited longer was told: 2"),
        text("the heap was used up"),
        text("all is well"),
        exiting(FIRST),
    ])
}

pub fn lenders(expect: Expect, _: Scope, _: u32) -> Expect {
    expect.in_order([
        text("who looks at a child knows itself: true"),
        text("a lender: Err(Died), and the borrower has ended: true"),
        text("one that lends on: Err(Died), and the borrower has ended: true"),
        text("others have had stacks: true, what was lent is there: true"),
        text("lending in a handler: Some(Inval)"),
        text("lenders: done"),
        exiting(FIRST),
    ])
}

pub fn producers(expect: Expect, _: Scope, _: u32) -> Expect {
    let sum = |producer| text(&format!("from producer {producer}: 12497500"));
    let taken = [text("15000 items were taken")];
    let lines = taken.into_iter().chain((0..3).map(sum));
    expect.in_order(lines.chain([text("producers: ok"), exiting(FIRST)]))
}

/// Two of its lines, which are the same because the set is symmetrical, and the middle.
pub fn mandelbrot(expect: Expect, _: Scope, _: u32) -> Expect {
    let line = "   ..:::::::::::::--++*+=*+---@@@@@@@@@@@@@@@@@@@@@@@+-::::.....";
    let middle = "   ::::-::::----@@=@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@=:::::::....";
    expect.in_order([
        text(line),
        text(middle),
        text(middle),
        text(line),
        text("drawn by 1 and by 4 threads"),
        exiting(FIRST),
    ])
}

pub fn sfork(expect: Expect, _: Scope, _: u32) -> Expect {
    expect.in_order([
        text("the child sees what the parent wrote, and has its own 1"),
        text("the parent sees what the child wrote, and has its own 2"),
        text("both counted to 20000"),
        exiting(FIRST),
    ])
}
