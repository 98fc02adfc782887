//! Programs that wear a machine out, and what an operator does to one. Each held
//! from the first, and must go on holding.
//!
//! The hard thing is that success looks like nothing at all. So each program counts
//! what it did, and the last line says that everything is there again.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use jostle::expect::{Expect, regex, text};
use libtest_mimic::Failed;

use crate::boot::{Boot, host};
use crate::console::{booted, nothing_left};
use crate::monitor_socket::{Monitor, Operator};
use crate::programs::LIMIT_SECONDS;
use crate::trial::Trial;

/// Name, words, CPUs, and what is said.
type Ordeal = (&'static str, Words, u32, Words);
type Words = &'static [&'static str];

const ORDEALS: [Ordeal; 6] = [
    (
        "six_hogs_at_8_mib",
        &["hogs", "--mem", "8"],
        2,
        &["3 times 6 took all memory, and it is back"],
    ),
    (
        "six_hogs_at_16_mib",
        &["hogs", "--mem", "16"],
        4,
        &["3 times 6 took all memory, and it is back"],
    ),
    (
        "killed_in_a_fork",
        &["forkkill"],
        4,
        &["150 killed in a fork, and nothing is left of them"],
    ),
    (
        "pairs_on_eight_cpus",
        &["pairs"],
        8,
        &["32 pairs, 3200 messages right"],
    ),
    (
        "stopped_while_it_calls",
        &["stopgo"],
        4,
        &["stopped 800 times, wrong answers: 0"],
    ),
    (
        "the_direction_flag",
        &["backwards"],
        2,
        &["said with the flag set", "2 kept it", "100 messages came"],
    ),
];

pub fn trials() -> impl Iterator<Item = Trial> {
    let programs = ORDEALS.into_iter().map(|(name, words, cpus, said)| {
        Trial::test(format!("ordeals::{name}"), move || run(words, cpus, said))
    });
    programs.chain([
        Trial::test("ordeals::a_program_of_20_mb", large),
        Trial::test("ordeals::a_machine_that_is_reset", reset),
        Trial::test("ordeals::a_machine_that_goes_back", snapshot),
    ])
}

fn run(words: &[&str], cpus: u32, said: &[&str]) -> Result<(), Failed> {
    let count = cpus.to_string();
    let common = ["--cpus", &count, "--timeout", LIMIT_SECONDS];
    let boot = Boot::new(&[words, &common].concat())?;
    let expect = booted(cpus).in_order(said.iter().map(|line| text(line)));
    boot.judge(&boot.complaints(&expect.in_order(nothing_left())))
}

/// Where the large program begins, and its data.
const CODE: u32 = 0x80_0020;
const DATA: u32 = 0x100_0000;
/// Words of its data: 20 MB.
const WORDS: u32 = 5_000_000;
const SAID: &[u8] = b"all of it came\n";

/// It adds its data up, and speaks only if the sum is right.
fn large() -> Result<(), Failed> {
    let folder = host()?.workspace.target().join("ordeals");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("large-{}.elf", std::process::id()));
    fs::write(&path, large_program())?;
    let name = path.to_string_lossy().into_owned();
    let words = [
        &name,
        "--personality=lab4",
        "--cpus=1",
        "--timeout",
        LIMIT_SECONDS,
    ];
    let boot = Boot::new(&words);
    fs::remove_file(&path)?;
    let boot = boot?;
    let said = String::from_utf8_lossy(SAID);
    let expect = booted(1).in_order([text(said.trim_end())]);
    boot.judge(&boot.complaints(&expect.in_order(nothing_left())))
}

fn large_program() -> Vec<u8> {
    let data: Vec<u32> = (1..=WORDS)
        .map(|index| index.wrapping_mul(0x9e37_79b9))
        .collect();
    let sum = data.iter().fold(0u32, |sum, word| sum.wrapping_add(*word));
    let mut code = Code::default();
    code.bytes(&[0xbe]).word(DATA); // mov esi, DATA
    code.bytes(&[0xb9]).word(WORDS); // mov ecx, WORDS
    code.bytes(&[0x31, 0xdb]); // xor ebx, ebx
    code.bytes(&[0x03, 0x1e]); // add ebx, [esi]
    code.bytes(&[0x83, 0xc6, 0x04]); // add esi, 4
    code.bytes(&[0x49, 0x75, 0xf8]); // dec ecx; jnz to the addition
    code.bytes(&[0x81, 0xfb]).word(sum); // cmp ebx, sum
    code.bytes(&[0x75, 0x0e]); // jne over what it says
    code.bytes(&[0x31, 0xc0]); // xor eax, eax: cputs
    code.bytes(&[0xba]).word(CODE + 0x60); // mov edx, the text
    code.bytes(&[0xb9]).word(SAID.len() as u32); // mov ecx, its length
    code.bytes(&[0xcd, 0x30]); // int 0x30
    code.bytes(&[0xb8]).word(3); // mov eax, env_destroy
    code.bytes(&[0x31, 0xd2]); // xor edx, edx: itself
    code.bytes(&[0xcd, 0x30]); // int 0x30
    let mut code = code.0;
    code.resize(0x60, 0x90);
    code.extend(SAID);
    let data: Vec<u8> = data.iter().flat_map(|word| word.to_le_bytes()).collect();
    elf(&[(CODE, &code, 5), (DATA, &data, 6)])
}

