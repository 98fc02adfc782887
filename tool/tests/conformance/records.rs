//! `jostle debug RECORD`: the record of a simulated run is opened again, forwards and
//! backwards, and what cannot be opened is refused in a line.
//!
//! The hard thing is to be sure that it is the same run. The tool compares the record
//! with that of the run that it makes; so here one is forged that is sound in itself and
//! of another run, and must be found out.

use std::process::{Command, Output, Stdio};

use libtest_mimic::Failed;
use sim::reader::{Reader, Record};
use witness::asked;
use witness::record::{MAGIC, Sink, VERSION};

use crate::boot::Boot;
use crate::command_line::status_is;
use crate::foreign::image::{self, EXECUTE, READ, Segment};
use crate::programs::{COMMAND_LIMIT_SECONDS, LIMIT_SECONDS};
use crate::scratch::Scratch;
use crate::trial::Trial;

type Case = fn(&Scratch) -> Result<(), Failed>;

/// Each is a claim about `jostle debug` with a record.
pub fn trials() -> impl Iterator<Item = Trial> {
    let cases: [(&str, Case); 9] = [
        ("a_program", program),
        ("what_was_typed_comes_again", typed),
        ("a_disk_is_as_it_was", disk),
        ("a_changed_program_is_refused", changed_program),
        ("a_run_that_was_stopped", stopped),
        ("another_run_is_found_out", forged),
        ("what_is_no_such_record_is_refused", refused_files),
        ("nothing_is_said_twice", beside),
        ("the_time_limit_is_for_the_check_too", late),
    ];
    cases.into_iter().map(|(name, case)| {
        Trial::test(format!("debug::records::{name}"), move || {
            case(&Scratch::new(&format!("records-{name}"))?)
        })
    })
}

/// A simulated run that is recorded; its console.
fn record(words: &[&str], turns: &[(&str, &[u8])], file: &str) -> Result<Vec<u8>, Failed> {
    let further = [
        "--timeout",
        LIMIT_SECONDS,
        "--machine=sim",
        "--record",
        file,
    ];
    let words = [&further, words].concat();
    let boot = match turns {
        [] => Boot::new(&words)?,
        turns => Boot::with_input(&words, turns)?,
    };
    boot.judge(&[])?;
    Ok(boot.bytes().to_vec())
}

fn debug(words: &[&str]) -> Result<Output, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jostle"));
    let limit = ["--timeout", COMMAND_LIMIT_SECONDS];
    command.arg("debug").args(limit).args(words);
    Ok(command.stdin(Stdio::null()).output()?)
}

/// Whether a record shows this console, and does again after a way back.
fn shows(file: &str, console: &[u8]) -> Result<(), Failed> {
    let there = "continue; output";
    let and_back = "continue; goto 2000; continue; back 1000; step 1000; output";
    for commands in [there, and_back] {
        let output = debug(&[file, "-x", commands])?;
        status_is(0, &output)?;
        if console.is_empty() || !output.stdout.ends_with(console) {
            let shown = String::from_utf8_lossy(&output.stdout);
            let console = String::from_utf8_lossy(console);
            return Err(format!("{commands}: {shown}\n--- instead of ---\n{console}").into());
        }
    }
    Ok(())
}

/// Whether it is refused, in one line with this in it.
fn is_refused(words: &[&str], says: &str) -> Result<(), Failed> {
    let output = debug(words)?;
    status_is(2, &output)?;
    let said = String::from_utf8_lossy(&output.stderr);
    // cargo may have had to wait.
    let ours = said.lines().filter(|line| line.starts_with("jostle: "));
    if ours.count() != 1 || !said.contains(says) || !output.stdout.is_empty() {
        return Err(format!("no {says:?} in: {said}").into());
    }
    Ok(())
}

