//! `jostle gdb`: where it stops, what has names there, and that it leaves
//! nothing behind.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use jostle::expect::{Expect, regex, text};
use jostle::external;
use libtest_mimic::Failed;

use crate::boot::host;
use crate::command_line::{no_process_with, status_is};
use crate::programs::COMMAND_LIMIT_SECONDS;
use crate::trial::Trial;

type Case = fn() -> Result<(), Failed>;

/// Each is a claim about `jostle gdb`.
pub fn trials() -> impl Iterator<Item = Trial> {
    let cases: [(&str, Case); 10] = [
        ("it_stands_at_the_entry", entry),
        ("a_trace_reaches_from_kernel_to_program", backtrace),
        ("it_stops_at_a_crash", crash),
        ("it_stops_where_an_environment_runs", runs),
        ("no_flag_of_a_program_stays_on_in_the_kernel", flags),
        ("an_interrupt_before_sysexit_returns", interrupted_exit),
        ("every_program_has_its_symbols", several),
        ("an_awkward_path_and_four_cpus", awkward_path),
        ("the_time_limit_is_status_124", time_limit),
        ("being_killed_leaves_nothing_behind", killed),
    ];
    cases
        .into_iter()
        .map(|(name, case)| Trial::test(format!("gdb::{name}"), case))
}

/// The folder around that of the private copies.
fn caches() -> Result<PathBuf, Failed> {
    let ours = external::cache::folder().ok_or("no folder for private copies")?;
    Ok(ours.parent().ok_or("it has no parent")?.to_path_buf())
}

/// `jostle gdb` with these words and a script of these lines.
struct Session {
    child: Child,
    script: PathBuf,
}

