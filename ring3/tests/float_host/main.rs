//! x87 and SSE compared with the processor that the test runs on.
//!
//! Every encoding that the interpreter implements is executed by both, from many
//! states, and all that it may change is compared: registers, tags, status words,
//! flags, memory, and the exception if there is one. The hard thing is to leave nothing
//! out: encodings are enumerated, not listed, and how many there are is checked too.
//!
//! Only on Intel's processors: others differ where the manual leaves it open, as in how
//! far one `fprem` gets, and some have more bits in MXCSR.

#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "../common/flat.rs"]
mod flat;
mod guest;
mod host;
mod values;

use guest::run;
use host::{Block, Host};
use values::Random;

/// How many states an encoding is tried from, with each immediate value.
const STATES: u32 = 40;

/// What the comparison of encodings found.
#[derive(Default)]
struct Found {
    implemented: usize,
    faults: Vec<String>,
}

/// Executes one encoding from `count` states. Whether it is implemented.
fn compare(
    host: &mut Host,
    code: &[u8],
    count: u32,
    random: &mut Random,
    faults: &mut Vec<String>,
) -> bool {
    host.load(code);
    for round in 0..count {
        let before = values::block(random);
        let mut guest = before.clone();
        if !run(code, &mut guest) {
            return false;
        }
        let mut host_block = before.clone();
        host.run(&mut host_block);
        let differences = difference(code, &guest, &host_block);
        if !differences.is_empty() {
            faults.push(format!(
                "{code:02x?}, state {round}: {differences}\n  before {before:x?}\n  guest  {guest:?}\n  host   {host_block:?}"
            ));
            break;
        }
    }
    true
}

/// Where the two differ.
fn difference(code: &[u8], guest: &Block, host: &Block) -> String {
    let mut found = String::new();
    let stored = code[code.len() - 1] & 0xf8;
    for index in 0..288 {
        // Address and opcode of the last instruction are not kept.
        if !(5..24).contains(&index) && guest.image[index] != host.image[index] {
            found += &format!("image {index}; ");
        }
    }
    for index in 0..guest.memory.len() {
        let at = index.wrapping_sub(guest.ecx as usize);
        let skip = match (code[0], stored) {
            // fnstenv, fnsave: the same addresses.
            (0xd9 | 0xdd, 0x30) => (12..26).contains(&at),
            // fxsave.
            (0x0f, 0x00) if code[1] == 0xae => (5..24).contains(&at) || at >= 288,
            _ => false,
        };
        if !skip && guest.memory[index] != host.memory[index] {
            found += &format!("memory {index}; ");
        }
    }
    if guest.trap != host.trap {
        found += &format!("trap {} {}; ", guest.trap, host.trap);
    }
    if guest.eax as u32 != host.eax as u32 {
        found += "eax; ";
    }
    if (guest.flags ^ host.flags) & u64::from(ring3::flags::ARITHMETIC) != 0 {
        found += &format!("flags {:#x} {:#x}; ", guest.flags, host.flags);
    }
    found
}

impl Found {
    /// Checks that nothing differed, and that nothing was left out.
    fn check(&self, implemented: usize) {
        let faults = self.faults.join("\n");
        assert!(faults.is_empty(), "{} differ:\n{faults}", self.faults.len());
        assert_eq!(self.implemented, implemented);
    }
}

/// Whether the processor is one to compare with.
fn comparable() -> bool {
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let comparable = processor.contains("GenuineIntel");
    if !comparable {
        eprintln!("not compared: not Intel's processor");
    }
    comparable
}

/// Second bytes: registers with register 0, and with memory at ecx. Of most opcodes
/// two registers do; some are eight instructions.
fn operands(opcode: u8) -> impl Iterator<Item = u8> {
    let group = matches!(opcode, 0x71..=0x73 | 0xae);
    let registers = if group { 0..8 } else { 0..2 };
    registers.flat_map(|register| [0xc0 | register << 3, 0x01 | register << 3])
}

#[test]
fn x87() {
    if !comparable() {
        return;
    }
    let codes = (0xd8..=0xdf).flat_map(|first| {
        let memory = (0..8).map(|register| register << 3 | 1);
        (0xc0..=0xff)
            .chain(memory)
            .map(move |second| vec![first, second])
    });
    let (mut host, mut random) = (Host::new(), Random(1));
    let mut found = Found::default();
    for code in codes {
        let implemented = compare(&mut host, &code, STATES * 8, &mut random, &mut found.faults);
        found.implemented += usize::from(implemented);
    }
    found.check(461);
}

#[test]
fn sse_and_mmx() {
    if !comparable() {
        return;
    }
    let codes = (0..=255).flat_map(|opcode| {
        [None, Some(0x66), Some(0xf3), Some(0xf2)]
            .into_iter()
            .flat_map(move |prefix| {
                operands(opcode).map(move |operand| {
                    let mut code: Vec<u8> = prefix.into_iter().collect();
                    code.extend([0x0f, opcode, operand]);
                    code
                })
            })
    });
    let mut host = Host::new();
    let mut random = Random(1);
    let mut all = Found::default();
    for code in codes {
        let mut found = false;
        // Immediate values count for some; others do not have one.
        for immediate in values::IMMEDIATES {
            let mut code = code.clone();
            if guest::length(&code).is_none() {
                code.push(immediate);
            }
            if let Some(length) = guest::length(&code) {
                code.truncate(length.into());
            }
            if !guest::changes_eax_only(&code) {
                continue;
            }
            found |= compare(&mut host, &code, STATES, &mut random, &mut all.faults);
        }
        all.implemented += usize::from(found);
    }
    all.check(912);
}
