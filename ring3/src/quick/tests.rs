//! A short way and the unit's do the same.
//!
//! Each instruction is executed both ways from many states. The hard thing is to leave no
//! way out: one that no instruction here takes fails the test.

use super::*;
use crate::decode::decode;
use crate::flat::{Flat, processor};
use crate::float::Fpu;
use crate::{Cache, Registers, Segment};
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;

/// The first page that exists, with the code in it; data is in the next.
const CODE: u32 = 0x1000;
const DATA: u32 = 0x2000;
/// The first page that does not exist.
const END: u32 = 0x3000;

/// Instructions that take a short way.
const SHORT: &[&[u8]] = &[
    // mov: ecx, eax; esp, ebx; edi, 0x12345678; edx, [ecx]; [ecx+4], edx; dword [ecx], 7
    &[0x89, 0xc1],
    &[0x8b, 0xe3],
    &[0xbf, 0x78, 0x56, 0x34, 0x12],
    &[0x8b, 0x11],
    &[0x89, 0x51, 0x04],
    &[0xc7, 0x01, 0x07, 0, 0, 0],
    // mov [ecx], dh; movzx eax, byte [ecx+edx*2]; lea eax, [ecx+edx*4-1]; mov eax, [0x2004]
    &[0x88, 0x31],
    &[0x0f, 0xb6, 0x04, 0x51],
    &[0x8d, 0x44, 0x91, 0xff],
    &[0xa1, 0x04, 0x20, 0, 0],
    // add, or, and, sub, xor, cmp, test of two registers; of one with itself
    &[0x01, 0xd0],
    &[0x0b, 0xc2],
    &[0x21, 0xd0],
    &[0x29, 0xd0],
    &[0x31, 0xd0],
    &[0x39, 0xd0],
    &[0x85, 0xd0],
    &[0x31, 0xc0],
    // add eax, imm; cmp ecx, -1; test esi, imm; inc edi; dec ebx
    &[0x05, 0xff, 0xff, 0xff, 0x7f],
    &[0x83, 0xf9, 0xff],
    &[0xf7, 0xc6, 0, 0, 0, 0x80],
    &[0x47],
    &[0x4b],
    // sub eax, [ecx]; cmp eax, [ecx]; cmp [ecx], eax; test [ecx], edx; cmp dword [ecx], 0
    &[0x2b, 0x01],
    &[0x3b, 0x01],
    &[0x39, 0x01],
    &[0x85, 0x11],
    &[0x83, 0x39, 0x00],
    // xor [ecx], eax; add dword [ecx], 1; inc dword [ecx]; dec dword [ecx+edx*1]
    &[0x31, 0x01],
    &[0x83, 0x01, 0x01],
    &[0xff, 0x01],
    &[0xff, 0x0c, 0x11],
    // cmp al, dh; test ah, ah; cmp bl, 0x80; test cl, 1; cmp byte [ecx], 0x7f
    &[0x38, 0xf0],
    &[0x84, 0xe4],
    &[0x80, 0xfb, 0x80],
    &[0xf6, 0xc1, 0x01],
    &[0x80, 0x39, 0x7f],
    // shl eax, 1 (imm8); shr ecx, 31; sar edx, 5
    &[0xc1, 0xe0, 0x01],
    &[0xc1, 0xe9, 0x1f],
    &[0xc1, 0xfa, 0x05],
    // push ebx; push esp; push 5; push dword [ecx]; pop edx; pop esp
    &[0x53],
    &[0x54],
    &[0x6a, 0x05],
    &[0xff, 0x31],
    &[0x5a],
    &[0x5c],
    // jmp, call, ret
    &[0xeb, 0x10],
    &[0xe9, 0, 0, 0, 0x80],
    &[0xe8, 0x20, 0, 0, 0],
    &[0xc3],
];

/// The bytes of a jump on each condition.
fn jumps() -> impl Iterator<Item = Vec<u8>> {
    (0x70..0x80).map(|opcode| vec![opcode, 0x08])
}

/// Instructions that look like those, and take the general way.
const GENERAL: &[&[u8]] = &[
    // lock inc dword [ecx]; mov ax, bx; add ax, [ecx]; jmp of 16 bits
    &[0xf0, 0xff, 0x01],
    &[0x66, 0x89, 0xd8],
    &[0x66, 0x03, 0x01],
    &[0x66, 0xe9, 0x10, 0x00],
    // shl eax, 0; shl eax, 32; push ds; mov eax, ds; mov eax, cr0; ret 4
    &[0xc1, 0xe0, 0x00],
    &[0xc1, 0xe0, 0x20],
    &[0x1e],
    &[0x8c, 0xd8],
    &[0x0f, 0x20, 0xc0],
    &[0xc2, 0x04, 0x00],
];

/// Values that registers have in turn: numbers with carries, addresses of data, at its
/// ends and outside.
const VALUES: [u32; 13] = [
    0,
    1,
    0x80,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    DATA,
    DATA + 0x123,
    DATA - 2,
    END - 4,
    END - 2,
    END,
    0x9abc_def0,
];

