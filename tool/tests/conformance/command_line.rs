//! The command itself with a real guest: statuses, streams, nothing left.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use rustix::process::{Pid, Signal, kill_process};

use crate::programs::COMMAND_LIMIT_SECONDS;
use crate::trial::Trial;

type Case = fn() -> Result<(), Failed>;

/// Each is a claim about `jostle run`.
pub fn trials() -> impl Iterator<Item = Trial> {
    let cases: [(&str, Case); 11] = [
        ("a_clean_end_is_status_0", clean_end),
        ("a_panic_is_status_101", panic),
        ("the_time_limit_is_status_124", time_limit),
        ("a_signal_leaves_nothing_behind", signals),
        ("being_killed_leaves_nothing_behind", killed),
        ("a_reader_who_leaves_ends_it", reader_leaves),
        ("input_may_be_closed", closed_input),
        ("an_awkward_path_is_fine", awkward_path),
        ("the_monitor_ends_with_its_input", monitor_input),
        ("an_argument_is_any_bytes", argument_bytes),
        ("a_result_that_reached_nobody_is_none", lost_results),
    ];
    cases
        .into_iter()
        .map(|(name, case)| Trial::test(format!("command_line::{name}"), case))
}

/// `jostle run` with these words.
fn jostle(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jostle"));
    command.arg("run").args(words).stdin(Stdio::null());
    command
}

/// A guest that never ends, recognisable among all processes by an argument of
/// its program. `spin` on one CPU never ends where nobody is pre-empted.
fn endless(seed: &str) -> Command {
    let mut command = jostle(&["spin", seed, "--cpus", "1"]);
    command.args(["--append", "plant=skip-preempt"]);
    command
}

pub fn status_is(wanted: i32, output: &Output) -> Result<(), Failed> {
    if output.status.code() == Some(wanted) {
        return Ok(());
    }
    Err(format!(
        "{} instead of {wanted}\n--- stdout ---\n{}--- stderr ---\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
    .into())
}

fn clean_end() -> Result<(), Failed> {
    let output = jostle(&["hello", "-v"]).output()?;
    status_is(0, &output)?;
    let stdout = String::from_utf8(output.stdout)?;
    let stderr = String::from_utf8(output.stderr)?;
    // The tool speaks on standard error only, the guest on standard output only.
    if !stdout.contains("\nhello, world\n") || stdout.contains("qemu") {
        return Err(format!("standard output is not the guest's alone:\n{stdout}").into());
    }
    if !stderr.contains("qemu-system-i386 -accel") || stderr.contains("hello, world") {
        return Err(format!("standard error is not the tool's alone:\n{stderr}").into());
    }
    Ok(())
}

/// `primes` takes long enough to let in the last CPU, which must panic.
fn panic() -> Result<(), Failed> {
    let output = jostle(&[
        "primes",
        "--append",
        "plant=panic-now",
        "--timeout",
        COMMAND_LIMIT_SECONDS,
    ])
    .output()?;
    status_is(101, &output)
}

fn time_limit() -> Result<(), Failed> {
    let seed = unique("time");
    let output = endless(&seed).args(["--timeout", "2"]).output()?;
    status_is(124, &output)?;
    let said = String::from_utf8(output.stderr)?;
    if said.contains("terminating on signal") || said.contains("Finished") {
        return Err(format!("more is said than the user needs:\n{said}").into());
    }
    nothing_left(&seed)
}

fn signals() -> Result<(), Failed> {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let seed = unique("signal");
        let mut child = started(&seed)?;
        kill_process(Pid::from_child(&child), signal)?;
        status_is(status, &child_output(&mut child)?)?;
        nothing_left(&seed)?;
    }
    Ok(())
}

fn killed() -> Result<(), Failed> {
    if which::which("setpriv").is_err() {
        // Without it there is no safe way to arrange for this; `doctor` says so.
        return Ok(());
    }
    let seed = unique("kill");
    let mut child = started(&seed)?;
    child.kill()?;
    child.wait()?;
    nothing_left(&seed)
}

fn reader_leaves() -> Result<(), Failed> {
    // It prints for long enough after its first byte to notice the closed pipe.
    let seed = unique("reader");
    let mut child = jostle(&["demo", &seed, "--timeout", COMMAND_LIMIT_SECONDS])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut first = [0; 1];
    let mut stdout = child.stdout.take().ok_or("no output")?;
    stdout.read_exact(&mut first)?;
    drop(stdout);
    let status = child.wait()?;
    if status.code() != Some(141) {
        return Err(format!("{status} instead of 141").into());
    }
    nothing_left(&seed)
}

