//! Sessions at the prompt, as a person would have them.
//!
//! A turn is what must have been shown and what is typed then, so nothing is
//! typed before it can be meant. The program `primes` with a large limit stands
//! for one that makes hundreds of environments and does not end soon.

use std::io::Write;
use std::process::{Command, Stdio};

use jostle::expect::{Expect, Line, regex, text};
use jostle::programs;
use jostle::workspace::Workspace;
use libtest_mimic::Failed;
use shell::PROMPT;
use shell::tour::STATIONS;

use abi::scheduling::Policy;

use crate::boot::Boot;
use crate::console::{booted, nothing_left};
use crate::programs::{COMMAND_LIMIT_SECONDS, LIMIT_SECONDS};
use crate::trial::Trial;

type Case = fn() -> Result<(), Failed>;

/// Each is a claim about the prompt.
pub fn trials() -> impl Iterator<Item = Trial> {
    let cases: [(&str, Case); 17] = [
        ("help_lists_what_there_is", help),
        ("tour_shows_each_idea", tour),
        ("tour_names_what_there_is", tour_is_true),
        ("programs_get_their_arguments", arguments),
        ("wrong_input_gets_a_line", wrong_input),
        ("a_job_runs_in_the_background", background),
        ("kill_leaves_nothing_behind", kill),
        ("ctrl_c_leaves_nothing_behind", interrupt),
        ("ctrl_c_does_not_end_what_waits", interrupt_waiting),
        ("exit_ends_what_runs", exit),
        ("it_answers_under_every_policy", policies),
        ("lines_can_be_edited", editing),
        ("tab_completes_names", completion),
        ("a_program_is_as_the_kernel_starts_it", fresh),
        ("a_small_machine_is_enough", small),
        ("the_end_of_input_ends_it", end_of_input),
        ("any_bytes_may_be_typed", any_bytes),
    ];
    cases
        .into_iter()
        .map(|(name, case)| Trial::test(format!("prompt::{name}"), case))
}

/// Types lines, each when the prompt has been shown; then Ctrl-D.
fn lines(lines: &[&str], expect: Expect) -> Result<(), Failed> {
    let typed: Vec<Vec<u8>> = lines
        .iter()
        .map(|line| format!("{line}\n").into_bytes())
        .collect();
    let end: &[u8] = b"\x04";
    let turns: Vec<(&str, &[u8])> = typed
        .iter()
        .map(Vec::as_slice)
        .chain([end])
        .map(|bytes| (PROMPT, bytes))
        .collect();
    turns_with(&[], &turns, expect)
}

/// Has a conversation on a machine with these options.
fn turns_with(options: &[&str], turns: &[(&str, &[u8])], expect: Expect) -> Result<(), Failed> {
    let common = ["--cpus", "4", "--timeout", LIMIT_SECONDS];
    let boot = Boot::with_input(&[&common, options].concat(), turns)?;
    // A program that was ended may have left a line unfinished.
    let [_, ended] = nothing_left();
    let nothing_runs = regex(".*No runnable environments in the system!");
    let expect = expect.in_order([nothing_runs, ended]);
    boot.judge(&boot.complaints(&expect))
}

/// What is shown of a line that was typed.
fn typed(line: &str) -> Line {
    text(&format!("{PROMPT}{line}"))
}

/// A line of `ps`.
fn environment() -> Line {
    regex(" *[0-9a-f]+ +[0-9a-f]+  (ready|running|waiting|dying) .*")
}

/// What `ps` says of the prompt.
fn prompt() -> Line {
    regex("    1000        0  running  +[0-9] +[0-9]+  prompt")
}

fn help() -> Result<(), Failed> {
    let sources = Workspace::locate().program_sources();
    let names = programs::names(&sources)?;
    let listed = |name: &&String| *name != programs::PROMPT;
    let programs = names.iter().filter(listed).map(|name| {
        let what = programs::listed(&sources, name).unwrap_or_default();
        text(&format!("  {name:<19} {what}"))
    });
    let built_in = shell::command::BUILT_IN
        .iter()
        .map(|(usage, _)| regex(&format!("  {} .*", regex_escape(usage))));
    let lines_expected = [typed("help")].into_iter().chain(built_in).chain(programs);
    lines(&["help"], booted(4).in_order(lines_expected))
}

fn tour() -> Result<(), Failed> {
    let count = STATIONS.len();
    let entered: Vec<String> = (0..count)
        .map(|_| "tour".to_owned())
        .chain(["tour 0".into(), "tour 99".into(), "tour 2".into()])
        .collect();
    let entered: Vec<&str> = entered.iter().map(String::as_str).collect();
    let station = |number: usize| {
        let station = &STATIONS[number - 1];
        let heading = text(&format!("{number} of {count}: {}", station.title));
        let idea = station.idea.lines().map(text);
        let line = text(&format!("> {}", station.line));
        let more = regex(&format!("More: {}\\. .*", regex_escape(station.page)));
        [heading].into_iter().chain(idea).chain([line, more])
    };
    let refused = format!("tour: the stations are 1 to {count}");
    let all = (1..=count)
        .flat_map(station)
        .chain([text(&refused), text(&refused)])
        .chain(station(2));
    lines(&entered, booted(4).in_order(all))
}

