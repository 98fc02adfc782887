//! What `jostle run` can start: several environments, servers, a disk.

use std::path::PathBuf;

use jostle::build::guest::Kernel;
use jostle::expect::{Expect, Line, regex, text};
use libtest_mimic::Failed;
use shell::PROMPT;

use crate::boot::{Boot, folder, host_of_simulations};
use crate::console::{
    Exception, FIRST, SECOND, booted, exiting, fatal_frame, first, free, new, nothing_left,
};
use crate::handlers::fair_share;
use crate::programs::LIMIT_SECONDS;
use crate::trial::Trial;

const THIRD: &str = "00001002";
/// Nobody, as the parent of the first environments.
const NOBODY: &str = "00000000";

type Case = fn(At) -> Result<(), Failed>;

/// How a case is run.
#[derive(Clone, Copy)]
struct At {
    cpus: u32,
    /// Words that say on which machine.
    machine: &'static [&'static str],
}

impl At {
    /// `jostle run` with these words, and those that say where and how long.
    fn boot(self, words: &[&str], turns: &[(&str, &[u8])]) -> Result<Boot, String> {
        let count = self.cpus.to_string();
        let common = ["--cpus", &count, "--timeout", LIMIT_SECONDS];
        let words = [words, &common, self.machine].concat();
        if turns.is_empty() {
            Boot::new(&words)
        } else {
            Boot::with_input(&words, turns)
        }
    }
}

/// Each at several numbers of CPUs.
pub fn trials() -> impl Iterator<Item = Trial> {
    trials_on(&[], |name, cpus| format!("starting::{name}::cpus_{cpus}"))
}

/// The same on another machine, called by other names.
pub fn trials_on(
    machine: &'static [&'static str],
    name_of: fn(&str, u32) -> String,
) -> impl Iterator<Item = Trial> {
    let cases: [(&str, Case); 11] = [
        ("programs_in_order", programs_in_order),
        ("ours_beside_a_file", ours_beside_a_file),
        ("fairness_three_times", fairness_three_times),
        ("disk", disk),
        ("disk_with_lab5_numbers", disk_with_lab5_numbers),
        ("server_and_prompt", server_and_prompt),
        ("disk_is_missing", disk_is_missing),
        ("ports_are_not_inherited", ports_are_not_inherited),
        ("ports_are_not_for_all", ports_are_not_for_all),
        ("privilege_is_kept", privilege_is_kept),
        ("as_many_as_there_may_be", as_many_as_there_may_be),
    ];
    cases.into_iter().flat_map(move |(name, case)| {
        [1, 4].map(|cpus| Trial::test(name_of(name, cpus), move || case(At { cpus, machine })))
    })
}

/// Boots with these words and judges what every boot must show, and this.
fn run(at: At, words: &[&str], expect: impl FnOnce(Expect) -> Expect) -> Result<(), Failed> {
    let boot = at.boot(words, &[])?;
    let expect = expect(booted(at.cpus)).in_order(nothing_left());
    boot.judge(&boot.complaints(&expect))
}

/// The first environments, in the order of their programs.
fn appear<const N: usize>(ids: [&str; N]) -> [Line; N] {
    ids.map(|id| new(NOBODY, id))
}

fn programs_in_order(at: At) -> Result<(), Failed> {
    run(at, &["hello", "+", "yield", "+", "hello"], |expect| {
        expect
            .in_order(appear([FIRST, SECOND, THIRD]))
            .in_order([text("i am environment 00001000"), exiting(FIRST)])
            .in_order([text("All done in environment 00001001."), exiting(SECOND)])
            .in_order([text("i am environment 00001002"), exiting(THIRD)])
            .times(3, regex("\\[00000000\\] new env .*"))
    })
}

fn ours_beside_a_file(at: At) -> Result<(), Failed> {
    let file = host_of_simulations()?
        .guest(Kernel::Plain)?
        .program("yield");
    let file = file.to_str().ok_or("the workspace's path is not text")?;
    run(at, &["hello", "+", file], |expect| {
        expect
            .in_order(appear([FIRST, SECOND]))
            .in_order([text("i am environment 00001000")])
            .in_order([text("All done in environment 00001001.")])
    })
}

/// As JOS's: the second receives, and both others get through.
/// Each module is followed by a gap, and each gap is a range of memory.
fn as_many_as_there_may_be(at: At) -> Result<(), Failed> {
    const MODULES: usize = 64;
    let words: Vec<&str> = ["+"; MODULES]
        .into_iter()
        .flat_map(|plus| [plus, "hello"])
        .collect();
    run(at, &words[1..], |expect| {
        expect
            .times(MODULES, text("hello, world"))
            .never(regex(".*left out"))
            .never(regex(".*stay unused"))
    })
}

fn fairness_three_times(at: At) -> Result<(), Failed> {
    let words = ["fairness", "+", "fairness", "+", "fairness"];
    run(at, &words, |expect| {
        let expect = expect
            .in_order(appear([FIRST, SECOND, THIRD]))
            .never(regex(".*new env 00001003"));
        [(FIRST, "1000"), (THIRD, "1002")]
            .into_iter()
            .fold(expect, |expect, (sender, name)| {
                expect.in_order([
                    text(&format!("{name} loop sending to 1001")),
                    text(&format!("1001 recv from {name}")),
                    fair_share(at.cpus, name),
                    exiting(SECOND),
                    free(sender, sender),
                ])
            })
    })
}

