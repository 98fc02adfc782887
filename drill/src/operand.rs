//! Operands in registers and in memory, in every form of an address.
//!
//! The hard thing is to hit the arena with all of them: the form is drawn first, and
//! then a base register or the displacement is set so that the sum is right.

use crate::case::{Case, register};
use crate::layout::{ARENA, ARENA_SIZE, MIDDLE};

/// Prefixes of segments that a program can write.
const SEGMENTS: [u8; 5] = [0x26, 0x36, 0x3e, 0x64, 0x65];
/// Base and index of the 16-bit forms; there is not always an index.
const SHORT_FORMS: [(u8, Option<u8>); 8] = {
    use register::{EBP, EBX, EDI, ESI};
    [
        (EBX, Some(ESI)),
        (EBX, Some(EDI)),
        (EBP, Some(ESI)),
        (EBP, Some(EDI)),
        (ESI, None),
        (EDI, None),
        (EBP, None),
        (EBX, None),
    ]
};
/// The farthest that any operand at [`Case::target`] reaches.
const MARGIN: u32 = 64;

/// Where an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    Register(u8),
    Memory(u32),
}

/// A ModR/M operand with its prefixes; the register field is empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rm {
    pub(crate) place: Where,
    prefixes: [u8; 2],
    prefix_count: usize,
    mod_rm: u8,
    rest: [u8; 5],
    rest_count: usize,
}

impl Rm {
    pub(crate) fn of_register(number: u8) -> Rm {
        Rm::new(Where::Register(number), 0xc0 | number)
    }

    fn new(place: Where, mod_rm: u8) -> Rm {
        Rm {
            place,
            prefixes: [0; 2],
            prefix_count: 0,
            mod_rm,
            rest: [0; 5],
            rest_count: 0,
        }
    }

    fn prefix(&mut self, prefix: u8) {
        self.prefixes[self.prefix_count] = prefix;
        self.prefix_count += 1;
    }

    fn add(&mut self, value: u32, size: usize) {
        let bytes = &value.to_le_bytes()[..size];
        self.rest[self.rest_count..][..size].copy_from_slice(bytes);
        self.rest_count += size;
    }

    /// Whether it is in memory.
    pub(crate) fn is_memory(&self) -> bool {
        matches!(self.place, Where::Memory(_))
    }
}

/// A form of an address of 32 bits.
struct Form {
    /// The mode of the ModR/M byte.
    mode: u8,
    /// Its low field.
    number: u8,
    sib: Option<u8>,
    base: Option<u8>,
    index: Option<u8>,
    scale: u8,
}

/// A set of word registers.
pub(crate) const fn set(registers: &[u8]) -> u8 {
    let mut set = 0;
    let mut index = 0;
    while index < registers.len() {
        set |= 1 << registers[index];
        index += 1;
    }
    set
}

impl Case {
    /// An address of an operand, with room on both sides.
    pub(crate) fn target(&mut self) -> u32 {
        if self.random.once_in(8) {
            // Many operands there lie in two pages.
            return MIDDLE - 4 + self.random.below(8);
        }
        ARENA + MARGIN + self.random.below(ARENA_SIZE as u32 - 2 * MARGIN)
    }

    /// An operand of this width in a register or in memory.
    pub(crate) fn rm(&mut self, width: u32) -> Rm {
        self.rm_without(width, 0)
    }

    /// The same, using none of the word registers in the set `avoid`.
    pub(crate) fn rm_without(&mut self, width: u32, avoid: u8) -> Rm {
        if self.random.once_in(2) {
            return self.memory(avoid);
        }
        loop {
            let number = self.register(width);
            let whole = if width == 8 { number & 3 } else { number };
            if avoid >> whole & 1 == 0 {
                return Rm::of_register(number);
            }
        }
    }

    /// An operand in memory.
    pub(crate) fn memory(&mut self, avoid: u8) -> Rm {
        let target = self.target();
        self.memory_at(target, avoid)
    }

    /// An operand in memory at this address.
    pub(crate) fn memory_at(&mut self, target: u32, avoid: u8) -> Rm {
        let mut rm = if self.sequence {
            let mut rm = Rm::new(Where::Memory(target), 5);
            rm.add(target, 4);
            rm
        } else if self.random.once_in(5) {
            self.short_address(target, avoid)
        } else {
            self.address(target, avoid)
        };
        if self.random.once_in(8) {
            let segment = self.random.one_of(&SEGMENTS);
            rm.prefix(segment);
        }
        rm
    }

