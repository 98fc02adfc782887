//! Programs that are not ours run unchanged.
//!
//! There is no compiler and no library of JOS here, so their place is taken by
//! files made by hand: machine code that uses the interface exactly as it is
//! written down, in files as odd as linkers make them. The hard thing is that
//! such a program must notice by itself: it checks each answer, names the one
//! that is wrong, and only if all were right says so.

mod calls;
pub mod code;
mod faults;
pub mod image;
mod processor;
mod segments;
mod start;

use jostle::expect::{Expect, regex, text};
use jostle::qemu::verdict::Verdict;
use libtest_mimic::Failed;

use crate::boot::{Boot, folder};
use crate::console::{FIRST, SECOND, booted, exiting, first, free, new, nothing_left};
use crate::programs::LIMIT_SECONDS;
use crate::trial::Trial;

/// A file, how it is run, and what it prints beside its last line.
struct Case {
    name: &'static str,
    file: fn() -> Vec<u8>,
    /// After the file's path on the command line.
    words: &'static [&'static str],
    cpus: &'static [u32],
    lines: fn(Expect) -> Expect,
    /// A planted fault that it must notice.
    fault: Option<&'static str>,
}

const ONE: &[u32] = &[1];
const SEVERAL: &[u32] = &[1, 2, 4];

impl Case {
    const fn new(name: &'static str, file: fn() -> Vec<u8>) -> Self {
        Self {
            name,
            file,
            words: &[],
            cpus: ONE,
            lines: |expect| expect.in_order([text(DONE)]),
            fault: None,
        }
    }

    const fn with(self, words: &'static [&'static str]) -> Self {
        Self { words, ..self }
    }

    const fn on(self, cpus: &'static [u32]) -> Self {
        Self { cpus, ..self }
    }

    const fn prints(self, lines: fn(Expect) -> Expect) -> Self {
        Self { lines, ..self }
    }

    const fn notices(self, fault: &'static str) -> Self {
        Self {
            fault: Some(fault),
            ..self
        }
    }
}

const DONE: &str = "all as it should be";

const CASES: &[Case] = &[
    Case::new("registers", start::registers).on(SEVERAL),
    Case::new("arguments", start::arguments)
        .with(&["one", "two words"])
        .prints(arguments),
    Case::new("windows", start::windows)
        .on(SEVERAL)
        .notices("id-without-generation"),
    Case::new("shared_page", segments::shared_page),
    Case::new("read_only_text", segments::read_only_text),
    Case::new("odd_alignment", segments::odd_alignment),
    Case::new("zero_filled", segments::zero_filled).notices("skip-bss"),
    Case::new("many_segments", segments::many),
    Case::new("entry_in_the_middle", segments::entry_in_the_middle),
    Case::new("lab4", calls::lab4),
    Case::new("lab4_of_2014", calls::lab4_of_2014).with(&["--personality", "lab4-2014"]),
    Case::new("lab4_of_2014_by_symbol", calls::lab4_of_2014_by_symbol),
    Case::new("lab5_of_2014_by_symbol", calls::lab5_of_2014_by_symbol),
    Case::new("lab5_by_symbol", calls::lab5_by_symbol),
    Case::new("lab5_by_option", calls::lab5_by_option).with(&["--personality", "lab5"]),
    Case::new("lab6_clock", calls::lab6_clock).on(SEVERAL),
    Case::new("cputs_stops_at_nul", calls::cputs_stops_at_nul)
        .prints(|expect| expect.in_order([text("before the NUL byte"), text(DONE)])),
    Case::new("dirty_bit", calls::dirty_bit).on(SEVERAL),
    Case::new("exofork", calls::exofork)
        .on(SEVERAL)
        .prints(parent_and_child)
        .notices("exofork-result"),
    Case::new("spawn", calls::spawn)
        .on(SEVERAL)
        .prints(parent_and_child),
    Case::new("upcall", faults::upcall)
        .on(SEVERAL)
        .prints(|expect| expect.in_order([text("back where it faulted"), text(DONE)]))
        .notices("lose-register"),
    Case::new("upcall_in_upcall", faults::upcall).notices("nest-at-top"),
    Case::new("neighbours_segments", processor::neighbours_segments),
    Case::new("own_pages", processor::own_pages).on(SEVERAL),
    Case::new("step_after_mov_ss", processor::step_after_mov_ss).prints(killed_by_step),
    Case::new("step_after_pop_ss", processor::step_after_pop_ss).prints(killed_by_step),
];