fn tour_is_true() -> Result<(), Failed> {
    let workspace = Workspace::locate();
    let names = programs::names(&workspace.program_sources())?;
    for station in STATIONS {
        let program = station.line.split(' ').next().unwrap_or_default();
        if !names.iter().any(|name| name == program) {
            return Err(format!("the tour runs {program}, which there is not").into());
        }
        if !workspace.root().join(station.page).is_file() {
            return Err(format!("the tour names {}, which there is not", station.page).into());
        }
    }
    Ok(())
}

fn regex_escape(text: &str) -> String {
    let escape = |char: char| match char {
        '[' | ']' | '.' => format!("\\{char}"),
        char => char.to_string(),
    };
    text.chars().map(escape).collect()
}

fn arguments() -> Result<(), Failed> {
    lines(
        &["hello", "args \"a b\" '' c'd'e", "args&", "wait"],
        booted(4).in_order([
            typed("hello"),
            text("hello, world"),
            text("i am environment 00001001"),
            typed("args \"a b\" '' c'd'e"),
            text("0: 'args'"),
            text("1: 'a b'"),
            text("2: ''"),
            text("3: 'cde'"),
            typed("args&"),
            regex(".*done: args"),
        ]),
    )
}

fn wrong_input() -> Result<(), Failed> {
    let long = format!("args {}", "x".repeat(480));
    let too_long = format!("args {}", "y".repeat(500));
    lines(
        &[
            "foo bar",
            "hello &&",
            "args \"x",
            "kill",
            "kill zz",
            "kill 7777",
            "kill 1000",
            "ps -a",
            "jobs",
            &long,
            &too_long,
            "hello",
        ],
        booted(4).in_order([
            typed("foo bar"),
            text("no such program: foo (help lists them)"),
            text("& stands at the end, after a program"),
            text("a quote is not closed: \""),
            text("kill needs one id (jobs lists them)"),
            text("not an id: zz (jobs lists them)"),
            text("no such job: 7777 (jobs lists them)"),
            text("1000 is this prompt, which exit ends"),
            text("ps takes no arguments"),
            text("nothing runs in the background"),
            regex("1: 'x{480}'"),
            text("too long: a line has at most 500 characters, so nothing was done"),
            typed("hello"),
            text("hello, world"),
        ]),
    )
}

fn background() -> Result<(), Failed> {
    turns_with(
        &[],
        &[
            (PROMPT, b"primes 100000 &\n"),
            (": 101 ", b"jobs\n"),
            ("environments)", b"ps\n"),
            ("primes 100000\n", b"kill 1002\n"),
            ("a part of job 1001", b"kill 1001\nexit\n"),
        ],
        booted(4).in_order([
            typed("primes 100000 &"),
            text("[1001] primes"),
            regex(r".*\[1001\] primes 100000 \([0-9]{2,3} environments\)"),
            regex(".* 1001     1000  .*  primes 100000"),
            regex(".*1002 is a part of job 1001, which can be ended"),
            regex(r".*\[1001\] ended: primes 100000"),
        ]),
    )
}

fn kill() -> Result<(), Failed> {
    turns_with(
        &[],
        &[
            (PROMPT, b"primes 100000 &\n"),
            (": 499 ", b"kill 1001\n"),
            ("ended: primes 100000\n", b"ps\njobs\nhello\nexit\n"),
        ],
        booted(4)
            .in_order([
                regex(r".*\[1001\] ended: primes 100000"),
                typed("ps"),
                prompt(),
                text("nothing runs in the background"),
                text("hello, world"),
            ])
            .times(1, environment()),
    )
}

fn interrupt() -> Result<(), Failed> {
    turns_with(
        &[],
        &[
            (PROMPT, b"primes 100000\n"),
            // What was typed before it is thrown away.
            (": 499 ", b"foo\x03"),
            ("^C\n", b""),
            (PROMPT, b"ps\n"),
            (PROMPT, b"ab\x03exit\n"),
        ],
        booted(4)
            .in_order([regex(r".*\^C"), typed("ps"), prompt(), typed("ab^C")])
            .times(1, environment())
            .never(regex(".*foo.*")),
    )
}

fn interrupt_waiting() -> Result<(), Failed> {
    turns_with(
        &[],
        &[
            (PROMPT, b"primes 100000 &\n"),
            (": 101 ", b"wait\n"),
            (": 211 ", b"\x03"),
            ("^C\n", b"jobs\n"),
            ("environments)", b"exit\n"),
        ],
        booted(4).in_order([
            regex(r".*\^C"),
            regex(r".*\[1001\] primes 100000 \([0-9]{2,3} environments\)"),
            regex(r".*ending \[1001\] primes 100000"),
        ]),
    )
}

