//! What the programs of lab 4's parts B and C must print: page faults handled
//! by programs themselves, copy-on-write fork, messages.

use jostle::expect::{Expect, Line, regex, text};

use crate::console::{FIRST, SECOND, exiting, first, free, new, saved_frame};
use crate::programs::Scope;

/// The first environment ends by its own wish.
fn ends_itself(expect: Expect) -> Expect {
    expect.in_order([first(), exiting(FIRST), free(FIRST, FIRST)])
}

/// What the handler was told, exception by exception. An emulator without one of the
/// last two says so; all that the program computes afterwards is the same.
pub fn exceptions(expect: Expect, _: Scope, _: u32) -> Expect {
    let told = |name: &str, error: &str, address: &str, left: u32| {
        text(&format!(
            "{name}: error {error}, address {address}, {left} bytes left"
        ))
    };
    let or_none = |name: &str, left: u32| {
        regex(&format!(
            "(1 x {name}: error 0, address 0, {left} bytes left|{name}: not raised by this processor)"
        ))
    };
    ends_itself(expect)
        .in_order([
            told("1 x Divide error", "0", "0", 2),
            told("3 x Debug", "0", "0", 1),
            told("1 x Breakpoint", "0", "0", 0),
            told("1 x Overflow", "0", "0", 0),
            told("2 x BOUND Range Exceeded", "0", "0", 2),
            told("1 x Invalid Opcode", "0", "0", 2),
            told("1 x Invalid TSS", "0", "0", 1),
            told("1 x General Protection", "0", "0", 1),
            told("1 x General Protection", "38", "0", 2),
            told("1 x Page Fault", "6", "a0000123", 5),
            or_none("Alignment Check", 4),
            told("1 x x87 FPU Floating-Point Error", "0", "0", 3),
            or_none("SIMD Floating-Point Exception", 4),
            text("4 steps"),
            new(FIRST, SECOND),
            text("3 steps"),
            text("7 is written"),
            exiting(FIRST),
        ])
        .in_order([
            new(FIRST, SECOND),
            told("1 x Divide error", "0", "0", 2),
            saved_frame(),
            text("  trap 0x00000003 Breakpoint"),
            free(SECOND, SECOND),
        ])
        .times(2, told("1 x Divide error", "0", "0", 2))
        .times(1, saved_frame())
}

/// Four children end of exceptions that cannot be delivered, as the kernel says.
pub fn badexceptions(expect: Expect, _: Scope, _: u32) -> Expect {
    let refused = |address: &str| {
        regex(&format!(
            r"\[[0-9a-f]{{8}}\] user_mem_check assertion failure for va {address}"
        ))
    };
    ends_itself(expect)
        .in_order([
            // The top of no exception stack, or of one that cannot be written.
            refused("eebfffc8"),
            refused("eebfffc8"),
            // The 61st nested frame would begin below the exception stack.
            refused("eebfefd8"),
            refused("eebfefd8"),
            text("0 words have changed"),
            exiting(FIRST),
        ])
        .times(2, refused("eebfffc8"))
        .times(2, refused("eebfefd8"))
        .never(text("it goes on"))
}

/// Both the first environment and its child do.
fn both_end_themselves(expect: Expect) -> Expect {
    ends_itself(expect).in_order([new(FIRST, SECOND), exiting(SECOND), free(SECOND, SECOND)])
}

pub fn faultdie(expect: Expect, _: Scope, _: u32) -> Expect {
    ends_itself(expect).in_order([text("i faulted at va deadbeef, err 6"), exiting(FIRST)])
}

pub fn faultregs(expect: Expect, _: Scope, _: u32) -> Expect {
    ends_itself(expect)
        .in_order([
            text("Registers in UTrapframe OK"),
            text("Registers after page-fault OK"),
        ])
        .never(regex(".*MISMATCH.*"))
}

pub fn faultalloc(expect: Expect, _: Scope, _: u32) -> Expect {
    ends_itself(expect).in_order([
        text("fault deadbeef"),
        text("this string was faulted in at deadbeef"),
        text("fault cafebffe"),
        // By the handler itself, while it prints into the page before.
        text("fault cafec000"),
        text("this string was faulted in at cafebffe"),
        exiting(FIRST),
    ])
}

