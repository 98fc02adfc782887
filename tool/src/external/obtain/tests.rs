//! The ladder on machines that answer from records of apt.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::external::QEMU;
use crate::external::apt::Answer;

const CONFLICT: &str = include_str!("../recorded/conflict.txt");
const UNKNOWN: &str = include_str!("../recorded/unknown.txt");
const HELD: &str = include_str!("../recorded/held.txt");
const ADDITION: &str = "Inst seabios (1.16.2-1 Debian:12.15/oldstable [all])\n\
    Inst qemu-system-x86 (1:7.2+dfsg-7 Debian:12.15/oldstable [amd64])\n";

/// A machine: its plan with given options, and what succeeds.
struct Machine {
    /// What a simulation prints, given its command line.
    plan: fn(&str) -> &'static str,
    /// Whether something that is carried out succeeds, given its command line
    /// and all before it.
    succeeds: fn(&str, &[String]) -> bool,
    /// What was carried out.
    done: Vec<String>,
    cache: PathBuf,
}

impl Machine {
    fn new(
        name: &str,
        plan: fn(&str) -> &'static str,
        succeeds: fn(&str, &[String]) -> bool,
    ) -> Self {
        let cache = std::env::temp_dir().join(format!("jostle-{name}-{}", std::process::id()));
        Self {
            plan,
            succeeds,
            done: Vec::new(),
            cache,
        }
    }

    fn obtain(&mut self, rights: Rights) -> Result<(), String> {
        let cache = self.cache.clone();
        obtain(&QEMU, self, rights, &cache).map_err(|error| format!("{error:#}"))
    }

    /// How often something with this in its command line was carried out.
    fn count(&self, part: &str) -> usize {
        self.done.iter().filter(|line| line.contains(part)).count()
    }

    fn has_copy(&self) -> bool {
        PrivateCopy::of(&QEMU, &self.cache)
            .program(QEMU.name)
            .exists()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Nothing was made where nothing could be.
        let _ = fs::remove_dir_all(&self.cache);
    }
}

impl Commands for Machine {
    fn ask(&mut self, words: &[String]) -> Answer {
        let text = if words.iter().any(|word| word == "--simulate") {
            (self.plan)(&words.join(" "))
        } else {
            ""
        };
        Answer {
            good: !text.contains("E: "),
            text: text.into(),
        }
    }

    fn change(&mut self, words: &[String]) -> bool {
        self.perform(words, Path::new("."))
    }

    fn perform(&mut self, words: &[String], folder: &Path) -> bool {
        let line = words.join(" ");
        let good = (self.succeeds)(&line, &self.done);
        if good && line.contains(" download ") {
            fs::write(folder.join("a.deb"), "").expect("written");
        }
        if let (true, ["dpkg-deb", "-x", _, root]) = (
            good,
            &words.iter().map(String::as_str).collect::<Vec<_>>()[..],
        ) {
            let program = Path::new(root).join("usr/libexec/qemu-system-i386");
            fs::create_dir_all(program.parent().expect("a folder")).expect("made");
            fs::write(program, "").expect("written");
        }
        self.done.push(line);
        good
    }
}

#[test]
fn a_plain_addition_is_installed() {
    let mut machine = Machine::new("addition", |_| ADDITION, |_, _| true);
    machine.obtain(Rights::Root).expect("installed");
    assert_eq!(machine.done.len(), 1, "{:?}", machine.done);
    assert_eq!(
        machine.count("--no-remove --no-upgrade --quiet --yes install"),
        1
    );
    assert!(!machine.has_copy());
}

#[test]
fn sudo_is_never_to_ask() {
    let mut machine = Machine::new("sudo", |_| ADDITION, |_, _| true);
    machine.obtain(Rights::Sudo).expect("installed");
    assert!(
        machine.done[0].starts_with("sudo -n env "),
        "{:?}",
        machine.done
    );
}

/// QEMU's disk tools in a newer version, which the emulator would replace.
#[test]
fn what_would_remove_a_package_is_unpacked() {
    let mut machine = Machine::new("conflict", |_| CONFLICT, |_, _| true);
    machine.obtain(Rights::Root).expect("unpacked");
    assert_eq!(machine.count(" install"), 0, "{:?}", machine.done);
    assert_eq!(
        machine.count(" download ipxe-qemu=1.0.0+git-20190125.36a4c85-5.1 "),
        1
    );
    assert!(machine.has_copy());
}

#[test]
fn what_would_replace_a_package_is_unpacked() {
    let plan = |_: &str| "Inst libfdt1 [1.6.1-4] (1.7.0-1 Debian:12 [amd64])\n";
    let mut machine = Machine::new("replacement", plan, |_, _| true);
    machine.obtain(Rights::Root).expect("unpacked");
    assert_eq!(machine.count(" install"), 0, "{:?}", machine.done);
    assert!(machine.has_copy());
}

