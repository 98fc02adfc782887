//! Images under Bochs: another emulator, which knows nothing of QEMU's code, another
//! firmware, and processors that QEMU does not have.
//!
//! The hard thing is that few have Bochs. Where there is none a case says that it was
//! left out; with `CI` in the environment it is installed instead.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use jostle::expect::Expect;
use jostle::external::{self, Found};
use jostle::process_group;
use libtest_mimic::Failed;

use crate::console::{booted, nothing_left};
use crate::image;
use crate::programs::COMMAND_LIMIT_SECONDS;
use crate::scratch::Scratch;
use crate::trial::Trial;

/// Where Debian's packages have the firmware.
const BIOS: &str = "/usr/share/bochs/BIOS-bochs-latest";
const VGA_BIOS: &str = "/usr/share/vgabios/vgabios.bin";
/// What Bochs logs when the kernel has switched it off.
const OFF: &str = "ACPI control: soft power off";

/// A program, a processor of Bochs's, and how many there are of it.
const CASES: [(&str, &str, u32); 5] = [
    // Without FXSAVE and sysenter.
    ("fpuregs", "pentium", 2),
    ("forktree", "p2_klamath", 4),
    ("yield", "athlon64_clawhammer", 2),
    ("sendpage", "tigerlake", 8),
    ("hello", "bx_generic", 1),
];

pub fn trials() -> impl Iterator<Item = Trial> {
    CASES.into_iter().map(|(program, processor, cpus)| {
        Trial::test(format!("bochs::{program}_on_{processor}"), move || {
            runs(program, processor, cpus)
        })
    })
}

/// Bochs, if it is there or must be.
fn bochs() -> Result<Option<Found>, Failed> {
    let firmware = [BIOS, VGA_BIOS].iter().all(|file| Path::new(file).exists());
    let found = external::BOCHS.find().filter(|_| firmware);
    if found.is_some() || std::env::var_os("CI").is_none() {
        return Ok(found);
    }
    let obtained = external::BOCHS.find_or_obtain();
    Ok(Some(obtained.map_err(|error| format!("{error:#}"))?))
}

fn runs(program: &str, processor: &str, cpus: u32) -> Result<(), Failed> {
    let Some(bochs) = bochs()? else {
        println!("bochs: {program} was left out: there is no Bochs here");
        return Ok(());
    };
    let scratch = Scratch::new(&format!("bochs-{program}-{processor}"))?;
    let image = image::made(&scratch.file("image"), &[program])?;
    let machine = machine(&scratch, processor, cpus)?;
    std::fs::write(scratch.file("machine"), machine)?;
    // Debian's has a debugger in it, which waits to be told to go on.
    std::fs::write(scratch.file("commands"), "continue\n")?;
    let ended = process_group::output(
        Command::new("timeout")
            .args(["--signal=KILL", COMMAND_LIMIT_SECONDS])
            .arg(&bochs.path)
            .args(["-q", "-f", "machine", "-rc", "commands"])
            .current_dir(scratch.file(""))
            .stdin(Stdio::null()),
    )?;
    std::fs::remove_file(image)?;
    let console = std::fs::read(scratch.file("console")).unwrap_or_default();
    let console = String::from_utf8_lossy(&console);
    let log = std::fs::read_to_string(scratch.file("log"))?;
    let mut complaints = expected(program, cpus).complaints(&console);
    if !log.contains(OFF) {
        complaints.push(format!("it was not switched off: {}", ended.status));
    }
    match complaints.is_empty() {
        true => Ok(()),
        false => Err(format!("{}\n---\n{console}", complaints.join("\n")).into()),
    }
}

fn expected(program: &str, cpus: u32) -> Expect {
    match program {
        "hello" => image::hello(cpus),
        _ => booted(cpus).in_order(nothing_left()),
    }
}

/// Bochs's configuration. The display is one that nobody has to look at.
fn machine(scratch: &Scratch, processor: &str, cpus: u32) -> Result<String, Failed> {
    let mut text = String::new();
    writeln!(text, "display_library: rfb, options=\"timeout=0\"")?;
    writeln!(
        text,
        "cpu: model={processor}, count={cpus}, ips=50000000, reset_on_triple_fault=0"
    )?;
    writeln!(text, "megs: 64")?;
    writeln!(text, "romimage: file={BIOS}")?;
    writeln!(text, "vgaromimage: file={VGA_BIOS}")?;
    writeln!(text, "boot: cdrom")?;
    writeln!(
        text,
        "ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14"
    )?;
    let image = scratch.path("image")?;
    writeln!(
        text,
        "ata0-master: type=cdrom, path={image}, status=inserted"
    )?;
    writeln!(
        text,
        "com1: enabled=1, mode=file, dev={}",
        scratch.path("console")?
    )?;
    writeln!(text, "log: {}", scratch.path("log")?)?;
    writeln!(text, "panic: action=fatal")?;
    Ok(text)
}
