//! The programs of JOS's labs 3 and 4 and our demonstration, and what each
//! must print.
//!
//! At the number of CPUs that JOS's grader uses, everything is required; at
//! other numbers, what holds for every interleaving. Most programs are a
//! single environment, for which that is the same.

use jostle::expect::{Expect, Line, regex, text};
use libtest_mimic::Failed;

use crate::boot::Boot;
use crate::console::{
    Exception, FIRST, SECOND, booted, exiting, fatal_frame, first, free, new, nothing_left,
    saved_frame,
};
use crate::features;
use crate::handlers;
use crate::ids;
use crate::samples;
use crate::threads;
use crate::trial::Trial;

/// A guard against a guest that hangs, many times what any of them takes. It
/// is a fair one (see `jostle::fair_clock`), which `--timeout` of the command
/// itself is not: where a case runs that, the guard is the case's own limit in
/// `jostle test`, and this far behind it.
pub const LIMIT_SECONDS: &str = "180";
/// The limit for the command itself.
pub const COMMAND_LIMIT_SECONDS: &str = "7200";

const CPU_COUNTS: [u32; 4] = [1, 2, 4, 8];

/// How much can be required.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The grader's number of CPUs.
    Grader,
    /// Any other.
    AnyInterleaving,
}

/// One program.
#[derive(Clone, Copy)]
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// The number of CPUs that the grader gives it.
    pub grader_cpus: u32,
    lines: fn(Expect, Scope, u32) -> Expect,
    possible: fn(u32) -> Vec<Line>,
    /// Also run with lab 5's call numbers, which our library must find out.
    also_as_lab5: bool,
    /// Also run where the kernel offers nothing that JOS's lacks: our library then does
    /// its work in other ways.
    also_as_on_jos: bool,
    /// What it must tell the kernel.
    kernel_words: &'static str,
    /// What else it is started with.
    options: &'static [&'static str],
    /// It measures shares of time. On a busy host these mean nothing, so its
    /// runs count instructions instead.
    pub measures: bool,
}

impl Program {
    const fn new(name: &'static str, lines: fn(Expect, Scope, u32) -> Expect) -> Self {
        Self {
            name,
            grader_cpus: 1,
            lines,
            possible: |_| Vec::new(),
            also_as_lab5: false,
            also_as_on_jos: false,
            kernel_words: "",
            options: &[],
            measures: false,
        }
    }

    const fn on_cpus(self, grader_cpus: u32) -> Self {
        Self {
            grader_cpus,
            ..self
        }
    }

    const fn with_possible(self, possible: fn(u32) -> Vec<Line>) -> Self {
        Self { possible, ..self }
    }

    const fn also_as_lab5(self) -> Self {
        Self {
            also_as_lab5: true,
            ..self
        }
    }

    const fn also_as_on_jos(self) -> Self {
        Self {
            also_as_on_jos: true,
            ..self
        }
    }

    const fn that_measures(self) -> Self {
        Self {
            measures: true,
            ..self
        }
    }

    const fn with_kernel_words(self, kernel_words: &'static str) -> Self {
        Self {
            kernel_words,
            ..self
        }
    }

    const fn with_options(self, options: &'static [&'static str]) -> Self {
        Self { options, ..self }
    }

    /// How it is started on so many CPUs, with more words for the kernel.
    pub fn words(&self, cpus: u32, further: &str) -> Vec<String> {
        let kernel_words = format!("{} {further}", self.kernel_words);
        let mut words = vec![
            self.name.to_owned(),
            format!("--cpus={cpus}"),
            format!("--append={}", kernel_words.trim()),
        ];
        words.extend(self.options.iter().map(|&option| option.to_owned()));
        if self.measures {
            words.push("--icount".to_owned());
        }
        words
    }

    /// Lines that say what can happen: a host with fewer cores may leave a CPU
    /// without a turn for a whole run, so that one run need not show them all.
    pub fn possible(&self, cpus: u32) -> Vec<Line> {
        (self.possible)(cpus)
    }

    /// What is wrong with a run on so many CPUs.
    pub fn complaints(&self, cpus: u32, boot: &Boot) -> Vec<String> {
        let mut complaints = boot.complaints(&self.expect(cpus));
        complaints.extend(ids::complaints(&boot.console()));
        complaints
    }

    /// Everything expected of every run on so many CPUs.
    pub fn expect(&self, cpus: u32) -> Expect {
        let scope = if cpus == self.grader_cpus {
            Scope::Grader
        } else {
            Scope::AnyInterleaving
        };
        (self.lines)(booted(cpus), scope, cpus).in_order(nothing_left())
    }
}

