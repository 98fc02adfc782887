//! Options: numbers that are none, words that mean nothing.
//!
//! The hard thing is to answer in words that a person would use, not in a parser's.

use std::process::Command;

use super::refused;

#[test]
fn absurd_options() {
    for words in [
        &["run", "hello", "--cpus", "0"][..],
        &["run", "hello", "--cpus", "33"],
        &["run", "hello", "--cpus", "99999999999999999999"],
        &["run", "hello", "--mem", "7"],
        &["run", "hello", "--mem", "4097"],
        &["run", "hello", "--timeout", "-3"],
        &["run", "hello", "--timeout", "nan"],
        &["run", "hello", "--personality", "lab9"],
        &["run", "hello", "--no-such-option"],
        &["run", "hello", "--cpus"],
        &["run", "hello", "--record", "/no/such/folder/record"],
        &["run", "hello", "--record", "/dev/null"],
        &["bench", "--icount", "--json", "/no/such/folder/figures"],
        &["bench", "--icount", "--programs", "--page", "/"],
        &[
            "run",
            "hello",
            "--record",
            "/dev/shm/same",
            "--trace",
            "/dev/shm/same",
        ],
        &["gdb", "hello", "--cpus", "0"],
        &["gdb", "helo"],
        &["gdb", "hello", "--batch", "/no/such/script"],
        &["gdb", "hello", "--batch", "/"],
        &["gdb", "hello", "--batch"],
        &["gdb", "hello", "--console", "/no/such/folder/console"],
        &["image", "hello"],
        &["image", "helo", "-o", "/no/such/folder/image"],
        &["image", "hello", "-o", "/no/such/folder/image"],
        &["image", "hello", "-o", "/"],
        &["image", "hello", "-o", ""],
        &["image", "hello", "-o", "-"],
        &["image", "hello", "-o", "x", "--cpus", "4"],
        &["run", "hello", "--trace", "/no/such/folder/trace"],
        &["trace"],
        &["trace", "./no/such/file"],
        &["trace", "x", "--kind", "nothing"],
        &["trace", "x", "--env", "12x4"],
        &["trace", "x", "--env", "+1000"],
        &["trace", "x", "--address", "123456789"],
        &["trace", "x", "--cpu", "32"],
        &["trace", "x", "--limit", "-1"],
        &["no-such-command"],
        &["bench"],
        &["bench", "--programs", "--page", "x"],
        &["bench", "--icount", "--page", "x"],
        &["bench", "--cpus", "2", "--icount"],
        &["bench", "--wall", "--cpus", "1"],
        &["bench", "--account", "primes"],
        &["bench", "--account", "null", "--icount"],
        &["bench", "--account", "null", "--page", "x"],
        &["bench", "--account", "all", "--page", "/"],
        &["test", "one", "two"],
    ] {
        refused(words);
    }
}

#[test]
fn numbers_below_zero() {
    let said = |words: &[&str], what: &str| {
        let line = refused(words);
        assert!(line.contains(what) && !line.contains("tip:"), "{line}");
    };
    said(&["run", "--cpus", "-1"], "from 1 to 32");
    said(&["run", "--mem", "-1"], "from 8 to 4096");
    said(&["run", "--timeout", "-5"], "more than 0");
    said(&["trace", "x", "--cpu", "-1"], "from 0 to 31");
    said(&["trace", "x", "--limit", "-1"], "a whole number");
    assert!(!refused(&["run", "hello", "--no-such-option"]).contains("tip:"));
}

/// Said in words that a person would use.
#[test]
fn numbers_that_are_none() {
    for (words, wanted) in [
        (
            &["run", "--cpus"][..],
            "a whole number from 1 to 32 is needed",
        ),
        (&["gdb", "--cpus"], "a whole number from 1 to 32 is needed"),
        (&["run", "--mem"], "a whole number from 8 to 4096 is needed"),
        (
            &["trace", "x", "--cpu"],
            "a whole number from 0 to 31 is needed",
        ),
        (&["trace", "x", "--limit"], "a whole number is needed"),
        (&["trace", "x", "--env"], "a hexadecimal number"),
        (&["run", "--timeout"], "a number of seconds is needed"),
    ] {
        for value in ["four", "", "+4", "4 ", "0x4", "1e", "4,"] {
            // Of these, some are numbers to some.
            if ["--limit", "--timeout"].contains(words.last().expect("words")) && value == "+4"
                || *words.last().expect("words") == "--env" && ["0x4", "1e"].contains(&value)
            {
                continue;
            }
            let line = refused(&[words, &[value]].concat());
            assert!(line.contains(wanted), "{value}: {line}");
            assert!(!line.contains("digit"), "{value}: {line}");
        }
    }
}

#[test]
fn arguments_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let odd = std::ffi::OsStr::from_bytes(b"a\xffb");
    for words in [
        &["run", "hello", "--append"][..],
        &["test"],
        &["trace", "x", "--kind"],
        &["run", "hello", "--cpus"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
            .args(words)
            .arg(odd)
            .output()
            .expect("the tool starts");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        let said = "jostle: not text: \"$(printf 'a\\377b')\"\n";
        assert_eq!(String::from_utf8_lossy(&output.stderr), said, "{words:?}");
    }
}

#[test]
fn words_that_the_kernel_does_not_know() {
    let append = |words: &str| refused(&["run", "hello", "--append", words]);
    assert!(append("nosuch=1").contains("unknown kernel argument: nosuch=1"));
    assert!(append("word").contains("unknown kernel argument: word"));
    assert!(append("quantum=5 lifecycle=maybe").contains("bad value in kernel argument: life"));
    let image = ["image", "hello", "-o", "x", "--append", "nosuch=1"];
    assert!(refused(&image).contains("unknown kernel argument"));
}

#[test]
fn options_of_the_machine() {
    let nic = |value: &str| refused(&["run", "hello", "--nic", value]);
    assert!(nic("ne2000").contains("there are: e1000, "));
    assert!(nic("e1000,8080:80").contains("`tcp:HOST:GUEST`"));
    assert!(nic("e1000,tcp:7:7,tcp:7:8").contains("twice"));
    for words in [
        &["run", "hello", "--gdb-port", "0"][..],
        &["run", "hello", "--gdb-port", "65536"],
        &["run", "hello", "--stopped"],
        &["run", "hello", "--snapshot"],
        &["gdb", "hello", "--gdb-port", "1234"],
    ] {
        refused(words);
    }
}