    fn address(&mut self, target: u32, avoid: u8) -> Rm {
        let Form {
            mut mode,
            number,
            sib,
            base,
            index,
            scale,
        } = self.form(avoid);
        let indexed = index.map_or(0, |index| self.get(index) << scale);
        let turns_base = base.is_some() && base != index;
        if base.is_some() && !turns_base {
            mode = 2;
        }
        let mut displacement = self.displacement(mode);
        let from_displacement = target.wrapping_sub(indexed);
        match base {
            Some(base) if turns_base => {
                self.set(base, from_displacement.wrapping_sub(displacement));
            }
            Some(base) => displacement = from_displacement.wrapping_sub(self.get(base)),
            None => displacement = from_displacement,
        }
        let mut rm = Rm::new(Where::Memory(target), mode << 6 | number);
        if let Some(sib) = sib {
            rm.add(sib.into(), 1);
        }
        match mode {
            1 => rm.add(displacement, 1),
            0 if base.is_some() => {}
            _ => rm.add(displacement, 4),
        }
        rm
    }

    /// A form of an address that uses no register to avoid.
    fn form(&mut self, avoid: u8) -> Form {
        loop {
            let mode = self.random.below(3) as u8;
            let number = self.random.below(8) as u8;
            let sib = (number == register::ESP).then(|| self.random.uniform() as u8);
            let (base, index) = match sib {
                Some(sib) => (sib & 7, Some(sib >> 3 & 7)),
                None => (number, None),
            };
            // Without a base there is a displacement of 32 bits in any case.
            let has_base = mode != 0 || base != register::EBP;
            let form = Form {
                mode: if has_base { mode } else { 0 },
                number,
                sib,
                base: has_base.then_some(base),
                index: index.filter(|&index| index != register::ESP),
                scale: sib.map_or(0, |sib| sib >> 6),
            };
            let used = [form.base, form.index];
            if used.iter().flatten().all(|number| avoid >> number & 1 == 0) {
                return form;
            }
        }
    }

    fn displacement(&mut self, mode: u8) -> u32 {
        match mode {
            0 => 0,
            1 => i32::from(self.random.word() as i8).cast_unsigned(),
            _ => self.random.word(),
        }
    }

    fn short_address(&mut self, target: u32, avoid: u8) -> Rm {
        let mode = self.random.below(3) as u8;
        let (number, base, index) = loop {
            let number = self.random.below(8) as u8;
            let (base, index) = SHORT_FORMS[number as usize];
            let used = set(&[base, index.unwrap_or(base)]);
            if avoid & used == 0 {
                break (number, base, index);
            }
        };
        let alone = mode == 0 && number == 6;
        let indexed = index.map_or(0, |index| self.get(index));
        let mut displacement = self.displacement(mode);
        if alone {
            displacement = target;
        } else {
            self.set_low(
                base,
                target.wrapping_sub(indexed).wrapping_sub(displacement),
            );
        }
        let mut rm = Rm::new(Where::Memory(target), mode << 6 | number);
        rm.prefix(0x67);
        match mode {
            1 => rm.add(displacement, 1),
            0 if !alone => {}
            _ => rm.add(displacement, 2),
        }
        rm
    }

    /// The prefix for operands of 16 bits.
    pub(crate) fn width_prefix(&mut self, width: u32) {
        if width == 16 {
            self.code.add(&[0x66]);
        }
    }

    /// An instruction with a ModR/M operand: prefixes, opcode, operand.
    pub(crate) fn instruction(&mut self, width: u32, opcode: &[u8], field: u8, rm: &Rm) {
        self.code.add(&rm.prefixes[..rm.prefix_count]);
        self.width_prefix(width);
        self.code.add(opcode);
        self.code.add(&[rm.mod_rm | field << 3]);
        self.code.add(&rm.rest[..rm.rest_count]);
    }

    /// An instruction of two forms, the first for bytes.
    pub(crate) fn sized(&mut self, width: u32, opcode: u8, field: u8, rm: &Rm) {
        self.instruction(width, &[opcode | u8::from(width != 8)], field, rm);
    }

    /// What is in an operand at the start.
    pub(crate) fn operand(&self, width: u32, place: Where) -> u32 {
        match place {
            Where::Memory(va) => self.peek(va, width / 8),
            Where::Register(number) if width == 8 => {
                self.get(number & 3) >> (8 * (number >> 2)) & 0xff
            }
            Where::Register(number) => self.get(number) & (u32::MAX >> (32 - width)),
        }
    }

    /// Sets it.
    pub(crate) fn set_operand(&mut self, width: u32, place: Where, value: u32) {
        match place {
            Where::Memory(va) => self.poke(va, value, width / 8),
            Where::Register(number) if width == 8 => {
                let shift = 8 * (number >> 2);
                let rest = self.get(number & 3) & !(0xff << shift);
                self.set(number & 3, rest | (value & 0xff) << shift);
            }
            Where::Register(number) if width == 16 => self.set_low(number, value),
            Where::Register(number) => self.set(number, value),
        }
    }
}