impl Session {
    fn start(name: &str, words: &[&str], lines: &[&str]) -> Result<Self, Failed> {
        let workspace = &host()?.workspace;
        external::GDB.find_or_obtain()?;
        let folder = workspace.target().join("gdb-tests");
        std::fs::create_dir_all(&folder)?;
        let script = folder.join(name);
        std::fs::write(&script, lines.join("\n"))?;
        let child = Command::new(env!("CARGO_BIN_EXE_jostle"))
            .arg("gdb")
            .args(words)
            .arg("--batch")
            .arg(&script)
            // Nobody's own settings, but the private copies that there are.
            .env("HOME", &folder)
            .env("XDG_CACHE_HOME", caches()?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        Ok(Self { child, script })
    }

    /// Waits for its end, after which nothing may be left of it.
    fn end(self) -> Result<Output, Failed> {
        let socket = socket(&self.child);
        let output = self.child.wait_with_output()?;
        no_process_with(&socket)?;
        std::fs::remove_file(self.script)?;
        Ok(output)
    }
}

/// The name of the folder that the socket is in.
fn folder(child: &Child) -> String {
    format!("jostle-gdb-{}-0", child.id())
}

/// On the command lines of both QEMU and gdb.
fn socket(child: &Child) -> String {
    format!("{}/socket", folder(child))
}

/// Runs it to its end, status 0, and compares what it showed.
fn expect(name: &str, words: &[&str], lines: &[&str], expect: &Expect) -> Result<(), Failed> {
    let words = [words, &["--timeout", COMMAND_LIMIT_SECONDS]].concat();
    let output = Session::start(name, &words, lines)?.end()?;
    status_is(0, &output)?;
    let shown = String::from_utf8_lossy(&output.stdout);
    let complaints = expect.complaints(&shown);
    if complaints.is_empty() {
        Ok(())
    } else {
        let messages = String::from_utf8_lossy(&output.stderr);
        Err(format!("{}\n---\n{shown}\n---\n{messages}", complaints.join("\n")).into())
    }
}

/// What runs beside a program of which gdb lets go: a guest that ends at that moment
/// leaves gdb without its answer.
const COMPANY: &[&str] = &["+", "demo"];

fn entry() -> Result<(), Failed> {
    let lines = [
        "printf \"stands at %#x, cs %#x\\n\", $eip, $cs",
        "info symbol $eip",
        "backtrace",
        "break hello::main",
        "continue",
        "backtrace",
        "next",
        "next",
    ];
    let stopped = Expect::new()
        .in_order([
            text("[00000000] new env 00001000"),
            text("stands at 0x800020, cs 0x1b"),
            regex("_start in section .text of .*/hello"),
            text("#0  0x00800020 in _start ()"),
            regex("Breakpoint 2, .*hello::main .*"),
            regex("#0 .*hello::main .* at programs/src/bin/hello.rs:[0-9]+"),
            regex("#[0-9] +0x[0-9a-f]+ in _start .*"),
        ])
        // The second `next` has it said.
        .times(1, text("hello, world"));
    expect("entry", &["hello"], &lines, &stopped)
}

fn backtrace() -> Result<(), Failed> {
    let lines = [
        "break kernel::trap::calls::int::any_call",
        "continue",
        "backtrace",
        "printf \"in ring %d\\n\", $cs & 3",
        // To where it returns. What is inlined at its beginning may have a frame of its own,
        // and `finish` would only leave that.
        "advance syscall_stub",
        "backtrace",
        "detach",
    ];
    let reached = Expect::new().in_order([
        regex("Breakpoint 2, .*"),
        regex("#[0-9] +.*kernel::trap::calls::int::any_call .* at kernel/src/trap/calls.rs:[0-9]+"),
        regex("#[1-9] .* in syscall_stub .*"),
        regex("#[0-9]+ .*user::print::print .* at user/src/print.rs:[0-9]+"),
        regex("#[0-9]+ .*hello::main .* at programs/src/bin/hello.rs:[0-9]+"),
        regex("#[0-9]+ .* in _start .*"),
        text("in ring 0"),
        // Behind the call.
        regex("#0 .* syscall_stub .*"),
        regex("#[0-9]+ .*user::print::print .* at user/src/print.rs:[0-9]+"),
    ]);
    // A host with much to do must not let the quantum end before the call.
    let long = ["hello", "--append", "quantum=1000000"];
    expect("backtrace", &[&long, COMPANY].concat(), &lines, &reached)
}

/// The program is whole there, and its functions are below the kernel's.
fn crash() -> Result<(), Failed> {
    let seen = Expect::new().in_order([
        regex("Breakpoint 2, kcore::fault::crashed .*"),
        regex("#0 .*kcore::fault::crashed .*"),
        regex("#[0-9]+ .*faultread::main .*"),
    ]);
    let words = [&["faultread", "--at", "crash"], COMPANY].concat();
    expect("crash", &words, &["backtrace", "detach"], &seen)
}

/// It stops at this environment's turn, which the public table shows, and at no other's.
fn runs() -> Result<(), Failed> {
    let lines = [
        "info symbol $eip",
        "printf \"here is %x\\n\", *(int *) ($esp + 48)",
        "delete",
        "break forktree::main",
        "continue",
        "detach",
    ];
    let seen = Expect::new().in_order([
        regex("leave_by_frame in section .*"),
        regex("here is 80[0-9a-f]{4}"),
        regex("Breakpoint [0-9], .*forktree::main .*"),
    ]);
    let words = ["hello", "+", "forktree", "--at", "env:1001", "--icount"];
    expect("runs", &words, &lines, &seen)
}

/// The first calls of a program are made by `int 0x30`; it faults; its handler's calls are
/// made by `sysenter`. AC is its own affair, and it keeps it.
fn flags() -> Result<(), Failed> {
    const AC: u32 = 0x4_0000;
    let set = format!("set $eflags = $eflags | {AC:#x}");
    let show = format!("printf \"flags in ring %d: %#x\\n\", $cs & 3, $eflags & {AC:#x}");
    let lines = [
        set.as_str(),
        &show,
        "break kernel::trap::calls::int::any_call",
        "break kernel::trap::calls::sysenter::any_call",
        "break kernel::trap::trap",
        "continue",
        &show,
        "delete 2",
        "continue",
        &show,
        "delete 4",
        "continue",
        &show,
        "detach",
    ];
    let (before, clear) = (format!("flags in ring 3: {AC:#x}"), "flags in ring 0: 0");
    let seen = Expect::new().in_order([
        text(&before),
        // Whatever is inlined at a function's beginning, the numbers tell whose it is.
        regex("Breakpoint 2, .*"),
        text(clear),
        regex("Breakpoint 4, .*"),
        text(clear),
        regex("Breakpoint 3, .*"),
        text(clear),
    ]);
    expect("flags", &[&["faultdie"], COMPANY].concat(), &lines, &seen)
}

/// `sti` holds interrupts off until `sysexit` is done, but an NMI between the two ends
/// that. Here an interrupt is made to come there, in the stub's short way out: its words
/// are pushed, and the handler's stub is gone to. The program goes on where it called, with
/// its stack and the answer.
fn interrupted_exit() -> Result<(), Failed> {
    let lines = [
        "set language c",
        "break *sysenter_answered",
        "continue",
        "printf \"interrupted in ring %d\\n\", $cs & 3",
        "set $back = $edx",
        "set $stack = $ecx",
        "set $answer = $eax",
        "set $esp = $esp - 12",
        "set {int}($esp + 8) = $eflags",
        "set {int}($esp + 4) = $cs",
        "set {int}$esp = $eip",
        "set $eflags = $eflags & ~0x200",
        "set $pc = (unsigned) &ipi_stub",
        "delete",
        "tbreak *$back",
        "continue",
        "printf \"back in ring %d: %d %d, %#x\\n\", $cs & 3, (unsigned) $esp == (unsigned) $stack, $eax == $answer, $eax",
        "detach",
    ];
    let returns = Expect::new().in_order([
        text("interrupted in ring 0"),
        text("back in ring 3: 1 1, 0x1000"),
    ]);
    let words = [&["bench", "null-sysenter"], COMPANY].concat();
    expect("interrupted", &words, &lines, &returns)
}

/// A server stands at its entry first; the programs after it, which begin at the
/// same address, are known as well.
fn several() -> Result<(), Failed> {
    let entry = |file: &str| regex(&format!("_start in section .text of .*/{file}"));
    let stopped = Expect::new().in_order(["diskserver", "hello", "yield"].map(entry));
    let words = ["hello", "+", "yield", "--with", "type=fs:diskserver"];
    expect("several", &words, &["info symbol $eip"], &stopped)
}

fn awkward_path() -> Result<(), Failed> {
    let host = host()?;
    let hello = host
        .guest(jostle::build::guest::Kernel::Plain)?
        .program("hello");
    let folder = host.workspace.target().join("odd, \"folder\"");
    std::fs::create_dir_all(&folder)?;
    let copy = folder.join("my 'hello'.elf");
    std::fs::copy(hello, &copy)?;
    let path = copy.to_str().ok_or("the workspace's path is not text")?;
    let lines = ["info symbol $eip", "info threads"];
    let stopped = Expect::new()
        .in_order([regex("_start in section .text of .*")])
        .times(4, regex(".*Thread 1\\.[1-4] \\(CPU#[0-3] .*"));
    expect("awkward", &[path, "--cpus", "4"], &lines, &stopped)
}

/// A guest that never ends: see `command_line::endless`.
const ENDLESS: &[&str] = &["spin", "--append", "plant=skip-preempt"];

fn time_limit() -> Result<(), Failed> {
    let words = [ENDLESS, &["--timeout", "5"]].concat();
    let output = Session::start("time", &words, &["continue"])?.end()?;
    status_is(124, &output)
}

fn killed() -> Result<(), Failed> {
    if which::which("setpriv").is_err() {
        // Without it there is no safe way to arrange for this; `doctor` says so.
        return Ok(());
    }
    let mut session = Session::start("kill", ENDLESS, &["shell echo here", "continue"])?;
    let mut first = [0; 1];
    let stdout = session.child.stdout.as_mut().ok_or("no output")?;
    std::io::Read::read_exact(stdout, &mut first)?;
    session.child.kill()?;
    let folder = folder(&session.child);
    session.end()?;
    // This it cannot take away itself.
    std::fs::remove_dir_all(std::env::temp_dir().join(folder))?;
    Ok(())
}
