//! What an instruction does that is dear, by its bytes.
//!
//! Not a disassembler: where instructions begin is known, so only prefixes, the opcode and
//! the operand's address are looked at. The hard thing is a device's register, which an
//! ordinary `mov` reads: its address is a constant in the kernel, and so is in the
//! instruction. Source: Intel SDM volume 2, chapter 2 and appendix A.

use abi::layout::{MMIOBASE, MMIOLIM};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// From user mode into the kernel.
    Entry,
    /// Another page directory, or the same again.
    Cr3,
    /// `invlpg`.
    Invlpg,
    /// From a device's register in memory.
    DeviceRead,
    /// To one.
    DeviceWrite,
    /// `in`, `out`, and strings of them.
    Port,
    /// `lock`, or an `xchg` with memory.
    Atomic,
}

impl Event {
    /// All of them.
    pub const ALL: [Event; 7] = [
        Event::Entry,
        Event::Cr3,
        Event::Invlpg,
        Event::DeviceRead,
        Event::DeviceWrite,
        Event::Port,
        Event::Atomic,
    ];

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Event::Entry => "entries",
            Event::Cr3 => "CR3 loads",
            Event::Invlpg => "invlpg",
            Event::DeviceRead => "MMIO reads",
            Event::DeviceWrite => "MMIO writes",
            Event::Port => "port I/O",
            Event::Atomic => "atomics",
        }
    }
}

const LOCK: u8 = 0xf0;
/// Operand and address size, segments, `repne`, `rep`.
const OTHER_PREFIXES: [u8; 10] = [0x66, 0x67, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0xf2, 0xf3];

/// What the instruction that these bytes begin with does; nothing else for most.
pub fn event(bytes: &[u8]) -> Option<Event> {
    let mut rest = bytes;
    loop {
        match rest {
            [LOCK, ..] => return Some(Event::Atomic),
            [prefix, after @ ..] if OTHER_PREFIXES.contains(prefix) => rest = after,
            _ => break,
        }
    }
    match *rest {
        [0x0f, 0x22, operand, ..] if register(operand) == 3 => Some(Event::Cr3),
        [0x0f, 0x01, operand, ..] if register(operand) == 7 && is_memory(operand) => {
            Some(Event::Invlpg)
        }
        [0xe4..=0xe7 | 0xec..=0xef | 0x6c..=0x6f, ..] => Some(Event::Port),
        [0x86 | 0x87, operand, ..] if is_memory(operand) => Some(Event::Atomic),
        _ => device_access(rest),
    }
}

const fn register(operand: u8) -> u8 {
    operand >> 3 & 7
}

const fn is_memory(operand: u8) -> bool {
    operand < 0xc0
}

/// An access to a device's register.
fn device_access(bytes: &[u8]) -> Option<Event> {
    let (&opcode, rest) = bytes.split_first()?;
    let address = match opcode {
        0xa0..=0xa3 => word(rest)?,
        _ if has_operand(opcode) => displacement(rest)?,
        _ => return None,
    };
    let writes = matches!(opcode, 0x88 | 0x89 | 0xa2 | 0xa3 | 0xc6 | 0xc7);
    let event = if writes {
        Event::DeviceWrite
    } else {
        Event::DeviceRead
    };
    (MMIOBASE..MMIOLIM).contains(&address).then_some(event)
}

/// Whether an operand of register or memory follows the opcode.
const fn has_operand(opcode: u8) -> bool {
    match opcode {
        0x00..=0x3f => opcode & 7 < 4,
        0x80..=0x8b | 0xc6 | 0xc7 | 0xf6 | 0xf7 | 0xfe | 0xff => true,
        _ => false,
    }
}

/// The 32 bits that are added to the registers of a memory operand.
fn displacement(bytes: &[u8]) -> Option<u32> {
    let (&operand, rest) = bytes.split_first()?;
    let base = operand & 7;
    // A scaled index has a byte of its own.
    let (base, rest) = match (is_memory(operand), base) {
        (true, 4) => (rest.first()? & 7, &rest[1..]),
        _ => (base, rest),
    };
    match operand >> 6 {
        0 if base == 5 => word(rest),
        2 => word(rest),
        _ => None,
    }
}

fn word(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().copied().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_known_by_their_bytes() {
        let cases: [(&[u8], Option<Event>); 18] = [
            (&[0x0f, 0x22, 0xd8], Some(Event::Cr3)),
            (&[0x0f, 0x22, 0xc0], None), // mov cr0, eax
            (&[0x0f, 0x20, 0xd8], None), // mov eax, cr3
            (&[0x0f, 0x01, 0x38], Some(Event::Invlpg)),
            (&[0x0f, 0x01, 0xf8], None), // swapgs, elsewhere
            (&[0xec], Some(Event::Port)),
            (&[0x66, 0xef], Some(Event::Port)),
            (&[0xf3, 0x6d], Some(Event::Port)),
            (&[0xf0, 0x0f, 0xb1, 0x0a], Some(Event::Atomic)),
            (&[0x86, 0x05, 0, 0, 0, 0], Some(Event::Atomic)),
            (&[0x87, 0xc1], None), // xchg eax, ecx
            (&[0xa1, 0xb0, 0, 0x80, 0xef], Some(Event::DeviceRead)), // mov eax, [0xef8000b0]
            (&[0x89, 0x0d, 0xb0, 0, 0x80, 0xef], Some(Event::DeviceWrite)),
            (
                &[0xc7, 0x05, 0xb0, 0, 0x80, 0xef, 0, 0, 0, 0],
                Some(Event::DeviceWrite),
            ),
            (&[0x8b, 0x80, 0, 0, 0x80, 0xef], Some(Event::DeviceRead)), // mov eax, [eax + …]
            (
                &[0x8b, 0x04, 0x85, 0, 0, 0x80, 0xef],
                Some(Event::DeviceRead),
            ),
            (&[0x89, 0x0d, 0, 0, 0, 0xf0], None),
            (&[], None),
        ];
        for (bytes, wanted) in cases {
            assert_eq!(event(bytes), wanted, "{bytes:02x?}");
        }
    }
}
