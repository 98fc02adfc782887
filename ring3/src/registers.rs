//! The registers of one processor that a program sees, x87 and SSE apart.
//!
//! The hard thing are the byte registers: numbers 4 to 7 are the second bytes of
//! registers 0 to 3.

use crate::flags::Flags;

/// Number of a general register, as instructions encode it.
pub mod number {
    /// eax.
    pub const EAX: u8 = 0;
    /// ecx.
    pub const ECX: u8 = 1;
    /// edx.
    pub const EDX: u8 = 2;
    /// ebx.
    pub const EBX: u8 = 3;
    /// esp.
    pub const ESP: u8 = 4;
    /// ebp.
    pub const EBP: u8 = 5;
    /// esi.
    pub const ESI: u8 = 6;
    /// edi.
    pub const EDI: u8 = 7;
}

/// Segment registers, as instructions encode them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Segment {
    /// es.
    Es,
    /// cs.
    Cs,
    /// ss.
    Ss,
    /// ds.
    Ds,
    /// fs.
    Fs,
    /// gs.
    Gs,
}

/// General registers, eip, flags and selectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// General registers, by [`number`].
    pub general: [u32; 8],
    /// The next instruction.
    pub eip: u32,
    /// EFLAGS.
    pub flags: Flags,
    /// Selectors, by [`Segment`].
    pub selectors: [u16; 6],
}

impl Registers {
    /// A word register.
    #[inline(always)]
    pub const fn get(&self, number: u8) -> u32 {
        self.general[number as usize & 7]
    }

    /// Sets a word register.
    #[inline(always)]
    pub const fn set(&mut self, number: u8, value: u32) {
        self.general[number as usize & 7] = value;
    }

    /// A register of `WIDTH` bits.
    #[inline(always)]
    pub const fn get_part<const WIDTH: u32>(&self, number: u8) -> u32 {
        match WIDTH {
            8 => self.get(number & 3) >> ((number & 4) * 2) & 0xff,
            16 => self.get(number) & 0xffff,
            _ => self.get(number),
        }
    }

    /// Sets a register of `WIDTH` bits; the rest of it stays.
    #[inline(always)]
    pub const fn set_part<const WIDTH: u32>(&mut self, number: u8, value: u32) {
        match WIDTH {
            8 => {
                let shift = (number & 4) * 2;
                let whole = self.get(number & 3);
                self.set(
                    number & 3,
                    whole & !(0xff << shift) | (value & 0xff) << shift,
                );
            }
            16 => self.set(number, self.get(number) & 0xffff_0000 | value & 0xffff),
            _ => self.set(number, value),
        }
    }

    /// A selector.
    #[inline(always)]
    pub const fn selector(&self, segment: Segment) -> u16 {
        self.selectors[segment as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_registers_are_the_low_two_bytes() {
        let mut registers = Registers {
            general: [0x1122_3344, 0, 0, 0, 0x5566_7788, 0, 0, 0],
            eip: 0,
            flags: Flags::default(),
            selectors: [0; 6],
        };
        assert_eq!(registers.get_part::<8>(0), 0x44);
        assert_eq!(registers.get_part::<8>(4), 0x33);
        registers.set_part::<8>(4, 0xaa);
        registers.set_part::<16>(number::ESP, 0xbbbb);
        assert_eq!(registers.get(0), 0x1122_aa44);
        assert_eq!(registers.get(4), 0x5566_bbbb);
    }
}