#[derive(Default)]
struct Code(Vec<u8>);

impl Code {
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend(bytes);
        self
    }

    fn word(&mut self, word: u32) {
        self.bytes(&word.to_le_bytes());
    }
}

/// A file with these segments: address, bytes, flags. It begins at [`CODE`].
fn elf(segments: &[(u32, &[u8], u32)]) -> Vec<u8> {
    const HEADER: usize = 52;
    const PROGRAM_HEADER: usize = 32;
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x03\0\x01\0\0\0".to_vec();
    for word in [CODE, HEADER as u32, 0, 0] {
        file.extend(word.to_le_bytes());
    }
    for half in [HEADER, PROGRAM_HEADER, segments.len(), 0, 0, 0] {
        file.extend((half as u16).to_le_bytes());
    }
    let mut offset = HEADER + PROGRAM_HEADER * segments.len();
    for &(va, bytes, flags) in segments {
        let len = bytes.len() as u32;
        for word in [1, offset as u32, va, va, len, len, flags, 1] {
            file.extend(word.to_le_bytes());
        }
        offset += bytes.len();
    }
    for (_, bytes, _) in segments {
        file.extend(*bytes);
    }
    file
}

/// What an operator interrupts, and what it says when it is done.
const WORK: [&str; 3] = ["matrix", "+", "demo"];
const DONE: &str = "24 rows, 8 environments, CPUs seen at work: [1-4]";
const CPUS: u32 = 4;

/// Does something once, when a program runs, and lets the guest come to its end.
fn once(
    words: &[&str],
    deed: fn(&mut Monitor) -> std::io::Result<()>,
    reboots: bool,
) -> Result<(Boot, u32), Failed> {
    let done = Arc::new(AtomicU32::new(0));
    let counter = done.clone();
    let operator = Operator::new(move |monitor| {
        if counter.load(Relaxed) == 0 && monitor.sees_a_program()? {
            deed(monitor)?;
            counter.store(1, Relaxed);
        }
        thread::sleep(Duration::from_millis(5));
        Ok(())
    });
    let words = [&WORK, words, &["--timeout", LIMIT_SECONDS]].concat();
    let boot = Boot::on(&words, |machine| {
        operator.attach(machine);
        if reboots {
            machine
                .further
                .extend(["-action".into(), "reboot=reset".into()]);
        }
    });
    operator.dismiss();
    Ok((boot?, done.load(Relaxed)))
}

/// It begins again, with nothing of what it was.
fn reset() -> Result<(), Failed> {
    let (boot, done) = once(
        &[],
        |monitor| monitor.command("system_reset").map(drop),
        true,
    )?;
    let begun = || regex("SMP: CPU 0 found 4 CPU.*");
    let expect = Expect::new()
        .times(2, begun())
        .in_order([begun(), begun(), regex(DONE)])
        .never(regex(".*panic.*"));
    let mut complaints = boot.complaints(&expect.in_order(nothing_left()));
    if done != 1 {
        complaints.push("it was never reset".to_owned());
    }
    boot.judge(&complaints)
}

/// It is put back to a moment of its past, three times, and goes on from there.
fn snapshot() -> Result<(), Failed> {
    let folder = host()?.workspace.target().join("ordeals");
    fs::create_dir_all(&folder)?;
    let disk = folder.join(format!("disk-{}", std::process::id()));
    // QEMU keeps the moment beside what was written to the disk.
    fs::write(&disk, [0; 1 << 16])?;
    let name = disk.to_string_lossy().into_owned();
    let there_and_back = |monitor: &mut Monitor| {
        let mut answers = monitor.command("savevm then")?;
        for _ in 0..3 {
            thread::sleep(Duration::from_millis(20));
            answers += &monitor.command("loadvm then")?;
        }
        let refused = answers.contains("Error");
        if refused {
            return Err(std::io::Error::other(answers));
        }
        Ok(())
    };
    let boot = once(&["--disk", &name, "--snapshot"], there_and_back, false);
    fs::remove_file(&disk)?;
    let (boot, done) = boot?;
    let expect = booted(CPUS).in_order([regex(DONE)]);
    let mut complaints = boot.complaints(&expect.in_order(nothing_left()));
    if done != 1 {
        complaints.push("it never went back".to_owned());
    }
    boot.judge(&complaints)
}
