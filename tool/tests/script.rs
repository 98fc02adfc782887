//! The set-up script on machines that lack something: made of a search path with
//! a few commands in it, and stand-ins for the compiler.
//!
//! The hard thing is that nothing of this machine's may shine through: the
//! script is given no other variables.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Output;

use clap::{Command, CommandFactory};
use jostle::cli::Cli;

/// A folder that is all the machine has; gone when dropped.
struct Machine {
    folder: PathBuf,
}

impl Machine {
    fn new(name: &str) -> Self {
        let name = format!("jostle-script-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("bin")).expect("made");
        for tool in [
            "sh", "readlink", "dirname", "sed", "grep", "mkdir", "id", "cat",
        ] {
            let real = which::which(tool).expect("a usual command");
            symlink(real, folder.join("bin").join(tool)).expect("linked");
        }
        Self { folder }
    }

    /// The same with a compiler, and a cargo that does this.
    fn with_cargo(name: &str, script: &str) -> Self {
        let machine = Self::new(name);
        machine.put("rustc", "echo 'rustc 1.99.0'");
        machine.put("cc", "true");
        machine.put("cargo", script);
        machine
    }

    fn put(&self, name: &str, script: &str) {
        let path = self.folder.join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
    }

    fn jostle(&self, word: &str, target: &Path) -> Output {
        let mut command = self.command(word, target);
        command.output().expect("the script starts")
    }

    fn command(&self, word: &str, target: &Path) -> std::process::Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jostle");
        let mut command = std::process::Command::new("/bin/sh");
        command
            .arg(script)
            .arg(word)
            .env_clear()
            .env("PATH", self.folder.join("bin"))
            .env("CARGO_TARGET_DIR", target);
        command
    }

