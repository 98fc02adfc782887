//! Files that are read or written: disks, logs, traces, images.
//!
//! The hard thing is what must not be touched: a refused request leaves all files as they were.

use std::process::Command;

use super::{Scratch, refused};

/// A log replaces an earlier log and nothing else.
#[test]
fn files_that_are_somebody_elses() {
    let precious = Scratch::new("precious", b"precious, and longer than any magic");
    for option in ["--record", "--trace"] {
        let line = refused(&["run", "hello", option, precious.path()]);
        assert!(line.contains("not overwritten"), "{line}");
    }
    let line = refused(&["gdb", "hello", "--console", precious.path()]);
    assert!(line.contains("not overwritten"), "{line}");
    let there = std::fs::read(precious.path()).expect("still there");
    assert_eq!(there, b"precious, and longer than any magic");
    // Even if it looks like one, the run's own disk is not a place for it.
    let mut record = witness::record::MAGIC.to_vec();
    record.resize(512, 0);
    let disk = Scratch::new("disk-or-record", &record);
    let line = refused(&["run", "--disk", disk.path(), "--record", disk.path()]);
    assert!(line.contains("something else"), "{line}");
    assert_eq!(std::fs::read(disk.path()).expect("still there"), record);
}

#[test]
fn a_log_that_another_run_writes() {
    let file = Scratch::new("locked", b"");
    let other = std::fs::File::open(file.path()).expect("opens");
    other.try_lock().expect("nobody else has it");
    let line = refused(&["run", "hello", "--trace", file.path()]);
    assert!(line.contains("another run is writing to it"), "{line}");
}

/// None of these may be waited for.
#[test]
fn pipes_and_devices() {
    let pipe = Scratch::nothing("pipe");
    let path = pipe.path();
    let made = Command::new("mkfifo").arg(path).status().expect("starts");
    assert!(made.success());
    for words in [
        &["run", "hello", "--record", path][..],
        &["run", "hello", "--trace", path],
        &["replay", path],
        &["replay", "/dev/zero"],
        &["debug", path],
        &["debug", "/dev/zero"],
        &["trace", path],
        &["gdb", "hello", "--batch", path],
    ] {
        assert!(refused(words).contains("not a regular file"), "{words:?}");
    }
}

#[test]
fn files_that_are_no_records() {
    let file = |bytes: &[u8]| {
        let scratch = Scratch::new("record", bytes);
        refused(&["replay", scratch.path()])
    };
    assert!(file(b"").ends_with("not a record, or one of a run that never began\n"));
    assert!(file(b"JOST").ends_with(": not a record\n"));
    assert!(file(&[b'x'; 9000]).ends_with(": not a record\n"));
}

#[test]
fn files_that_are_no_traces() {
    let head = |len: u64| {
        let head = witness::log_memory::Head {
            hz: 1_000_000,
            len,
            lost: 0,
        };
        let words = head.words(witness::log_memory::Purpose::Trace);
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    };
    let file = |bytes: &[u8]| {
        let scratch = Scratch::new("trace", bytes);
        refused(&["trace", scratch.path()])
    };
    assert!(file(b"").contains("never began"));
    assert!(file(&[0; 4096]).contains("not a trace"));
    assert!(file(b"#!/bin/sh\necho This is a script and not at all a trace\n").contains("not a"));
    let whole: Vec<u8> = head(64);
    assert!(file(&whole).contains("truncated: of 64 bytes"));
    let mut endless: Vec<u8> = head(u64::MAX);
    endless.resize(8192, 0);
    assert!(file(&endless).contains("truncated"));
    let mut other = whole.clone();
    other[8] = 9;
    assert!(file(&other).contains("another format (9)"));
    let mut still: Vec<u8> = head(0);
    still[16..24].fill(0);
    still.resize(4096, 0);
    assert!(file(&still).contains("clock"));
    // Any check but none says something about the file.
    let mut checked: Vec<u8> = head(0);
    checked.resize(4096, 0);
    checked[40] = 1;
    assert!(file(&checked).contains("damaged: its check"));
}

#[test]
fn an_image_replaces_nothing() {
    let there = Scratch::new("there.iso", b"precious");
    assert!(refused(&["image", "hello", "-o", there.path()]).contains("exists already"));
    assert_eq!(
        std::fs::read(there.path()).expect("still there"),
        b"precious"
    );
}

#[test]
fn disks_that_are_none() {
    assert!(refused(&["run", "--disk", "./no/such/file"]).contains("No such file"));
    assert!(refused(&["run", "--disk", "/"]).contains("not a regular file"));
    assert!(refused(&["run", "--disk", "/dev/zero"]).contains("not a regular file"));
    let empty = Scratch::new("empty-disk", b"");
    assert!(refused(&["run", "--disk", empty.path()]).contains("empty"));
    let odd = Scratch::new("odd-disk", &[0; 513]);
    assert!(refused(&["run", "--disk", odd.path()]).contains("513 bytes"));
    let large = Scratch::new("large-disk", b"");
    let file = std::fs::File::options().write(true).open(large.path());
    file.and_then(|file| file.set_len((1 << 30) + 512))
        .expect("made larger");
    let words = ["run", "--machine", "sim", "--disk", large.path()];
    assert!(refused(&words).contains("up to 1024 MiB"));
}

#[test]
fn errors_have_no_numbers() {
    assert!(!refused(&["run", "./no/such/file"]).contains("os error"));
    assert!(!refused(&["run", "--record", "/no/such/folder/record"]).contains("os error"));
}
