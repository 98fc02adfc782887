//! What programs must print that JOS does not have: each shows one promise.

use jostle::expect::{Expect, regex, text};

use crate::console::{FIRST, SECOND, exiting, first, free, saved_frame};
use crate::programs::Scope;

/// The first environment says this and ends by its own wish.
fn says(expect: Expect, line: &str) -> Expect {
    expect.in_order([first(), text(line), exiting(FIRST), free(FIRST, FIRST)])
}

pub fn fpuregs(expect: Expect, _: Scope, _: u32) -> Expect {
    says(expect, "16000 of 16000 found as left").in_order([text("a clean unit"), exiting(FIRST)])
}

/// One environment ends by its exception, once it waits for it.
pub fn fpufault(expect: Expect, _: Scope, _: u32) -> Expect {
    says(expect, "4 neighbours are unhurt")
        .in_order([
            text("it waits for its exception"),
            saved_frame(),
            text("  trap 0x00000010 x87 FPU Floating-Point Error"),
            free("00001001", "00001001"),
        ])
        .times(1, saved_frame())
}

pub fn fpuleft(expect: Expect, _: Scope, _: u32) -> Expect {
    says(expect, "nothing is left in the unit, 20 times")
}

pub fn jobfpu(expect: Expect, _: Scope, _: u32) -> Expect {
    says(expect, "20 jobs ended, registers changed 0 times")
}

pub fn selectors(expect: Expect, _: Scope, _: u32) -> Expect {
    says(expect, "600 of 600 selectors found as left")
        .in_order([text("new ones begin with their own"), exiting(FIRST)])
}

/// This processor makes of every instruction what is on record.
pub fn instructions(expect: Expect, _: Scope, _: u32) -> Expect {
    let record = include_str!("../../../drill/digests.txt");
    let lines = record.lines().filter(|line| !line.starts_with('#'));
    expect.in_order(
        [first()]
            .into_iter()
            .chain(lines.map(text))
            .chain([exiting(FIRST)]),
    )
}

/// Every line of every printer arrives whole.
pub fn chatter(expect: Expect, _: Scope, _: u32) -> Expect {
    let printers = 1..=8;
    let expect = printers.fold(expect, |expect, printer| {
        let line = format!("0000100{printer} chatters and chatters and chatters");
        expect.times(100, text(&line))
    });
    says(expect, "work went on")
}

pub fn yieldstorm(expect: Expect, scope: Scope, _: u32) -> Expect {
    let late = match scope {
        Scope::Grader => "[0-2]",
        Scope::AnyInterleaving => "[0-9]+",
    };
    expect.in_order([
        first(),
        regex(&format!("20 turns, {late} of them late")),
        exiting(FIRST),
    ])
}

pub fn sendstorm(expect: Expect, scope: Scope, _: u32) -> Expect {
    // One in nine gives way to the others, 1,777; pre-empted between drawing its number and
    // sending, another is overtaken; with several CPUs others may be at any time.
    let late = match scope {
        Scope::Grader => "1[78][0-9]{2}",
        Scope::AnyInterleaving => "[0-9]+",
    };
    expect.in_order([
        first(),
        text("16000 messages, each once"),
        regex(&format!("{late} of them out of turn")),
        exiting(FIRST),
    ])
}

pub fn calls(expect: Expect, _: Scope, _: u32) -> Expect {
    expect
        .in_order([
            text("2000 replies of 2000"),
            text("received 8 from the child: true"),
            text("asked 9 and 0"),
            text("sent [12, 0] by the child: true"),
            text("a request with a page that can be written: true"),
            text("a reply of [3, 4], with 2 in a page that cannot be: true"),
            text("and 42 in the page that went along"),
            text("nobody calls himself: true"),
            text("the server has ended: true"),
            text("and is not there: true"),
            text("nor waits: true"),
            exiting(FIRST),
        ])
        .in_order([text("its parent replied 9 and 0"), text("then 10 and 11")])
}

pub fn sleepers(expect: Expect, _: Scope, _: u32) -> Expect {
    let woke = (1..=8).map(|turn| text(&format!("sleeper {turn} woke in time")));
    expect.in_order(woke.chain([text("all are awake"), exiting(FIRST)]))
}

pub fn timeouts(expect: Expect, _: Scope, _: u32) -> Expect {
    let waits = ["receive", "send", "call", "serve", "read"];
    let waits = waits.map(|what| text(&format!("{what}: timed out")));
    expect.in_order(waits.into_iter().chain([
        text("call a slow server: timed out"),
        text("its reply is too late: true"),
        text("received 3 in time"),
        text("received 4 at once"),
        text("then nothing: true"),
        exiting(FIRST),
    ]))
}