    fn target(&self) -> PathBuf {
        self.folder.join("target")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The test may be failing, for another reason.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What it said, on standard error alone, with this status.
fn said(output: Output, status: i32) -> String {
    let text = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(status), "{text}");
    assert_eq!(output.stdout, b"", "standard output is the guest's");
    text
}

/// Where something is missing, whatever does work gets it, and the rest says so. (Here it
/// cannot be got.)
#[test]
fn every_command_gets_what_it_needs() {
    const ONLY_LOOK: [&str; 2] = ["doctor", "clean"];
    let machine = Machine::with_cargo("commands", "true");
    fs::remove_file(machine.folder.join("bin/cc")).expect("was there");
    let commands = Cli::command();
    let shown = commands
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let names: Vec<&str> = shown.map(Command::get_name).collect();
    assert!(names.contains(&"run") && names.len() > ONLY_LOOK.len());
    for name in names {
        let text = said(machine.jostle(name, &machine.target()), 1);
        let wanted = match ONLY_LOOK.contains(&name) {
            true => "cc: MISSING",
            false => "missing: gcc libc6-dev",
        };
        assert!(text.contains(wanted), "{name}: {text}");
    }
}

/// Goes on when there is a file, or after a minute, so that this ends if the line is missing.
const WAITS: &str = "n=0; until [ -e go ] || [ $n = 600 ]; do sleep 0.1; n=$((n+1)); done";

/// A tool that is built anew may take minutes, of which cargo says nothing here. The cargo
/// of this test ends when the line has been read.
#[test]
fn a_long_build_is_announced() {
    let machine = Machine::with_cargo("long", WAITS);
    let sleep = which::which("sleep").expect("a usual command");
    symlink(sleep, machine.folder.join("bin/sleep")).expect("linked");
    let tool = machine.target().join("debug");
    fs::create_dir_all(&tool).expect("made");
    fs::copy(machine.folder.join("bin/cc"), tool.join("jostle")).expect("copied");
    let mut child = machine
        .command("help", &machine.target())
        .current_dir(&machine.folder)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the script starts");
    let mut line = String::new();
    let stderr = child.stderr.take().expect("piped");
    BufReader::new(stderr).read_line(&mut line).expect("read");
    fs::write(machine.folder.join("go"), "").expect("written");
    assert!(line.contains("building the host tool anew"), "{line}");
    assert!(child.wait().expect("ends").success());
}

/// What setup would install, the diagnosis names, with the command that installs it.
#[test]
fn a_diagnosis_names_what_setup_installs() {
    let machine = Machine::with_cargo("agree", "true");
    fs::remove_file(machine.folder.join("bin/cc")).expect("was there");
    machine.put("apt-get", "echo 'E: no network'; exit 1");
    let said_without_certificates = |word: &str| {
        let mut command = machine.command(word, &machine.target());
        command.env("SSL_CERT_FILE", "/no/such/file");
        said(command.output().expect("the script starts"), 1)
    };
    let setup = said_without_certificates("setup");
    let packages = setup.split_once("apt cannot install ").expect(&setup).1;
    let packages = packages.split_once(':').expect("and why").0;
    let diagnosis = said_without_certificates("doctor");
    assert!(packages.split(' ').count() > 2, "{setup}");
    for package in packages.split(' ') {
        assert!(diagnosis.contains(package), "{package}: {diagnosis}");
    }
    assert!(diagnosis.contains("./jostle setup"), "{diagnosis}");
}

/// The same of the tool itself, which looks for all the rest: what setup can be asked for
/// is looked for, and whatever is not there, somebody can get.
#[test]
fn doctor_says_how_to_get_what_is_not_there() {
    let machine = Machine::new("bare");
    for name in ["cargo", "rustc"] {
        let real = which::which(name).expect("Rust");
        symlink(real, machine.folder.join("bin").join(name)).expect("linked");
    }
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_jostle"))
        .arg("doctor")
        .env("PATH", machine.folder.join("bin"))
        .env("XDG_CACHE_HOME", machine.folder.join("cache"))
        .output()
        .expect("the tool starts");
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(1), "{text}");
    let mut missing = 0;
    for line in text.lines() {
        if line.contains("MISSING") || line.contains("not there") {
            missing += 1;
            let remedies = ["./jostle setup", "./jostle book", "install "];
            assert!(
                remedies.iter().any(|remedy| line.contains(remedy)),
                "{line}"
            );
        }
    }
    assert!(missing > 5, "{text}");
    let commands = Cli::command();
    let setup = commands.find_subcommand("setup").expect("a command");
    let parts = setup
        .get_positionals()
        .flat_map(clap::Arg::get_possible_values);
    let parts: Vec<String> = parts.map(|part| part.get_name().to_owned()).collect();
    assert!(parts.len() > 2, "{parts:?}");
    for part in parts {
        let command = format!("`./jostle setup {part}` gets it");
        assert!(text.contains(&command), "{command}: {text}");
    }
    // What it gets when it is asked for nothing in particular.
    let of_all = |line: &str| line.starts_with("cc ") && line.contains("`./jostle setup` gets it");
    assert!(text.lines().any(of_all), "{text}");
}

const BUILD_FAILS: &str = "[ \"$1\" != build ]";

#[test]
fn a_diagnosis_needs_no_compiler() {
    if Path::new("/usr/bin/cargo").exists() {
        // The script looks there too, and nothing can hide that.
        return;
    }
    let machine = Machine::new("doctor");
    let text = said(machine.jostle("doctor", &machine.target()), 1);
    assert!(text.contains("rust: MISSING"), "{text}");
    assert!(text.contains("cc: MISSING"), "{text}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let machine = Machine::with_cargo("read-only", BUILD_FAILS);
    let text = said(machine.jostle("help", Path::new("/proc/no/such/folder")), 1);
    assert!(text.contains("set CARGO_TARGET_DIR"), "{text}");
    assert!(!text.contains("CARGO_HTTP_CAINFO"), "{text}");
}

#[test]
fn a_refused_certificate_is_explained() {
    let refusal = "echo '[60] SSL peer certificate or SSH remote key was not OK' >&2; exit 101";
    let machine = Machine::with_cargo("certificate", refusal);
    let text = said(machine.jostle("help", &machine.target()), 1);
    assert!(text.contains("CARGO_HTTP_CAINFO"), "{text}");
    assert!(!text.contains("set CARGO_TARGET_DIR"), "{text}");
}

#[test]
fn other_failures_get_no_advice() {
    let machine = Machine::with_cargo("other", BUILD_FAILS);
    let text = said(machine.jostle("help", &machine.target()), 1);
    assert!(text.contains("could not be built"), "{text}");
    assert!(!text.contains("CARGO_"), "{text}");
}
