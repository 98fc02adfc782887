//! `jostle image`: what it makes boots under GRUB, from a CD and from a disk.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jostle::expect::{Expect, regex, text};
use jostle::process_group;
use libtest_mimic::Failed;

use crate::boot::host;
use crate::command_line::status_is;
use crate::console::{FIRST, booted, exiting, first, free, nothing_left};
use crate::programs::COMMAND_LIMIT_SECONDS;
use crate::trial::Trial;

/// What QEMU exits with when the kernel ended as it should: see
/// `jostle::qemu::verdict`.
const CLEAN_END: i32 = 33;

/// A boot of an image.
struct Case {
    name: &'static str,
    /// The program and its arguments.
    words: &'static [&'static str],
    cpus: u32,
    medium: &'static str,
    expect: fn(u32) -> Expect,
}

const CASES: &[Case] = &[
    Case {
        name: "from_a_cd",
        words: &["hello"],
        cpus: 1,
        medium: "media=cdrom",
        expect: hello,
    },
    Case {
        name: "on_four_cpus",
        words: &["hello"],
        cpus: 4,
        medium: "media=cdrom",
        expect: hello,
    },
    Case {
        name: "from_a_disk",
        words: &["hello"],
        cpus: 2,
        medium: "media=disk",
        expect: hello,
    },
    Case {
        name: "arguments_arrive",
        words: &["primes", "20"],
        cpus: 2,
        medium: "media=cdrom",
        expect: primes,
    },
    Case {
        name: "awkward_arguments_arrive",
        words: &["primes", "it's $HOME; {a,b} 100%\t#"],
        cpus: 1,
        medium: "media=cdrom",
        expect: refusal,
    },
];

/// A case for each.
pub fn trials() -> impl Iterator<Item = Trial> {
    CASES.iter().map(|case| {
        let name = format!("image::{}", case.name);
        Trial::test(name, move || boots(case))
    })
}

/// What `hello` prints.
pub fn hello(cpus: u32) -> Expect {
    let [no_more, the_end] = nothing_left();
    booted(cpus).in_order([
        first(),
        text("hello, world"),
        exiting(FIRST),
        free(FIRST, FIRST),
        no_more,
        the_end,
    ])
}

/// `primes 20` finds those up to 20.
fn primes(cpus: u32) -> Expect {
    booted(cpus)
        .in_order([regex("CPU [01]: 19 .*")])
        .in_order(nothing_left())
        .never(regex("CPU [01]: 23 .*"))
}

/// `primes` repeats what is not a number.
fn refusal(_: u32) -> Expect {
    Expect::new()
        .in_order([regex(
            r"primes: it's \$HOME; \{a,b\} 100%\t#: a number up to 4294967295 is needed",
        )])
        .in_order(nothing_left())
}

fn boots(case: &Case) -> Result<(), Failed> {
    let folder = host()?.workspace.target().join("image-tests");
    std::fs::create_dir_all(&folder)?;
    let image = made(&folder.join(case.name), case.words)?;
    let cpus = case.cpus.to_string();
    let drive = format!("format=raw,if=ide,{},file={}", case.medium, image.display());
    // The limit is a guard against a guest that hangs.
    let qemu = host()?.qemu().ok_or("no emulator")?;
    let output = process_group::output(
        Command::new("timeout")
            .arg(COMMAND_LIMIT_SECONDS)
            .arg(&qemu.path)
            .args(&qemu.arguments)
            .args(["-smp", &cpus, "-display", "none", "-net", "none"])
            .args(["-no-reboot", "-monitor", "none", "-serial", "stdio"])
            .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"])
            .args(["-drive", &drive])
            .stdin(Stdio::null()),
    )?;
    std::fs::remove_file(image)?;
    status_is(CLEAN_END, &output)?;
    let console = String::from_utf8_lossy(&output.stdout);
    let complaints = (case.expect)(case.cpus).complaints(&console);
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(format!("{}\n---\n{console}", complaints.join("\n")).into())
    }
}

/// Makes an image of these words.
pub fn made(image: &Path, words: &[&str]) -> Result<PathBuf, Failed> {
    if image.exists() {
        std::fs::remove_file(image)?;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .arg("image")
        .args(words)
        .arg("-o")
        .arg(image)
        .output()?;
    status_is(0, &output)?;
    Ok(image.to_path_buf())
}