/// The kernel refuses the memory for an exception frame, or for a call.
fn refused(expect: Expect, address: &str) -> Expect {
    let assertion = regex(&format!(
        r"\[{FIRST}\] user_mem_check assertion failure for va {address}"
    ));
    expect
        .in_order([first(), assertion, free(FIRST, FIRST)])
        .never(exiting(FIRST))
}

pub fn faultallocbad(expect: Expect, _: Scope, _: u32) -> Expect {
    refused(expect, "deadbeef")
}

pub fn faultnostack(expect: Expect, _: Scope, _: u32) -> Expect {
    refused(expect, "eebfff[0-9a-f]{2}")
}

/// The 74th nested frame would begin below the exception stack.
pub fn faultbadhandler(expect: Expect, _: Scope, _: u32) -> Expect {
    refused(expect, "eebfefd4")
}

pub fn faultevilhandler(expect: Expect, _: Scope, _: u32) -> Expect {
    refused(expect, "eebfefd4")
}

/// Which slots are used again depends on which nodes end before others fork; that
/// each id is the right one is for [`crate::ids`] to say.
pub fn forktree(expect: Expect, _: Scope, _: u32) -> Expect {
    let nodes = [
        "", "0", "1", "00", "01", "10", "11", "000", "001", "010", "011", "100", "101", "110",
        "111",
    ];
    nodes.iter().fold(ends_itself(expect), |expect, node| {
        expect.times(1, regex(&format!("[0-9a-f]{{4}}: I am '{node}'")))
    })
}

/// Slots are used again, unless every node that forks is kept from ending until
/// all have forked.
pub fn forktree_reuse(cpus: u32) -> Vec<Line> {
    match cpus {
        1 => vec![regex(r"\[[0-9a-f]{8}\] new env 0000200[0-9a-f]")],
        _ => Vec::new(),
    }
}

pub fn sendpage(expect: Expect, _: Scope, _: u32) -> Expect {
    both_end_themselves(expect).in_order([
        regex("1000 got message: hello child environment.*"),
        text("child received correct message"),
        regex("1001 got message: hello parent environment.*"),
        text("parent received correct message"),
    ])
}

pub fn pingpong(expect: Expect, _: Scope, _: u32) -> Expect {
    let turns = (0..=10).map(|turn| {
        let (who, from) = if turn % 2 == 0 {
            ("1001", "1000")
        } else {
            ("1000", "1001")
        };
        text(&format!("{who} got {turn} from {from}"))
    });
    both_end_themselves(expect)
        .in_order([text("send 0 from 1000 to 1001")])
        .in_order(turns)
}

/// Each filter prints its prime and then forks the next; nothing may come
/// between, so both stand on one line.
pub fn primes(expect: Expect, _: Scope, _: u32) -> Expect {
    let is_prime = |n: u32| {
        (2..n)
            .take_while(|d| d * d <= n)
            .all(|d| !n.is_multiple_of(d))
    };
    let primes = (2..=1877).filter(|&n| is_prime(n));
    let lines = (0x1001..).zip(primes).map(|(id, prime)| {
        regex(&format!(
            r"CPU [0-9]: {prime} \[{id:08x}\] new env {:08x}",
            id + 1
        ))
    });
    expect
        .in_order([first(), new(FIRST, SECOND)])
        .in_order(lines)
}

/// What a sender among two gets of 40 messages. On one CPU all get equal shares, within
/// 5 %; with several, one may be on a CPU that the host does not run just then.
pub fn fair_share(cpus: u32, sender: &str) -> Line {
    let count = if cpus == 1 { "(19|20|21)" } else { "[0-9]+" };
    regex(&format!("^{count} of 40 from {sender}"))
}

/// A queue of senders lets both through.
pub fn fairness(expect: Expect, _: Scope, cpus: u32) -> Expect {
    ["1001", "1002"].into_iter().fold(expect, |expect, sender| {
        let share = fair_share(cpus, sender);
        expect.in_order([share, exiting(FIRST)])
    })
}