pub fn server(expect: Expect, _: Scope, _: u32) -> Expect {
    expect
        .times(8, text("a client got all of its answers"))
        .in_order([
            regex("8 clients, [0-9]{4,} requests"),
            text("each was served: true"),
            exiting(FIRST),
        ])
}

/// Alone, and only itself to be seen.
pub fn top(expect: Expect, _: Scope, _: u32) -> Expect {
    expect.in_order([
        first(),
        text("round 1, 1 environments"),
        text("      id    parent  status    cpu        runs      recent"),
        regex("00001000  00000000  running     [0-7] {11,}[0-9]+ {8,}[0-9]+"),
        exiting(FIRST),
    ])
}

pub fn rollback(expect: Expect, _: Scope, _: u32) -> Expect {
    let number = |number: u32| {
        let sum: u32 = (1..=number).sum();
        text(&format!("number {number}, sum {sum}, registers kept: true"))
    };
    let late = || (4..=7).map(number);
    let early = (1..=3).map(number);
    let noted = early
        .chain([text("one at a time: true"), text("noted; it goes on")])
        .chain(late());
    let back = [text("brought back")].into_iter().chain(late());
    let same = [text("the same again: true"), text("revived")];
    let revived = same.into_iter().chain(late()).chain([
        text("the same in another child: true"),
        text("steps that were not undone: 11"),
        exiting(FIRST),
    ]);
    expect.in_order(noted.chain(back).chain(revived))
}

pub fn matrix(expect: Expect, _: Scope, _: u32) -> Expect {
    expect.in_order([
        text("  15   43   76"),
        text("  42   66   90"),
        text("  15   53   86"),
        exiting(FIRST),
    ])
}

/// Computed beforehand, with exact fractions.
pub fn series(expect: Expect, _: Scope, _: u32) -> Expect {
    let coefficients = [
        "0/1",
        "1/1",
        "0/1",
        "5/6",
        "0/1",
        "-59/120",
        "0/1",
        "-2311/5040",
        "0/1",
        "-30743/362880",
    ];
    let line = |(power, fraction)| text(&format!("{fraction} x^{power}"));
    expect.in_order(coefficients.into_iter().enumerate().map(line))
}

pub fn sparse(expect: Expect, _: Scope, _: u32) -> Expect {
    says(expect, "20 lives, and memory for all of them")
}

pub fn orphans(expect: Expect, _: Scope, _: u32) -> Expect {
    // With their parents and the first of all.
    const LIVES: usize = 1080 + 18 + 1;
    let line = |what| regex(&format!(r"\[[0-9a-f]{{8}}\] {what} env [0-9a-f]{{8}}"));
    says(expect, "1080 orphans, and none is left over")
        .times(LIVES, line("new"))
        .times(LIVES, line("free"))
}

/// It looks for what is broken by itself, and says so.
pub fn promised(expect: Expect, _: Scope, _: u32) -> Expect {
    says(expect, "promised: all was tried").never(regex("promised: BUG: .*"))
}

/// As [`promised`], with no life-cycle lines.
pub fn heirs(expect: Expect, _: Scope, _: u32) -> Expect {
    expect
        .in_order([text("heirs: all was tried")])
        .never(regex("heirs: BUG: .*"))
}

pub fn stale(expect: Expect, _: Scope, _: u32) -> Expect {
    says(expect, "100 lives in slot 1, each with an id of its own")
}

/// The table has 1,024 pages; one is the stack, and the exception stack is not
/// there before somebody handles faults.
pub fn guardpages(expect: Expect, _: Scope, _: u32) -> Expect {
    let line = "1023 empty pages beside the stacks, 0 of them could be mapped";
    says(expect, line)
}

pub fn faultnoroom(expect: Expect, _: Scope, _: u32) -> Expect {
    expect.in_order([
        text("fault affffff0"),
        text("no room for a text at affffff0"),
        text("the word above is 0"),
    ])
}

pub fn heap(expect: Expect, _: Scope, _: u32) -> Expect {
    let own = |who: &str| text(&format!("the {who} has its own 1000 strings"));
    let begin = [
        text("made 1000 strings"),
        text("used 300 MiB, a few at a time"),
    ];
    expect
        .in_order(
            begin
                .clone()
                .into_iter()
                .chain([own("parent"), exiting(FIRST)]),
        )
        .in_order(begin.into_iter().chain([own("child"), exiting(SECOND)]))
}

pub fn writetext(expect: Expect, _: Scope, _: u32) -> Expect {
    expect.in_order([first(), text("my text can be written"), exiting(FIRST)])
}
