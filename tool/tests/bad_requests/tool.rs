//! The tool around the machine: its outputs, its build folder, its script, and other commands.
//!
//! The hard thing is a result that reaches nobody: it must not look like a good one.

use std::process::{Command, Output};

use super::{Scratch, refused};

/// A result that reached nobody.
#[test]
fn outputs_that_take_nothing() {
    let full = || {
        std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .expect("there")
    };
    for words in [["--help"], ["--version"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
            .args(words)
            .stdout(full())
            .output()
            .expect("the tool starts");
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said, "jostle: standard output: No space left on device\n");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
            .args(words)
            .stdout(writer)
            .output()
            .expect("the tool starts");
        assert_eq!(output.status.code(), Some(141), "{words:?}");
        assert_eq!(output.stderr, b"");
    }
}

#[test]
fn a_folder_that_cannot_be_written() {
    let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .args(["run", "hello", "--timeout", "600"])
        .env("CARGO_TARGET_DIR", "/dev/null/target")
        .output()
        .expect("the tool starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let last = said.lines().last().expect("something is said");
    assert!(
        last.contains("/dev/null/target cannot be written (Not a directory)"),
        "{said}"
    );
    assert!(last.contains("CARGO_TARGET_DIR=FOLDER"), "{said}");
}

#[test]
fn things_that_cannot_be_set_up() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../jostle");
    let output = Command::new(script)
        .args(["setup", "nosuch"])
        .output()
        .expect("the script starts");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    // The script may have to build the tool first, which it says.
    let lines = said
        .lines()
        .filter(|line| !line.contains("building the host tool"));
    assert_eq!(lines.count(), 1, "{said}");
}

/// A tool that says that it runs, as the script finds it.
fn with_script(line: &str) -> Output {
    let folder = Scratch::nothing("script");
    std::fs::create_dir_all(folder.as_path().join("debug")).expect("a folder");
    let tool = folder.as_path().join("debug/jostle");
    std::fs::write(&tool, "#!/bin/sh\necho runs\n").expect("written");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&tool, executable).expect("changed");
    Command::new("sh")
        .args([
            "-c",
            line,
            concat!(env!("CARGO_MANIFEST_DIR"), "/../jostle"),
        ])
        .env("CARGO_TARGET_DIR", folder.as_path())
        // Builds it at once.
        .env("CARGO", "true")
        .output()
        .expect("sh starts")
}

#[test]
fn the_script_without_its_outputs() {
    let output = with_script("exec \"$0\" doctor");
    assert_eq!(
        (output.status.code(), &output.stdout[..]),
        (Some(0), &b"runs\n"[..])
    );
    let output = with_script("exec \"$0\" doctor 2>&-");
    assert_eq!(
        (output.status.code(), &output.stdout[..]),
        (Some(0), &b"runs\n"[..])
    );
    let output = with_script("exec \"$0\" doctor >&-");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said, "jostle: standard output is closed\n");
}

#[test]
fn folders_that_are_no_course() {
    assert!(refused(&["grade", "/no/such/folder"]).contains("No such file"));
    assert!(refused(&["grade", "/dev/null"]).contains("not a folder"));
    assert!(refused(&["grade", "/proc"]).contains("there is no GNUmakefile"));
    for words in [
        &["grade"][..],
        &["grade", "/", "--lab", "6"],
        &["grade", "/", "--edition", "2010"],
        &["grade", "/", "--cpus", "0"],
    ] {
        refused(words);
    }
}

#[test]
fn pages_that_cannot_be_shown() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    assert!(refused(&["web", "--port", &port]).contains("--port N"));
    for port in ["-1", "65536", "http", ""] {
        assert!(refused(&["web", "--port", port]).contains("--port"));
    }
    assert!(refused(&["web", "--port", "1", "--out", "x"]).contains("cannot be used with"));
    let file = Scratch::new("page", b"no folder");
    assert!(refused(&["web", "--out", file.path()]).contains("Not a directory"));
    assert!(refused(&["web", "--out", "/proc/self/x"]).contains("cannot make"));
    let root = env!("CARGO_MANIFEST_DIR");
    assert!(refused(&["web", "--out", root]).contains("something else in it"));
}