fn program(scratch: &Scratch) -> Result<(), Failed> {
    let file = scratch.path("run.log")?;
    let options = ["--seed=3", "--pace=hostile", "--cpus=2", "--store-buffers"];
    let console = record(&[&options[..], &["primes", "40"]].concat(), &[], &file)?;
    shows(&file, &console)
}

fn typed(scratch: &Scratch) -> Result<(), Failed> {
    let file = scratch.path("prompt.log")?;
    let turns: [(&str, &[u8]); 4] = [
        ("jostle> ", b"hello\r"),
        ("jostle> ", b"primes\r"),
        (": 211 ", b"\x03"),
        ("jostle> ", b"exit\r"),
    ];
    let console = record(&["--cpus=2"], &turns, &file)?;
    shows(&file, &console)
}

/// What the guest writes in the debugger does not reach the file.
fn disk(scratch: &Scratch) -> Result<(), Failed> {
    let (file, disk) = (scratch.path("disk.log")?, scratch.path("disk.img")?);
    let image = vec![0; 8 << 20];
    std::fs::write(&disk, &image)?;
    let words = ["diskclient", "--with=type=fs:diskserver", "--disk", &disk];
    let console = record(&[&words[..], &["--snapshot"]].concat(), &[], &file)?;
    shows(&file, &console)?;
    let output = debug(&[&words[..], &["-x", "continue; output"]].concat())?;
    status_is(0, &output)?;
    let shown = String::from_utf8_lossy(&output.stdout);
    if !shown.contains("\ndisk server: 2048 blocks\n") {
        return Err(shown.into_owned().into());
    }
    if std::fs::read(&disk)? != image {
        return Err("the debugger wrote to the disk".into());
    }
    std::fs::write(&disk, vec![1; 8 << 20])?;
    is_refused(&[&file, "-x", "where"], "the disk is not what was recorded")
}

/// A program of a few bytes.
fn elf(code: &[u8]) -> Vec<u8> {
    let start = 0x0080_0020;
    let segment = Segment::load(start, READ | EXECUTE, code.to_vec());
    image::file(start, &[segment], &[])
}

fn changed_program(scratch: &Scratch) -> Result<(), Failed> {
    let (file, program) = (scratch.path("own.log")?, scratch.path("own")?);
    // An invalid instruction.
    std::fs::write(&program, elf(&[0x90, 0x0f, 0x0b]))?;
    let console = record(&[&program, "--personality=lab4"], &[], &file)?;
    shows(&file, &console)?;
    // Where it was there is none any more, but beside the record.
    let elsewhere = Scratch::new("records-elsewhere")?;
    let copies = (elsewhere.path("own.log")?, elsewhere.path("own")?);
    std::fs::copy(&file, &copies.0)?;
    std::fs::rename(&program, &copies.1)?;
    shows(&copies.0, &console)?;
    std::fs::write(&program, elf(&[0x90, 0x90, 0x0f, 0x0b]))?;
    is_refused(&[&file, "-x", "where"], "own is not what was recorded")
}

/// Nobody knows how far such a run would have come; the record is its beginning.
fn stopped(scratch: &Scratch) -> Result<(), Failed> {
    let (file, program) = (scratch.path("endless.log")?, scratch.path("endless")?);
    std::fs::write(&program, elf(&[0xeb, 0xfe]))?;
    let words = [&program, "--machine=sim", "--timeout=1", "--record", &file];
    Boot::new(&words)?;
    let output = debug(&[&file, "-x", "step 3; where"])?;
    status_is(0, &output)?;
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    match shown.contains("(endless) at 0x00800020") {
        true => Ok(()),
        false => Err(shown.into()),
    }
}

/// Bytes of a log.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Sink for Bytes {
    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// The record with another request in it, or with none, as the kernel in QEMU writes it.
