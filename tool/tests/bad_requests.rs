//! Wrong requests: one clear line on standard error, status 2, and nothing
//! built or started.

use std::process::{Command, Output};

fn jostle(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jostle"))
        .args(words)
        .output()
        .expect("the tool starts")
}

/// Asserts the refusal and returns its line.
fn refused(words: &[&str]) -> String {
    let output = jostle(words);
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2), "{words:?}: {stderr}");
    assert_eq!(output.stdout, b"", "{words:?}");
    assert_eq!(stderr.lines().count(), 1, "{words:?}: {stderr}");
    assert!(stderr.starts_with("jostle: "), "{words:?}: {stderr}");
    stderr
}

/// A file that is gone when the test is over.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(name: &str, contents: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("jostle-{}-{name}", std::process::id()));
        std::fs::write(&path, contents).expect("written");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("text")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).expect("removed");
    }
}

#[test]
fn unknown_programs() {
    assert!(refused(&["run", "helo"]).contains("did you mean hello?"));
    assert!(refused(&["run", "no-such-thing-at-all"]).contains("there are: "));
    assert!(refused(&["run", ""]).contains("no program"));
    assert!(refused(&["run", "./no/such/file"]).contains("No such file"));
    assert!(refused(&["replay", "./no/such/file"]).contains("No such file"));
    assert!(refused(&["run", "/"]).contains("not a regular file"));
}

#[test]
fn what_the_simulated_machine_has_not() {
    let simulated =
        |words: &[&str]| refused(&[&["run", "hello", "--machine", "sim"], words].concat());
    for (words, named) in [
        (&["--icount"][..], "--icount"),
        (&["--gdb-port", "1234"], "--gdb-port"),
        (&["--monitor"], "--monitor"),
        (&["--nic", "e1000"], "--nic"),
        (&["--append", "grading"], "grading"),
        (&["--append", "end=monitor"], "end=monitor"),
        (&["--append", "boottime=on"], "boottime=on"),
    ] {
        let refusal = simulated(words);
        let says = refusal.contains("the simulated machine") && refusal.contains(named);
        assert!(says, "{refusal}");
    }
    assert!(refused(&["gdb", "hello", "--machine", "sim"]).contains("jostle debug"));
    // They decide nothing in QEMU.
    for words in [
        &["--seed", "1"][..],
        &["--pace", "fair"],
        &["--store-buffers"],
    ] {
        let refusal = refused(&[&["run", "hello"], words].concat());
        assert!(refusal.contains("--machine sim"), "{refusal}");
    }
    simulated(&["--pace", "slow"]);
    simulated(&["--seed", "-1"]);
    simulated(&["--seed", "18446744073709551616"]);
    refused(&["run", "hello", "--machine", "bochs"]);
}

#[test]
fn debugging() {
    let debug = |words: &[&str]| refused(&[&["debug", "hello"], words].concat());
    assert!(debug(&["--machine", "qemu"]).contains("`jostle gdb`"));
    for (words, named) in [
        (&["--record", "r"][..], "--record"),
        (&["--trace", "t"], "--trace"),
        (&["--verbose"], "--verbose"),
        (&["--icount"], "--icount"),
        (&["--gdb-port", "1234"], "--gdb-port"),
        (&["--batch", "/no/such/script"], "No such file"),
        (&["-x", "step; stp"], "no command \"stp\""),
        (&["-x", "step", "--batch", "f"], "--batch"),
        (&["--cpus", "0"], "1 to"),
    ] {
        let refusal = debug(words);
        assert!(refusal.contains(named), "{words:?}: {refusal}");
    }
    assert!(refused(&["debug", "helo"]).contains("did you mean hello?"));
}

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
        &["bench", "--icount", "--page", "/"],
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
fn errors_have_no_numbers() {
    assert!(!refused(&["run", "./no/such/file"]).contains("os error"));
    assert!(!refused(&["run", "--record", "/no/such/folder/record"]).contains("os error"));
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
fn a_second_prompt() {
    assert!(refused(&["run", "prompt", "+", "prompt"]).contains("only one prompt"));
}

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
    let pipe = std::env::temp_dir().join(format!("jostle-{}-pipe", std::process::id()));
    let made = Command::new("mkfifo").arg(&pipe).status().expect("starts");
    assert!(made.success());
    let path = pipe.to_str().expect("text");
    for words in [
        &["run", "hello", "--record", path][..],
        &["run", "hello", "--trace", path],
        &["replay", path],
        &["replay", "/dev/zero"],
        &["trace", path],
        &["gdb", "hello", "--batch", path],
    ] {
        assert!(refused(words).contains("not a regular file"), "{words:?}");
    }
    std::fs::remove_file(&pipe).expect("removed");
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
fn things_that_cannot_be_set_up() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../jostle");
    let output = Command::new(script)
        .args(["setup", "nosuch"])
        .output()
        .expect("the script starts");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stderr.split(|&byte| byte == b'\n').count(), 2);
}

/// A tool that says that it runs, as the script finds it.
fn with_script(line: &str) -> Output {
    let folder = std::env::temp_dir().join(format!("jostle-{}-script", std::process::id()));
    std::fs::create_dir_all(folder.join("debug")).expect("a folder");
    let tool = folder.join("debug/jostle");
    std::fs::write(&tool, "#!/bin/sh\necho runs\n").expect("written");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&tool, executable).expect("changed");
    let output = Command::new("sh")
        .args([
            "-c",
            line,
            concat!(env!("CARGO_MANIFEST_DIR"), "/../jostle"),
        ])
        .env("CARGO_TARGET_DIR", &folder)
        // Builds it at once.
        .env("CARGO", "true")
        .output()
        .expect("sh starts");
    std::fs::remove_dir_all(&folder).expect("removed");
    output
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
fn an_image_replaces_nothing() {
    let there = Scratch::new("there.iso", b"precious");
    assert!(refused(&["image", "hello", "-o", there.path()]).contains("exists already"));
    assert_eq!(
        std::fs::read(there.path()).expect("still there"),
        b"precious"
    );
}

#[test]
fn absurd_arguments() {
    let long = "x".repeat(100_000);
    assert!(refused(&["run", "hello", &long]).contains("stack has room"));
    assert!(refused(&["run", "hello", ""]).contains("empty argument"));
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
fn servers_that_are_none() {
    assert!(refused(&["run", "--with", "hello"]).contains("type=fs:PROGRAM"));
    assert!(refused(&["run", "--with", "type=fs:"]).contains("type=fs:PROGRAM"));
    assert!(refused(&["run", "--with", "type=user:hello"]).contains("type=fs:PROGRAM"));
    assert!(refused(&["run", "--with", "type=fs:helo"]).contains("did you mean hello?"));
    assert!(refused(&["run", "--with", "type=ns:./no/such"]).contains("No such file"));
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
