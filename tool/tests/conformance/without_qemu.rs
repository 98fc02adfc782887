//! Where QEMU is missing, a plain run goes to the simulated machine at once, and
//! nothing is installed.
//!
//! The hard thing is to hide QEMU on a machine that has it, and what would get it, and
//! nothing else: so the search path is a folder of links to all other programs.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use jostle::build::guest::Kernel;
use libtest_mimic::Failed;

use crate::boot::{folder, host_of_simulations};
use crate::trial::Trial;

type Case = fn(&Path) -> Result<(), Failed>;

/// Each is a claim about a machine without QEMU.
pub fn trials() -> impl Iterator<Item = Trial> {
    let cases: [(&str, Case); 2] = [
        ("a_plain_run_is_simulated", plain),
        ("what_needs_qemu_says_so", needs_qemu),
    ];
    cases.into_iter().map(|(name, case)| {
        Trial::test(format!("simulated::without_qemu::{name}"), move || {
            // Built before, with everything there is.
            host_of_simulations()?.guest(Kernel::Plain)?;
            case(&Machine::new(name)?.0)
        })
    })
}

/// A folder with what such a machine has; gone when dropped.
struct Machine(PathBuf);

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Machine {
    fn new(name: &str) -> Result<Self, Failed> {
        let machine = Self(folder(&format!("without-qemu-{name}"))?);
        let bin = machine.0.join("bin");
        // Of a run that was stopped.
        let _ = std::fs::remove_dir_all(&bin);
        std::fs::create_dir(&bin)?;
        let path = std::env::var_os("PATH").ok_or("no search path")?;
        for folder in std::env::split_paths(&path) {
            for program in std::fs::read_dir(folder).into_iter().flatten() {
                let program = program?;
                let name = program.file_name();
                let hidden = ["qemu", "apt", "sudo"];
                let text = name.to_string_lossy();
                if !hidden.iter().any(|hidden| text.starts_with(hidden)) {
                    // The first of a name counts.
                    let _ = symlink(program.path(), bin.join(&name));
                }
            }
        }
        Ok(machine)
    }
}

fn jostle(machine: &Path, words: &[&str]) -> Result<Output, Failed> {
    let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .args(words)
        .env("PATH", machine.join("bin"))
        // Where private copies would be.
        .env("XDG_CACHE_HOME", machine.join("cache"))
        .stdin(Stdio::null())
        .output()?;
    Ok(output)
}

fn told(output: &Output) -> (String, Vec<String>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    // Cargo's word, if another case builds at this moment.
    let waits = |line: &&str| {
        line.trim_start()
            .starts_with("Blocking waiting for file lock")
    };
    let messages = text(&output.stderr);
    let said = messages.lines().filter(|line| !waits(line));
    let said = said.map(str::to_owned).collect();
    (text(&output.stdout), said)
}

fn plain(machine: &Path) -> Result<(), Failed> {
    let output = jostle(machine, &["run", "hello", "--cpus", "2"])?;
    let (console, said) = told(&output);
    let remark = "jostle: no QEMU is installed, so the simulated machine runs this";
    let is_remark = |line: &String| line.starts_with(remark) && line.contains("setup qemu");
    let whole = console.contains("hello, world\n") && console.contains("found 2 CPU(s)");
    if output.status.code() == Some(0) && whole && said.len() == 1 && said.iter().all(is_remark) {
        Ok(())
    } else {
        Err(format!("{:?}: {said:?}\n{console}", output.status).into())
    }
}

/// Asked for, or for something that only QEMU has.
fn needs_qemu(machine: &Path) -> Result<(), Failed> {
    for words in [["--machine", "qemu"], ["--nic", "e1000"]] {
        let output = jostle(machine, &[&["run", "hello"][..], &words].concat())?;
        let (console, said) = told(&output);
        let names_it = said
            .iter()
            .any(|line| line.contains("is missing: install QEMU"));
        if output.status.code() != Some(1) || !names_it || !console.is_empty() {
            return Err(format!("{words:?}: {:?}: {said:?}\n{console}", output.status).into());
        }
    }
    // A wrong request is wrong, whatever is installed.
    for words in [
        &["--seed", "1"][..],
        &["--pace", "fair"],
        &["--store-buffers"],
    ] {
        let output = jostle(machine, &[&["run", "hello"], words].concat())?;
        let (_, said) = told(&output);
        let named = said
            .iter()
            .all(|line| line.contains("is for --machine sim"));
        if output.status.code() != Some(2) || said.len() != 1 || !named {
            return Err(format!("{words:?}: {:?}: {said:?}", output.status).into());
        }
    }
    let (_, said) = told(&jostle(machine, &["run", "helo"])?);
    match &said[..] {
        [line] if line.contains("did you mean hello?") => Ok(()),
        _ => Err(format!("{said:?}").into()),
    }
}