/// All of them.
pub const PROGRAMS: &[Program] = &[
    Program::new("hello", hello).also_as_lab5(),
    Program::new("yield", yields).also_as_lab5(),
    Program::new("dumbfork", dumbfork)
        .also_as_lab5()
        .also_as_on_jos(),
    Program::new("spin", spin).also_as_lab5(),
    Program::new("stresssched", stresssched)
        .on_cpus(4)
        .with_possible(stresssched_cpus)
        .also_as_lab5(),
    Program::new("faultread", faultread).also_as_lab5(),
    Program::new("faultwrite", faultwrite),
    Program::new("faultreadkernel", faultreadkernel),
    Program::new("faultwritekernel", faultwritekernel),
    Program::new("divzero", divzero),
    Program::new("softint", softint),
    Program::new("badsegment", badsegment),
    Program::new("breakpoint", breakpoint),
    Program::new("testbss", testbss),
    Program::new("buggyhello", buggyhello).also_as_lab5(),
    Program::new("buggyhello2", buggyhello2),
    Program::new("evilhello", evilhello),
    Program::new("demo", demo)
        .on_cpus(4)
        .also_as_lab5()
        .also_as_on_jos(),
    Program::new("revoke", revoke).on_cpus(2),
    Program::new("exceptions", handlers::exceptions).also_as_lab5(),
    Program::new("badexceptions", handlers::badexceptions),
    Program::new("faultdie", handlers::faultdie).also_as_lab5(),
    Program::new("faultregs", handlers::faultregs).also_as_lab5(),
    Program::new("faultalloc", handlers::faultalloc),
    Program::new("faultallocbad", handlers::faultallocbad),
    Program::new("faultnostack", handlers::faultnostack),
    Program::new("faultbadhandler", handlers::faultbadhandler),
    Program::new("faultevilhandler", handlers::faultevilhandler),
    Program::new("forktree", handlers::forktree)
        .with_possible(handlers::forktree_reuse)
        .also_as_lab5()
        .also_as_on_jos(),
    Program::new("sendpage", handlers::sendpage)
        .on_cpus(2)
        .also_as_lab5()
        .also_as_on_jos(),
    Program::new("pingpong", handlers::pingpong)
        .on_cpus(4)
        .also_as_lab5(),
    Program::new("primes", handlers::primes)
        .on_cpus(4)
        .also_as_on_jos(),
    Program::new("fairness", handlers::fairness),
    Program::new("fpuregs", features::fpuregs)
        .on_cpus(2)
        .also_as_lab5(),
    Program::new("fpufault", features::fpufault).on_cpus(2),
    Program::new("fpuleft", features::fpuleft),
    Program::new("jobfpu", features::jobfpu),
    Program::new("selectors", features::selectors),
    Program::new("instructions", features::instructions),
    Program::new("chatter", features::chatter)
        .on_cpus(4)
        .that_measures(),
    // It counts turns, and short ones count as much.
    Program::new("yieldstorm", features::yieldstorm)
        .with_kernel_words("quantum=1000")
        .that_measures(),
    Program::new("calls", features::calls).also_as_lab5(),
    // Whoever wakes must also print in time.
    Program::new("sleepers", features::sleepers)
        .on_cpus(4)
        .with_options(&["--personality=lab6"])
        .also_as_on_jos()
        .that_measures(),
    Program::new("timeouts", features::timeouts)
        .on_cpus(2)
        .also_as_lab5(),
    // It sees many quanta end, and short ones count as much.
    Program::new("server", features::server)
        .with_kernel_words("quantum=500")
        .also_as_lab5()
        .also_as_on_jos()
        .that_measures(),
    Program::new("top", features::top).also_as_on_jos(),
    Program::new("rollback", features::rollback).also_as_lab5(),
    Program::new("sendstorm", features::sendstorm).also_as_lab5(),
    Program::new("matrix", features::matrix)
        .on_cpus(4)
        .also_as_lab5(),
    Program::new("series", features::series)
        .on_cpus(2)
        .also_as_lab5(),
    Program::new("threads", threads::threads)
        .on_cpus(4)
        .also_as_lab5(),
    Program::new("lenders", threads::lenders).on_cpus(4),
    Program::new("producers", threads::producers).on_cpus(4),
    Program::new("mandelbrot", threads::mandelbrot).on_cpus(4),
    Program::new("sfork", threads::sfork)
        .on_cpus(2)
        .also_as_lab5(),
    Program::new("sparse", features::sparse).on_cpus(2),
    Program::new("orphans", features::orphans).on_cpus(2),
    Program::new("stale", features::stale).also_as_lab5(),
    Program::new("guardpages", features::guardpages),
    Program::new("faultnoroom", features::faultnoroom),
    Program::new("promised", features::promised)
        .on_cpus(2)
        .with_options(&["--personality=lab6"]),
    // It prints half a million lines otherwise.
    Program::new("heirs", features::heirs).with_kernel_words("lifecycle=off"),
    Program::new("args", alone),
    Program::new("heap", features::heap)
        .also_as_lab5()
        .also_as_on_jos(),
    Program::new("writetext", features::writetext),
    Program::new("lostwakefixed", samples::lostwakefixed).on_cpus(2),
    Program::new("racycountfixed", samples::racycountfixed).on_cpus(2),
    Program::new("forklockfixed", samples::forklockfixed).on_cpus(2),
    Program::new("ringfixed", samples::ringfixed).on_cpus(2),
    Program::new("tornreadfixed", samples::tornreadfixed).on_cpus(2),
    Program::new("childfirstfixed", samples::childfirstfixed).on_cpus(2),
];

