//! What is asked to run: programs, servers, and their arguments.
//!
//! The hard thing is a file that is nearly a program: each is told what it lacks.

use super::{Scratch, refused};

#[test]
fn unknown_programs() {
    assert!(refused(&["run", "helo"]).contains("did you mean hello?"));
    assert!(refused(&["run", "no-such-thing-at-all"]).contains("there are: "));
    assert!(refused(&["run", ""]).contains("no program"));
    assert!(refused(&["run", "./no/such/file"]).contains("No such file"));
    assert!(refused(&["replay", "./no/such/file"]).contains("No such file"));
    assert!(refused(&["run", "/"]).contains("a folder without a program"));
}

#[test]
fn files_that_are_no_programs() {
    let script = Scratch::new("script", b"#!/bin/sh\nexit 0\n");
    assert!(refused(&["run", script.path()]).contains("not an ELF file"));
    let empty = Scratch::new("empty", b"");
    assert!(refused(&["run", empty.path()]).contains("not an ELF file"));
    let stub = Scratch::new("stub", b"\x7fELF\x01\x01\x01");
    assert!(refused(&["run", stub.path()]).contains("damaged ELF file"));
    let host = env!("CARGO_BIN_EXE_jostle");
    assert!(refused(&["run", host]).contains("64-bit"));
}

#[test]
fn a_segment_in_the_kernel() {
    let mut image = vec![0; 0x54];
    let mut put = |offset: usize, bytes: &[u8]| {
        image[offset..offset + bytes.len()].copy_from_slice(bytes);
    };
    put(0, b"\x7fELF\x01\x01\x01");
    put(16, &[2, 0, 3, 0, 1]);
    put(24, &0xF010_0000_u32.to_le_bytes());
    put(28, &[52]);
    put(40, &[52, 0, 32, 0, 1]);
    put(52, &[1]);
    put(60, &0xF010_0000_u32.to_le_bytes());
    put(68, &[4]);
    put(72, &[4]);
    let hostile = Scratch::new("hostile", &image);
    let line = refused(&["run", hostile.path()]);
    assert!(
        line.contains("segment 0: reaches to or above 0xeec00000"),
        "{line}"
    );
}

#[test]
fn programs_that_are_missing() {
    for words in [
        &["run", "+"][..],
        &["run", "+", "hello"],
        &["run", "hello", "+"],
        &["run", "hello", "+", "+", "yield"],
    ] {
        let line = refused(words);
        assert!(line.contains("missing before or after a `+`"), "{line}");
    }
    assert!(refused(&["run", "hello", "+", "yeild"]).contains("did you mean yield?"));
    let many = ["+", "hello"].repeat(64);
    let words = [&["run", "hello"], &many[..]].concat();
    assert!(refused(&words).contains("at most 64"));
}

#[test]
fn a_second_prompt() {
    assert!(refused(&["run", "prompt", "+", "prompt"]).contains("only one prompt"));
}

#[test]
fn absurd_arguments() {
    let long = "x".repeat(100_000);
    assert!(refused(&["run", "hello", &long]).contains("stack has room"));
    assert!(refused(&["run", "hello", ""]).contains("empty argument"));
}

#[test]
fn servers_that_are_none() {
    assert!(refused(&["run", "--with", "hello"]).contains("type=fs:PROGRAM"));
    assert!(refused(&["run", "--with", "type=fs:"]).contains("type=fs:PROGRAM"));
    assert!(refused(&["run", "--with", "type=user:hello"]).contains("type=fs:PROGRAM"));
    assert!(refused(&["run", "--with", "type=fs:helo"]).contains("did you mean hello?"));
    assert!(refused(&["run", "--with", "type=ns:./no/such"]).contains("No such file"));
}