fn killed_by_step(expect: Expect) -> Expect {
    let eip = format!("  eip  {:#010x}", processor::STEPPED);
    expect.in_order([
        regex("TRAP frame at .*"),
        regex("  trap 0x00000001 .*"),
        text(&eip),
        text(DONE),
    ])
}

fn arguments(expect: Expect) -> Expect {
    expect.in_order([
        text("argument: one"),
        text("argument: two words"),
        text(DONE),
    ])
}

fn parent_and_child(expect: Expect) -> Expect {
    let life = |id, who| {
        let said = text(&format!("{who}: {DONE}"));
        [new(FIRST, SECOND), said, exiting(id), free(id, id)]
    };
    expect
        .in_order(life(SECOND, "child"))
        .in_order(life(FIRST, "parent"))
}

/// Each case on its numbers of CPUs, and with its fault.
pub fn trials() -> impl Iterator<Item = Trial> {
    CASES
        .iter()
        .flat_map(|case| {
            let plain = case.cpus.iter().map(move |&cpus| {
                Trial::test(format!("foreign::{}::cpus_{cpus}", case.name), move || {
                    runs(case, cpus, &[])
                })
            });
            let planted = case.fault.map(|fault| {
                Trial::test(format!("foreign::{}::{fault}", case.name), move || {
                    notices(case, fault)
                })
            });
            plain.chain(planted)
        })
        .chain([Trial::test("foreign::tells_a_wrong_answer", wrong_answer)])
}

/// Those without a planted fault on another machine, called by other names.
pub fn trials_on(
    machine: &'static [&'static str],
    name_of: fn(&str, u32) -> String,
) -> impl Iterator<Item = Trial> {
    CASES.iter().flat_map(move |case| {
        case.cpus.iter().map(move |&cpus| {
            Trial::test(name_of(case.name, cpus), move || runs(case, cpus, machine))
        })
    })
}

fn runs(case: &Case, cpus: u32, options: &[&str]) -> Result<(), Failed> {
    let boot = boot(case, cpus, options)?;
    boot.judge(&complaints(case, cpus, &boot))
}

/// A program that expects something else of the kernel says so.
fn wrong_answer() -> Result<(), Failed> {
    let case = Case::new("wrong_answer", start::expects_another_id);
    let boot = boot(&case, 1, &[])?;
    let told = booted(1)
        .in_order([text("WRONG getenvid"), text("  eax  0x00001000")])
        .never(text(DONE));
    let mut wrong = boot.complaints(&told);
    if complaints(&case, 1, &boot).is_empty() {
        wrong.push("the wrong answer went unnoticed".to_owned());
    }
    boot.judge(&wrong)
}

fn complaints(case: &Case, cpus: u32, boot: &Boot) -> Vec<String> {
    let alive = booted(cpus)
        .in_order([first(), exiting(FIRST), free(FIRST, FIRST)])
        .in_order(nothing_left())
        .never(regex("(child: |parent: |argument: )?WRONG .*"));
    boot.complaints(&(case.lines)(alive))
}

fn notices(case: &Case, fault: &str) -> Result<(), Failed> {
    let boot = boot(case, 1, &["--append", &format!("plant={fault}")])?;
    let mut wrong = Expect::new()
        .never(regex("no such fault in this kernel.*"))
        .complaints(&boot.console());
    if let Verdict::Failed(how) = boot.verdict() {
        wrong.push(format!("QEMU failed: {how}"));
    }
    if wrong.is_empty() && complaints(case, 1, &boot).is_empty() {
        wrong.push("the planted fault went unnoticed".to_owned());
    }
    boot.judge(&wrong)
}

/// Writes the file, and boots it as anybody would boot theirs.
fn boot(case: &Case, cpus: u32, options: &[&str]) -> Result<Boot, Failed> {
    let folder = folder("foreign")?;
    // Several trials of a case may run at once: each has its own.
    let run = options.last().map_or("plain", |word| word);
    let path = folder.join(format!("{}-{cpus}-{run}.elf", case.name));
    std::fs::write(&path, (case.file)())?;
    let path = path.to_str().ok_or("the workspace's path is not text")?;
    let cpus = cpus.to_string();
    let common = [path, "--cpus", &cpus, "--timeout", LIMIT_SECONDS];
    Ok(Boot::new(&[&common, case.words, options].concat())?)
}