/// Each program at each number of CPUs, some under both numberings.
pub fn trials() -> impl Iterator<Item = Trial> {
    PROGRAMS.iter().flat_map(|&program| {
        let plain = CPU_COUNTS.map(|cpus| {
            Trial::test(format!("{}::cpus_{cpus}", program.name), move || {
                run(&program, cpus, "", &[])
            })
        });
        let lab5 = program.also_as_lab5.then(|| {
            Trial::test(format!("{}::lab5", program.name), move || {
                let options = ["--personality", "lab5"];
                run(&program, program.grader_cpus, "", &options)
            })
        });
        let on_jos = program.also_as_on_jos.then(|| {
            // Who polls the clock may be on a CPU that stands still: counting
            // instructions, QEMU runs one CPU at a time, for up to a tenth of a second.
            let cpus = match program.measures {
                true => 1,
                false => program.grader_cpus,
            };
            Trial::test(format!("{}::as_on_jos", program.name), move || {
                run(&program, cpus, "extensions=off", &[])
            })
        });
        plain.into_iter().chain(lab5).chain(on_jos)
    })
}

/// Every run must be as expected, and each possible line be seen in one.
fn run(program: &Program, cpus: u32, kernel_words: &str, options: &[&str]) -> Result<(), Failed> {
    const RUNS: usize = 3;
    let start = program.words(cpus, kernel_words);
    let start: Vec<&str> = start.iter().map(String::as_str).collect();
    let words = [start.as_slice(), &["--timeout", LIMIT_SECONDS], options].concat();
    let mut unseen = program.possible(cpus);
    for run in 1..=RUNS {
        let boot = Boot::new(&words)?;
        boot.judge(&program.complaints(cpus, &boot))?;
        let console = boot.console();
        unseen.retain(|line| !line.is_in(&console));
        if unseen.is_empty() {
            return Ok(());
        }
        if run == RUNS {
            let never = |line: &Line| format!("in none of {RUNS} runs: {line}");
            boot.judge(&unseen.iter().map(never).collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

fn hello(expect: Expect, _: Scope, _: u32) -> Expect {
    expect.in_order([
        first(),
        text("hello, world"),
        text("i am environment 00001000"),
        exiting(FIRST),
        free(FIRST, FIRST),
    ])
}

/// A program that was started without arguments has none, not even its name.
fn alone(expect: Expect, _: Scope, _: u32) -> Expect {
    expect
        .in_order([first(), exiting(FIRST)])
        .never(regex("[0-9]: .*"))
}

fn yields(expect: Expect, _: Scope, _: u32) -> Expect {
    let rounds =
        (0..5).map(|round| text(&format!("Back in environment {FIRST}, iteration {round}.")));
    let mut lines = vec![first(), text("Hello, I am environment 00001000.")];
    lines.extend(rounds);
    lines.extend([
        text("All done in environment 00001000."),
        exiting(FIRST),
        free(FIRST, FIRST),
    ]);
    expect.in_order(lines)
}

fn dumbfork(expect: Expect, _: Scope, _: u32) -> Expect {
    let turns = |who: &str, count: u32| -> Vec<Line> {
        (0..count)
            .map(|turn| text(&format!("{turn}: I am the {who}!")))
            .collect()
    };
    let life = |id: &str, born: [Line; 2], turns: Vec<Line>| {
        let end = [exiting(id), free(id, id)];
        born.into_iter().chain(turns).chain(end).collect::<Vec<_>>()
    };
    expect
        .in_order(life(
            FIRST,
            [first(), new(FIRST, SECOND)],
            turns("parent", 10),
        ))
        .in_order(life(
            SECOND,
            [first(), new(FIRST, SECOND)],
            turns("child", 20),
        ))
        .times(30, regex("[0-9]+: I am the .*!"))
}

fn spin(expect: Expect, scope: Scope, _: u32) -> Expect {
    let forking = || text("I am the parent.  Forking the child...");
    let killing = || text("I am the parent.  Killing the child...");
    let expect = expect
        .in_order([
            first(),
            forking(),
            new(FIRST, SECOND),
            text("I am the parent.  Running the child..."),
            killing(),
            text(&format!("[{FIRST}] destroying {SECOND}")),
            // By the killer: the child is gone when its call returns.
            free(FIRST, SECOND),
            exiting(FIRST),
            free(FIRST, FIRST),
        ])
        .never(exiting(SECOND));
    match scope {
        // With one CPU the parent's first yield runs the child.
        Scope::Grader => {
            expect.in_order([forking(), text("I am the child.  Spinning..."), killing()])
        }
        Scope::AnyInterleaving => expect,
    }
}

/// A child of `stresssched` says where it ran.
fn ran_on(cpu: &str) -> Line {
    regex(&format!(r"\[000010[01][0-9a-f]\] stresssched on CPU {cpu}"))
}

fn stresssched(expect: Expect, _: Scope, _: u32) -> Expect {
    expect
        .in_order([first(), new(FIRST, "00001014"), free(FIRST, FIRST)])
        .times(20, ran_on("[0-9]"))
        // The children and their parent.
        .times(21, regex(r"\[000010[01][0-9a-f]\] exiting gracefully"))
        .never(regex(".*ran on two CPUs at once.*"))
}

/// Each of the first four CPUs must have run a child.
fn stresssched_cpus(cpus: u32) -> Vec<Line> {
    (0..cpus.min(4))
        .map(|cpu| ran_on(&cpu.to_string()))
        .collect()
}

/// A page fault that ends the only environment.
fn page_fault(expect: Expect, address: &'static str, error: &'static str) -> Expect {
    let fault = regex(&format!(
        r"\[{FIRST}\] user fault va {address} ip 008[0-9a-f]{{5}}"
    ));
    exception(expect, &Exception::page_fault(address, error)).in_order([fault, saved_frame()])
}

fn faultread(expect: Expect, _: Scope, _: u32) -> Expect {
    page_fault(expect, "00000000", "00000004 [user, read, not-present]").never(regex("I read.*"))
}

fn faultwrite(expect: Expect, _: Scope, _: u32) -> Expect {
    page_fault(expect, "00000000", "00000006 [user, write, not-present]")
}

fn faultreadkernel(expect: Expect, _: Scope, _: u32) -> Expect {
    page_fault(expect, "f0100000", "00000005 [user, read, protection]").never(regex("I read.*"))
}

fn faultwritekernel(expect: Expect, _: Scope, _: u32) -> Expect {
    page_fault(expect, "f0100000", "00000007 [user, write, protection]")
}

fn testbss(expect: Expect, _: Scope, _: u32) -> Expect {
    page_fault(
        expect,
        "00c[0-9a-f]{5}",
        "00000006 [user, write, not-present]",
    )
    .in_order([
        text("Making sure bss works right..."),
        text("Yes, good.  Now doing a wild write off the end..."),
        saved_frame(),
    ])
    .never(regex(".*SHOULD HAVE TRAPPED.*"))
}

/// The child reads a page that changes under it, and in the end is not there.
fn revoke(expect: Expect, _: Scope, _: u32) -> Expect {
    let fault = regex(&format!(
        r"\[{SECOND}\] user fault va a0000000 ip 008[0-9a-f]{{5}}"
    ));
    expect
        .in_order([
            first(),
            new(FIRST, SECOND),
            text("revoke: 1000 mappings replaced"),
            text("revoke: no stale translation was used"),
            free(FIRST, FIRST),
        ])
        .in_order([fault, saved_frame(), free(SECOND, SECOND)])
}

/// Any exception that ends the only environment.
fn exception(expect: Expect, exception: &Exception) -> Expect {
    let mut lines = vec![first()];
    lines.extend(fatal_frame(exception));
    expect.in_order(lines).never(exiting(FIRST))
}

fn divzero(expect: Expect, _: Scope, _: u32) -> Expect {
    let frame = Exception::other(0, "Divide error", "00000000");
    exception(expect, &frame).never(regex("1/0 is .*"))
}

fn softint(expect: Expect, _: Scope, _: u32) -> Expect {
    // Vector 14 from the interrupt table, by software: 14 * 8 + 2.
    let frame = Exception::other(13, "General Protection", "00000072");
    exception(expect, &frame)
}

fn badsegment(expect: Expect, _: Scope, _: u32) -> Expect {
    let frame = Exception::other(13, "General Protection", "00000028");
    exception(expect, &frame)
}

fn breakpoint(expect: Expect, _: Scope, _: u32) -> Expect {
    exception(expect, &Exception::other(3, "Breakpoint", "00000000"))
}

/// A bad pointer in a call that prints.
fn bad_pointer(expect: Expect, address: &str) -> Expect {
    let assertion = regex(&format!(
        r"\[{FIRST}\] user_mem_check assertion failure for va {address}"
    ));
    expect
        .in_order([first(), assertion, free(FIRST, FIRST)])
        .never(exiting(FIRST))
}

fn buggyhello(expect: Expect, _: Scope, _: u32) -> Expect {
    bad_pointer(expect, "00000001")
}

fn buggyhello2(expect: Expect, _: Scope, _: u32) -> Expect {
    bad_pointer(expect, "0[0-9a-f]{4}000").never(regex(".*hello, world.*"))
}

fn evilhello(expect: Expect, _: Scope, _: u32) -> Expect {
    bad_pointer(expect, "f0100[0-9a-f]{3}")
}

fn demo(expect: Expect, _: Scope, _: u32) -> Expect {
    expect
        .in_order([
            first(),
            regex("24 rows, 8 environments, CPUs seen at work: [1-9]"),
            exiting(FIRST),
            free(FIRST, FIRST),
        ])
        .times(24, regex("CPU [0-9]  .{72}"))
        .times(8, regex(r"\[00001000\] destroying 0000100[1-8]"))
}