fn closed_input() -> Result<(), Failed> {
    let line = format!("exec '{}' run hello <&-", env!("CARGO_BIN_EXE_jostle"));
    status_is(0, &Command::new("sh").args(["-c", &line]).output()?)?;
    let mut piped = jostle(&["hello"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // Kept open and silent until the guest has ended.
    let pipe = piped.stdin.take();
    let output = child_output(&mut piped)?;
    drop(pipe);
    status_is(0, &output)
}

fn awkward_path() -> Result<(), Failed> {
    let workspace = &crate::boot::host()?.workspace;
    let hello = crate::boot::host()?
        .guest(jostle::build::guest::Kernel::Plain)?
        .program("hello");
    let folder = workspace.target().join("odd, folder");
    std::fs::create_dir_all(&folder)?;
    let copy = folder.join("my hello=100%.elf");
    std::fs::copy(hello, &copy)?;
    let path = copy.to_str().ok_or("the workspace's path is not text")?;
    let output = jostle(&[path, "--cpus", "1"]).output()?;
    status_is(0, &output)?;
    if String::from_utf8_lossy(&output.stdout).contains("\nhello, world\n") {
        Ok(())
    } else {
        Err("the program did not run".into())
    }
}

/// The monitor knows no end of its own.
fn monitor_input() -> Result<(), Failed> {
    let cases: [(&[&str], &[u8], &str); 5] = [
        (&["--monitor"], b"", "K> "),
        (
            &["--monitor"],
            b"kerninfo\nhelp",
            "Display this list of commands",
        ),
        (
            &["--append", "end=monitor"],
            b"nosuch\n",
            "Unknown command 'nosuch'",
        ),
        (&["--append", "grading"], b"", "K> "),
        (&["--monitor", "--cpus", "1"], b"\n\n", "K> \nK> \nK> "),
    ];
    for (words, input, shown) in cases {
        let words = [&["hello"], words, &["--timeout", COMMAND_LIMIT_SECONDS]].concat();
        let output = with_input(&words, input)?;
        status_is(0, &output)?;
        let console = String::from_utf8_lossy(&output.stdout).replace('\r', "");
        if !console.contains("hello, world") || !console.contains(shown) {
            return Err(format!("{words:?} does not show {shown:?}:\n{console}").into());
        }
    }
    // The prompt has its lines first, then the monitor.
    let words = ["--monitor", "--timeout", COMMAND_LIMIT_SECONDS];
    let output = with_input(&words, b"hello\n")?;
    status_is(0, &output)?;
    let console = String::from_utf8_lossy(&output.stdout);
    match console.find("hello, world") {
        Some(place) if console[place..].contains("K> ") => Ok(()),
        _ => Err(format!("not both, or not in turn:\n{console}").into()),
    }
}

/// `jostle run` with this as its input.
fn with_input(words: &[&str], input: &[u8]) -> Result<Output, Failed> {
    let mut child = jostle(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(input)?;
    }
    child_output(&mut child)
}

fn argument_bytes() -> Result<(), Failed> {
    let odd = OsStr::from_bytes(b"a\xff\xc3b");
    let output = jostle(&["args", "--cpus", "1"]).arg(odd).output()?;
    status_is(0, &output)?;
    let wanted = b"1: 'a\xff\xc3b'\n";
    if output
        .stdout
        .windows(wanted.len())
        .any(|bytes| bytes == wanted)
    {
        return Ok(());
    }
    Err(format!("not as given:\n{}", output.stdout.escape_ascii()).into())
}

/// Whatever it was, and however long it would have been.
fn lost_results() -> Result<(), Failed> {
    let folder = crate::boot::host()?.workspace.target().join("lost-results");
    std::fs::create_dir_all(&folder)?;
    let (trace, record) = (folder.join("trace"), folder.join("record"));
    let output = jostle(&["hello", "--trace"])
        .arg(&trace)
        .arg("--record")
        .arg(&record)
        .output()?;
    status_is(0, &output)?;
    for (subcommand, file) in [("trace", &trace), ("replay", &record)] {
        let command = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_jostle"));
            command.arg(subcommand).arg(file);
            command
        };
        status_is(0, &command().output()?)?;
        let full = std::fs::File::options().write(true).open("/dev/full")?;
        status_is(1, &command().stdout(full).output()?)?;
        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        status_is(141, &command().stdout(writer).output()?)?;
        // And a file that somebody damaged, or cut short, is no result.
        let good = std::fs::read(file)?;
        for damaged in [good[..good.len() - 40].to_vec(), flipped(&good)] {
            std::fs::write(file, damaged)?;
            let output = command().output()?;
            if output.status.success() {
                return Err(format!("a damaged file passes for a {subcommand}").into());
            }
        }
    }
    Ok(())
}

/// With one bit changed, far behind any head.
fn flipped(good: &[u8]) -> Vec<u8> {
    let mut damaged = good.to_vec();
    damaged[good.len() / 8 * 7] ^= 4;
    damaged
}

/// An endless guest that has printed something.
fn started(seed: &str) -> Result<Child, Failed> {
    let mut child = endless(seed)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut first = [0; 1];
    child
        .stdout
        .as_mut()
        .ok_or("no output")?
        .read_exact(&mut first)
        .map_err(|error| format!("the guest printed nothing: {error}"))?;
    Ok(child)
}

fn child_output(child: &mut Child) -> Result<Output, Failed> {
    let mut output = Output {
        status: child.wait()?,
        stdout: Vec::new(),
        stderr: Vec::new(),
    };
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_end(&mut output.stdout)?;
    }
    if let Some(mut pipe) = child.stderr.take() {
        pipe.read_to_end(&mut output.stderr)?;
    }
    Ok(output)
}

/// No process of this run may exist.
fn nothing_left(seed: &str) -> Result<(), Failed> {
    no_process_with(seed)
}

/// No process with this word on its command line may exist; a moment is allowed
/// for the host's kernel to carry out a kill.
pub fn no_process_with(word: &str) -> Result<(), Failed> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let left = processes_with(word)?;
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("left behind: {left:?}").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn processes_with(word: &str) -> Result<Vec<String>, Failed> {
    let entries = std::fs::read_dir("/proc")?;
    Ok(entries
        .flatten()
        .filter_map(|entry| {
            // Processes come and go while we look.
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            line.contains(word).then_some(line)
        })
        .collect())
}

fn unique(name: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{name}-{}-{number}", std::process::id())
}