fn exit() -> Result<(), Failed> {
    turns_with(
        &[],
        &[(PROMPT, b"primes 100000 &\n"), (PROMPT, b"exit\n")],
        booted(4).in_order([regex(r".*ending \[1001\] primes 100000")]),
    )
}

/// A name is completed; several that begin so are completed as far as they agree, and then
/// listed.
fn completion() -> Result<(), Failed> {
    turns_with(
        &[],
        &[
            (PROMPT, b"hel\tlo\x15hello\t\n"),
            ("world\n", b""),
            (PROMPT, b"pingp\t\t"),
            ("pingpongs", b"\x15exi\t\n"),
        ],
        booted(4).in_order([text("hello, world"), regex(".*pingpong +pingpongs")]),
    )
}

fn editing() -> Result<(), Failed> {
    let up = "\x1b[A";
    let left = "\x1b[D";
    let home = "\x1b[H";
    lines(
        &[
            "argsx\x7f one",
            up,
            &format!("wrong\x15args twoo{left}\x08"),
            &format!("three{home}args "),
            "args four five\x17six",
            "hello\r",
        ],
        booted(4)
            .in_order([
                text("1: 'one'"),
                text("1: 'one'"),
                text("1: 'two'"),
                text("1: 'three'"),
                text("1: 'four'"),
                text("2: 'six'"),
                text("hello, world"),
            ])
            .times(2, text("1: 'one'"))
            .never(regex("no such program.*")),
    )
}

/// Zeros where the file gives none, no writing into the program, and what
/// libraries need: upcalls, fork, shared memory, a heap.
fn fresh() -> Result<(), Failed> {
    lines(
        &["testbss", "heap", "heap", "demo", "faultregs", "writetext"],
        booted(4).never(text("my text can be written")).in_order([
            typed("testbss"),
            text("Yes, good.  Now doing a wild write off the end..."),
            typed("heap"),
            text("made 1000 strings"),
            typed("heap"),
            text("made 1000 strings"),
            regex("24 rows, 8 environments, CPUs seen at work: [1-4]"),
            typed("faultregs"),
            typed("writetext"),
            regex(r"  err  0x00000007 \[user, write, protection\]"),
        ]),
    )
}

/// More programs compute than there are CPUs.
fn policies() -> Result<(), Failed> {
    for policy in Policy::ALL {
        let words = format!("--append=sched={}", policy.name());
        let busy: (&str, &[u8]) = (PROMPT, b"busy&\n");
        let turns = [&[busy; 6][..], &[(PROMPT, b"hello\n"), (PROMPT, b"exit\n")]].concat();
        // What the others print may come between a prompt and what is typed.
        let answered = [text("hello, world"), regex("ending \\[[0-9a-f]+\\] busy")];
        turns_with(&[&words], &turns, booted(4).in_order(answered))?;
    }
    Ok(())
}

fn small() -> Result<(), Failed> {
    turns_with(
        &["--mem", "16"],
        &[
            (PROMPT, b"testbss\n"),
            (PROMPT, b"primes 500\n"),
            (PROMPT, b"exit\n"),
        ],
        booted(4).in_order([
            text("Yes, good.  Now doing a wild write off the end..."),
            regex(".*CPU [0-9]: 499 .*"),
            typed("exit"),
        ]),
    )
}

fn end_of_input() -> Result<(), Failed> {
    for (program, input, shown) in [
        (None, "", "jostle> \n"),
        (None, "hello", "hello, world\n"),
        (Some("prompt"), "hello\n", "hello, world\n"),
    ] {
        let console = piped(program, input.as_bytes())?;
        if !console.contains(shown) {
            return Err(format!("after {input:?}:\n{console}").into());
        }
    }
    Ok(())
}

/// Whatever is typed, the prompt goes on until the end of the input.
fn any_bytes() -> Result<(), Failed> {
    for seed in 1..=3u32 {
        let mut state = seed;
        // Marsaglia's xorshift.
        let mut byte = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[0]
        };
        let input: Vec<u8> = (0..4000).map(|_| byte()).collect();
        let console = piped(None, &input)?;
        if console.contains("panic") {
            return Err(console.into());
        }
    }
    Ok(())
}

/// What the command itself shows with this input, which is not a terminal.
fn piped(program: Option<&str>, input: &[u8]) -> Result<String, Failed> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .args(["run", "--timeout", COMMAND_LIMIT_SECONDS])
        .args(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // It may have ended before it has read everything.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output()?;
    let console = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.code() != Some(0) {
        return Err(format!("{}:\n{console}", output.status).into());
    }
    Ok(console)
}