/// A disk of so many blocks, each filled with its own pattern, in a file with
/// an awkward name.
fn disk_file(blocks: u32) -> Result<PathBuf, Failed> {
    let folder = folder("disks, and more")?;
    let file = folder.join(format!("{blocks} blocks:100%.img"));
    let words = (0..blocks).flat_map(words_of).flat_map(u32::to_le_bytes);
    // One that is there is the same: other cases may be using it.
    if !file.exists() {
        let unfinished = folder.join(format!("{}-{blocks}", std::process::id()));
        std::fs::write(&unfinished, words.collect::<Vec<u8>>())?;
        std::fs::rename(&unfinished, &file)?;
    }
    Ok(file)
}

/// What is in a block.
fn words_of(block: u32) -> impl Iterator<Item = u32> {
    (0..1024).map(move |word| (block * 1024 + word).wrapping_mul(0x9e37_79b9) ^ 0x0123_4567)
}

/// The line of `diskclient` about a block.
fn block_line(block: u32) -> Line {
    let sum = words_of(block).fold(0, |sum: u32, word| sum.rotate_left(5).wrapping_add(word));
    text(&format!("block {block}: read-only, checksum {sum:08x}"))
}

/// A disk that one guest at a time can write.
fn with_disk(at: At, blocks: u32, options: &[&str]) -> Result<(), Failed> {
    let file = disk_file(blocks)?;
    let file = file.to_str().ok_or("the workspace's path is not text")?;
    let last = blocks - 1;
    let line =
        format!("diskclient + diskclient {last} {blocks} x 5 --with type=fs:diskserver --disk");
    let words: Vec<&str> = line.split(' ').chain([file]).collect();
    let words = [&words, options].concat();
    run(at, &words, |expect| {
        expect
            .in_order(appear([FIRST, SECOND, THIRD]))
            .in_order([
                text(&format!("disk server: {blocks} blocks")),
                block_line(0),
                block_line(1),
                block_line(2),
                exiting(SECOND),
            ])
            .in_order([
                block_line(last),
                text(&format!("block {blocks}: file or block not found")),
                text("x: not the number of a block"),
                block_line(5),
                exiting(THIRD),
            ])
            // The server waits for more when everybody else is gone.
            .never(exiting(FIRST))
            .never(free(FIRST, FIRST))
    })
}

// Cases run side by side, so each has a disk of its own.

fn disk(at: At) -> Result<(), Failed> {
    with_disk(at, 300 + at.cpus, &[])
}

fn disk_with_lab5_numbers(at: At) -> Result<(), Failed> {
    with_disk(at, 20 + at.cpus, &["--personality", "lab5"])
}

/// Without a program, the prompt comes after the server and can use it.
fn server_and_prompt(at: At) -> Result<(), Failed> {
    let file = disk_file(40 + at.cpus)?;
    let file = file.to_str().ok_or("the workspace's path is not text")?;
    let server = ["--with", "type=fs:diskserver", "--disk", file];
    let turns: [(&str, &[u8]); 2] = [(PROMPT, b"diskclient 7\n"), (PROMPT, b"\x04")];
    let boot = at.boot(&server, &turns)?;
    let expect = Expect::new()
        // On another CPU it may say so behind the prompt.
        .in_order([regex(&format!(".*disk server: {} blocks", 40 + at.cpus))])
        .in_order([block_line(7)])
        .in_order([regex(".*No runnable environments in the system!")])
        .never(regex(".*new env.*"));
    boot.judge(&boot.complaints(&expect))
}

fn disk_is_missing(at: At) -> Result<(), Failed> {
    let words = ["hello", "--with", "type=fs:diskserver"];
    run(at, &words, |expect| {
        expect.in_order([
            first(),
            text("disk server: there is no second disk"),
            exiting(FIRST),
        ])
    })
}

/// The processor's refusal of a port.
fn refusal() -> Vec<Line> {
    let mut lines = fatal_frame(&Exception::other(13, "General Protection", "00000000"));
    // The last line says who died.
    lines.pop();
    lines
}

fn ports_are_not_inherited(at: At) -> Result<(), Failed> {
    // The child gets the other program's slot, if that has ended by then.
    const CHILD: &str = "0000(1002|2001)";
    let words = ["hello", "--with", "type=fs:portread"];
    run(at, &words, |expect| {
        expect
            .in_order([
                first(),
                regex("the port was read: [0-9a-f]{2}"),
                regex(&format!(r"\[{FIRST}\] new env {CHILD}")),
                exiting(FIRST),
            ])
            .in_order(
                [text("the child reads it ...")]
                    .into_iter()
                    .chain(refusal()),
            )
            .times(1, regex(&format!(r"\[{CHILD}\] free env {CHILD}")))
            .never(regex("the child has read it.*"))
    })
}

/// A file server's, and nobody else's.
fn privilege_is_kept(at: At) -> Result<(), Failed> {
    let words = ["iopl", "+", "iopl", "--with", "type=fs:iopl"];
    let all = |what: &str| {
        text(&format!(
            "iopl {what}, int {what}, sysenter {what}, switched {what}"
        ))
    };
    run(at, &words, |expect| {
        expect.times(1, all("3000")).times(2, all("0000"))
    })
}

fn ports_are_not_for_all(at: At) -> Result<(), Failed> {
    run(at, &["portread"], |expect| {
        let dies = [free(FIRST, FIRST)];
        let reads = [first(), text("reading a port ...")];
        expect
            .in_order(reads.into_iter().chain(refusal()).chain(dies))
            .never(regex("the port was read.*"))
    })
}