#[test]
fn without_rights_nothing_is_installed() {
    let mut machine = Machine::new("rights", |_| ADDITION, |_, _| true);
    machine.obtain(Rights::None).expect("unpacked");
    assert_eq!(machine.count(" install"), 0, "{:?}", machine.done);
    assert!(machine.has_copy());
}

#[test]
fn without_a_network_it_is_said_so_and_nothing_is_left() {
    let mut machine = Machine::new("offline", |_| UNKNOWN, |_, _| false);
    let error = machine.obtain(Rights::Root).expect_err("no way");
    assert!(error.contains("Unable to locate package"), "{error}");
    assert!(error.contains("is there a network?"), "{error}");
    assert!(!machine.cache.join("copies").exists());
    assert!(!machine.cache.join("apt").exists());
}

#[test]
fn without_lists_they_are_read() {
    let no_lists = |line: &str| {
        if line.contains("Dir::State::Lists") {
            ADDITION
        } else {
            UNKNOWN
        }
    };
    let mut machine = Machine::new("no-lists", no_lists, |_, _| true);
    machine.obtain(Rights::None).expect("unpacked");
    assert_eq!(machine.count("update"), 1, "{:?}", machine.done);
    assert_eq!(
        machine.count("env LC_ALL=C"),
        0,
        "the machine's are not touched"
    );
    assert!(machine.has_copy());
}

/// The lists name versions that the servers have replaced since.
#[test]
fn old_lists_are_read_anew_before_an_installation() {
    let updated = |line: &str, before: &[String]| {
        !line.contains(" install ") || before.iter().any(|line| line.ends_with(" update"))
    };
    let mut machine = Machine::new("old-install", |_| ADDITION, updated);
    machine.obtain(Rights::Root).expect("installed");
    assert_eq!(machine.count(" install "), 2, "{:?}", machine.done);
    assert!(!machine.has_copy());
}

#[test]
fn old_lists_are_read_anew_before_a_download() {
    let updated = |line: &str, _: &[String]| {
        !line.contains(" download ") || line.contains("Dir::State::Lists")
    };
    let mut machine = Machine::new("old-download", |_| CONFLICT, updated);
    machine.obtain(Rights::Root).expect("unpacked");
    assert_eq!(machine.count(" download "), 2, "{:?}", machine.done);
    assert!(machine.has_copy());
}

/// A package that is held rules out every plan that reckons with it.
#[test]
fn held_packages_do_not_matter_to_a_copy() {
    let held = |line: &str| {
        if line.contains("status=/dev/null") {
            ADDITION
        } else {
            HELD
        }
    };
    let mut machine = Machine::new("held", held, |_, _| true);
    machine.obtain(Rights::Root).expect("unpacked");
    assert_eq!(machine.count(" install"), 0, "{:?}", machine.done);
    assert!(machine.has_copy());
}

/// Its package is there, but its file is gone.
#[test]
fn what_apt_takes_for_installed_is_unpacked() {
    let installed = |line: &str| {
        if line.contains("status=/dev/null") {
            ADDITION
        } else {
            "0 upgraded, 0 newly installed"
        }
    };
    let mut machine = Machine::new("gone", installed, |_, _| true);
    machine.obtain(Rights::Root).expect("unpacked");
    assert_eq!(machine.count(" install"), 0, "{:?}", machine.done);
    assert!(machine.has_copy());
}

#[test]
fn a_broken_download_leaves_the_copy_that_is_there() {
    let mut machine = Machine::new("again", |_| CONFLICT, |_, _| true);
    machine.obtain(Rights::None).expect("unpacked");
    machine.succeeds = |line, _| !line.contains("dpkg-deb");
    let error = machine.obtain(Rights::None).expect_err("no way");
    assert!(error.contains("could not be unpacked"), "{error}");
    assert!(machine.has_copy());
    let left = fs::read_dir(machine.cache.join("copies")).expect("a folder");
    assert_eq!(left.count(), 1);
}

/// The machine's loader does not start programs with another C library.
#[test]
fn the_c_library_is_not_unpacked() {
    let plan = |_: &str| "Inst libc6 (2.36-9 Debian:12 [amd64])\nInst b (1 Debian:12 [all])\n";
    let mut machine = Machine::new("libc", plan, |_, _| true);
    machine.obtain(Rights::None).expect("unpacked");
    assert_eq!(machine.count("download b=1"), 1, "{:?}", machine.done);
    assert_eq!(machine.count("libc6"), 0, "{:?}", machine.done);
}