/// What is left of an execution.
#[derive(Debug, PartialEq)]
struct Left {
    trap: Option<Trap>,
    registers: Registers,
    memory: Vec<u8>,
}

fn start(general: [u32; 8], flags: u32, eip: u32, null: Option<Segment>) -> Processor {
    let mut processor = processor(general, flags, Fpu::default());
    processor.registers.eip = eip;
    if let Some(segment) = null {
        processor.registers.selectors[segment as usize] = 0;
    }
    processor
}

/// The states that an instruction is executed from.
fn states(eip: u32) -> Vec<Processor> {
    let mut states = Vec::new();
    for first in 0..VALUES.len() {
        for stride in [1, 3, 5] {
            let general =
                core::array::from_fn(|number| VALUES[(first + number * stride) % VALUES.len()]);
            for flags in [0, 0x8d5] {
                states.push(start(general, flags, eip, None));
            }
            states.push(start(general, 0, eip, Some(Segment::Ds)));
        }
    }
    states
}

/// Executes one instruction.
fn execute(
    mut processor: Processor,
    memory: &[u8],
    step: impl FnOnce(&mut Processor, &mut Flat<'_>) -> Option<Trap>,
) -> Left {
    let mut memory = memory.to_vec();
    let mut flat = Flat {
        memory: &mut memory,
        base: CODE,
    };
    let trap = step(&mut processor, &mut flat);
    Left {
        trap,
        registers: processor.registers,
        memory,
    }
}

/// Compares both ways, and counts the executions.
fn compare(code: &[&[u8]]) -> usize {
    let mut memory: Vec<u8> = (0..END - CODE).map(|at| (at * 37) as u8).collect();
    let mut cache = Cache::default();
    let mut count = 0;
    for (index, bytes) in code.iter().enumerate() {
        // Each has a place of its own, so that nothing is decoded that was there before.
        let at = index * 16;
        memory[at..at + bytes.len()].copy_from_slice(bytes);
        let writes = decode(bytes).is_some_and(|operation| operation.writes);
        for state in states(CODE + at as u32) {
            let short = execute(state.clone(), &memory, |processor, flat| {
                processor.run(&mut cache, flat, 1).1
            });
            let general = execute(state.clone(), &memory, |processor, flat| {
                processor.step(flat).err()
            });
            assert_eq!(short, general, "{bytes:02x?} from {:x?}", state.registers);
            // Otherwise code that it changes would be executed as it was.
            assert!(short.memory == memory || writes, "{bytes:02x?} writes");
            count += 1;
        }
    }
    count
}

fn way(bytes: &[u8]) -> Way {
    decode(bytes).expect("a whole instruction").way
}

#[test]
fn short_ways_do_what_the_units_do() {
    let jumps: Vec<Vec<u8>> = jumps().collect();
    let all: Vec<&[u8]> = SHORT
        .iter()
        .copied()
        .chain(jumps.iter().map(Vec::as_slice))
        .collect();
    let general = all.iter().find(|bytes| way(bytes) == Way::General);
    assert_eq!(general, None, "takes the general way");
    assert_eq!(compare(&all), all.len() * 117);
}

#[test]
fn what_has_no_short_way_takes_none() {
    for bytes in GENERAL {
        assert_eq!(way(bytes), Way::General, "{bytes:02x?}");
    }
    compare(GENERAL);
}

/// How many kinds of short ways there are.
const KINDS: usize = 27;

/// The kind of a short way, as a number below [`KINDS`]. A new one does not compile before
/// it has a number, and then some instruction above must take it.
fn kind(way: Way) -> Option<usize> {
    Some(match way {
        Way::General => return None,
        Way::Copy(..) => 0,
        Way::Set(_) => 1,
        Way::Load(_) => 2,
        Way::LoadByte(_) => 3,
        Way::Store(_) => 4,
        Way::StoreImmediate => 5,
        Way::StoreByte(_) => 6,
        Way::Address(_) => 7,
        Way::Compute(..) => 8,
        Way::ComputeImmediate(..) => 9,
        Way::ComputeLoad(..) => 10,
        Way::Examine(..) => 11,
        Way::ExamineImmediate(_) => 12,
        Way::Modify(..) => 13,
        Way::ModifyImmediate(_) => 14,
        Way::ExamineByte(..) => 15,
        Way::ExamineByteImmediate(..) => 16,
        Way::ExamineByteAt(_) => 17,
        Way::Shift(..) => 18,
        Way::JumpIf => 19,
        Way::Jump => 20,
        Way::Call => 21,
        Way::Return => 22,
        Way::Push(_) => 23,
        Way::PushImmediate => 24,
        Way::PushLoad => 25,
        Way::Pop(_) => 26,
    })
}

#[test]
fn every_way_is_tried() {
    let jumps: Vec<Vec<u8>> = jumps().collect();
    let all = SHORT.iter().copied().chain(jumps.iter().map(Vec::as_slice));
    let tried: BTreeSet<usize> = all.filter_map(|bytes| kind(way(bytes))).collect();
    assert_eq!(tried, (0..KINDS).collect());
}