fn with_request(log: &[u8], words: Option<&[&[u8]]>) -> Result<Vec<u8>, Failed> {
    let mut forged = Bytes::default();
    forged.put(&MAGIC);
    forged.put(&VERSION.to_le_bytes());
    let mut reader = Reader::new(log).map_err(|error| error.to_string())?;
    loop {
        let start = reader.offset();
        match reader
            .record()
            .transpose()
            .map_err(|error| error.to_string())?
        {
            None => return Ok(forged.0),
            Some(Record::Asked(found)) => {
                if let Some(words) = words {
                    asked::asked(&mut forged, words, &found.files);
                }
            }
            Some(Record::Typed(..)) if words.is_none() => {}
            Some(_) => forged.put(&log[start..reader.offset()]),
        }
    }
}

fn forged(scratch: &Scratch) -> Result<(), Failed> {
    let file = scratch.path("forged.log")?;
    record(&["forktree", "--seed=1"], &[], &file)?;
    let log = std::fs::read(&file)?;
    for (seed, is_its_own) in [(&b"--seed=1"[..], true), (b"--seed=2", false)] {
        let words = [&b"--mem=128"[..], seed, b"forktree"];
        let forged = with_request(&log, Some(&words))?;
        std::fs::write(&file, &forged)?;
        sim::replay::replay(&forged).map_err(|difference| difference.to_string())?;
        match is_its_own {
            true => status_is(0, &debug(&[&file, "-x", "where"])?)?,
            false => is_refused(&[&file, "-x", "where"], "another run from byte ")?,
        }
    }
    Ok(())
}

fn refused_files(scratch: &Scratch) -> Result<(), Failed> {
    let file = scratch.path("file")?;
    record(&["hello", "--cpus=1"], &[], &file)?;
    let log = std::fs::read(&file)?;
    let mut damaged = log.clone();
    damaged[log.len() / 2] ^= 4;
    let no_words = with_request(&log, Some(&[]))?;
    let odd_words = with_request(&log, Some(&[b"--cpus=\xff"]))?;
    for (bytes, says) in [
        (&log[..log.len() / 2], "it ends too soon"),
        (&damaged, "a damaged record"),
        (&with_request(&log, None)?, "not the instructions"),
        (&no_words, "not what was recorded"),
        (&odd_words, "its words cannot be understood"),
        (b"Shopping: bread, butter, records\n", "not an ELF file"),
        (b"", "not an ELF file"),
    ] {
        std::fs::write(&file, bytes)?;
        is_refused(&[&file, "-x", "where"], says)?;
    }
    Ok(())
}

fn beside(scratch: &Scratch) -> Result<(), Failed> {
    let file = scratch.path("hello.log")?;
    record(&["hello", "--cpus=1"], &[], &file)?;
    for (words, says) in [
        (&["--cpus=1"][..], "no --cpus beside it"),
        (&["--seed=0"], "no --seed beside it"),
        (&["--mem", "64"], "no --mem beside it"),
        (&["--disk", &file], "no --disk beside it"),
        (&["+", "hello"], "no further words beside it"),
    ] {
        is_refused(&[&[&file, "-x", "where"], words].concat(), says)?;
    }
    let schedule = scratch.path("x.schedule")?;
    std::fs::write(&schedule, "jostle schedule 2\nword hello\nfile 0\n")?;
    is_refused(
        &[&schedule, "-x", "where", "--cpus=2"],
        "no --cpus beside it",
    )?;
    // How it is looked at is another matter.
    status_is(0, &debug(&[&file, "--machine=sim", "--plain"])?)
}

/// A limit that is over at once leaves no time to make the run again.
fn late(scratch: &Scratch) -> Result<(), Failed> {
    let file = scratch.path("run.log")?;
    record(&["hello"], &[], &file)?;
    let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .args(["debug", &file, "--timeout=1e-9", "-x", "where"])
        .stdin(Stdio::null())
        .output()?;
    status_is(124, &output)?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.stdout.is_empty() && said.contains("before the record was seen to be of this run") {
        Ok(())
    } else {
        Err(format!("the check was made: {said}").into())
    }
}
