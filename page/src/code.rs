//! Instructions around a place.
//!
//! The hard thing are those before it: instructions have no mark where they begin. Of
//! all places a little earlier from which one comes out exactly here, the earliest is
//! taken; wrong beginnings soon fall in with the right ones.

use iced_x86::{Decoder, DecoderOptions, Formatter, GasFormatter, OpKind, Register};
use kcore::{CpuId, Pfn};
use pc::Pc;

/// How far back is looked, in bytes.
const BACK: u32 = 24;
/// Bytes that the instructions shown may take.
const FORWARD: u32 = 64;

/// The longest instruction, in bytes.
const LONGEST: u32 = 15;

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it is.
    pub at: u32,
    /// What it says, in AT&T's notation as the course's tools print it.
    pub text: String,
}

/// At most `before` instructions that end at `eip`, and `after` from there.
pub fn around(pc: &Pc<'_>, cr3: Pfn, eip: u32, before: usize, after: usize) -> Vec<Line> {
    let readable = |va: &u32| pc.byte(cr3, *va).is_some();
    let first = (eip.saturating_sub(BACK)..eip).rev().take_while(readable);
    let first = first.last().unwrap_or(eip);
    let bytes: Vec<u8> = (first..eip.saturating_add(FORWARD))
        .map_while(|va| pc.byte(cr3, va))
        .collect();
    let ahead = (first..eip).find_map(|start| {
        let lines = decode(
            &bytes[(start - first) as usize..(eip - first) as usize],
            start,
        );
        lines.filter(|lines| !lines.is_empty())
    });
    let mut lines = ahead.unwrap_or_default();
    lines.drain(..lines.len().saturating_sub(before));
    let here = bytes.get((eip - first) as usize..).unwrap_or_default();
    lines.extend(some(here, eip, after));
    lines
}

/// The address in the operand of the instruction that comes next on `cpu`, if it has one
/// in memory.
pub fn operand(pc: &Pc<'_>, cpu: CpuId) -> Option<u32> {
    let cr3 = pc.machine.cpu(cpu).cr3;
    let registers = pc.registers(cpu);
    let eip = registers.eip;
    let bytes: Vec<u8> = (eip..eip.saturating_add(LONGEST))
        .map_while(|va| pc.byte(cr3, va))
        .collect();
    let instruction = Decoder::with_ip(32, &bytes, eip.into(), DecoderOptions::NONE).decode();
    let mut kinds = (0..instruction.op_count()).map(|number| instruction.op_kind(number));
    let number = kinds.position(|kind| kind == OpKind::Memory)?;
    let value = |register: Register, _, _| {
        let number = (register as usize).checked_sub(Register::EAX as usize);
        // Segments begin at 0.
        let word = number.and_then(|number| registers.general.get(number));
        Some(word.copied().unwrap_or(0).into())
    };
    Some(instruction.virtual_address(number as u32, 0, value)? as u32)
}

/// The instructions that these bytes are, if they come out exactly at their end.
fn decode(bytes: &[u8], at: u32) -> Option<Vec<Line>> {
    let lines = some(bytes, at, bytes.len());
    let whole = lines.iter().all(|line| line.text != "(bad)");
    whole.then_some(lines)
}

fn some(bytes: &[u8], at: u32, most: usize) -> Vec<Line> {
    let mut formatter = GasFormatter::new();
    let options = formatter.options_mut();
    options.set_space_after_operand_separator(true);
    options.set_uppercase_hex(false);
    let decoder = Decoder::with_ip(32, bytes, at.into(), DecoderOptions::NONE);
    let line = |instruction: iced_x86::Instruction| {
        let mut text = String::new();
        formatter.format(&instruction, &mut text);
        if instruction.is_invalid() {
            text = "(bad)".into();
        }
        let at = instruction.ip32();
        Line { at, text }
    };
    decoder.into_iter().map(line).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_named_and_cut_ones_are_not() {
        let code = [0x89, 0xe5, 0xb8, 1, 0, 0, 0, 0xcd, 0x30];
        let lines = decode(&code, 0x80_0020).expect("whole");
        let texts: Vec<&str> = lines.iter().map(|line| &*line.text).collect();
        assert_eq!(texts, ["mov %esp, %ebp", "mov $1, %eax", "int $0x30"]);
        assert_eq!(lines[2].at, 0x80_0027);
        assert_eq!(decode(&code[..8], 0), None);
    }
}
