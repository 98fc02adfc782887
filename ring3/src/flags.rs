//! The flags, as the places that they are read from.
//!
//! Most flags that an instruction sets are overwritten unread. So a result is kept,
//! and each flag is worked out when it is asked for. The hard thing is the carries:
//! one word holds the carry out of every bit, turned so that that of the operand's
//! top bit is bit 31; overflow is then whether the top two differ, adjust what came
//! out of bit 3 (Intel SDM volume 1, 3.4.3.1).
//!
//! Flags that the manual leaves undefined are what QEMU makes of them where that is
//! one rule, else unchanged; each instruction says so where it sets them.

/// Carry.
pub const CF: u32 = 1;
/// Parity of the low byte.
pub const PF: u32 = 1 << 2;
/// Carry out of bit 3.
pub const AF: u32 = 1 << 4;
/// Zero.
pub const ZF: u32 = 1 << 6;
/// Sign.
pub const SF: u32 = 1 << 7;
/// Trap after the next instruction.
pub const TF: u32 = 1 << 8;
/// Interrupts on.
pub const IF: u32 = 1 << 9;
/// String instructions go down.
pub const DF: u32 = 1 << 10;
/// Overflow.
pub const OF: u32 = 1 << 11;
/// I/O privilege level, two bits.
pub const IOPL: u32 = 3 << 12;
/// Nested task.
pub const NT: u32 = 1 << 14;
/// Resume.
pub const RF: u32 = 1 << 16;
/// Alignment check. Kept, without effect.
pub const AC: u32 = 1 << 18;
/// `cpuid` exists if this can be changed.
pub const ID: u32 = 1 << 21;
/// The bit that is always one.
pub const ONE: u32 = 1 << 1;
/// The six flags that arithmetic sets.
pub const ARITHMETIC: u32 = CF | PF | AF | ZF | SF | OF;

/// EFLAGS.
#[derive(Clone, Copy, Debug)]
pub struct Flags {
    /// ZF is whether this is 0.
    zero: u32,
    /// SF is its bit 31.
    sign: u32,
    /// PF is whether its low byte has an even number of ones.
    parity: u32,
    /// CF is bit 31, OF whether bits 31 and 30 differ.
    carry: u32,
    /// AF is bit 3.
    adjust: u32,
    /// All others.
    rest: u32,
}

impl Default for Flags {
    fn default() -> Flags {
        Flags::from_bits(IF)
    }
}

impl PartialEq for Flags {
    fn eq(&self, other: &Flags) -> bool {
        self.bits() == other.bits()
    }
}

impl Eq for Flags {}

impl Flags {
    /// The flags of an EFLAGS word.
    pub const fn from_bits(bits: u32) -> Flags {
        let carry = bits & CF;
        let overflow = bits >> 11 & 1;
        Flags {
            zero: !bits & ZF,
            sign: bits << 24,
            parity: (bits & PF == 0) as u32,
            carry: carry << 31 | (carry ^ overflow) << 30,
            adjust: bits >> 1,
            rest: bits & !ARITHMETIC | ONE,
        }
    }

    /// EFLAGS as a word.
    pub const fn bits(&self) -> u32 {
        self.rest
            | self.carry() as u32
            | (self.parity() as u32) << 2
            | (self.adjust >> 3 & 1) << 4
            | (self.zero() as u32) << 6
            | (self.sign() as u32) << 7
            | (self.overflow() as u32) << 11
    }

    /// CF.
    #[inline(always)]
    pub const fn carry(&self) -> bool {
        self.carry >> 31 != 0
    }

    /// PF.
    #[inline(always)]
    pub const fn parity(&self) -> bool {
        (self.parity & 0xff).count_ones() & 1 == 0
    }

    /// AF.
    #[inline(always)]
    pub const fn adjust(&self) -> bool {
        self.adjust & 8 != 0
    }

    /// ZF.
    #[inline(always)]
    pub const fn zero(&self) -> bool {
        self.zero == 0
    }

    /// SF.
    #[inline(always)]
    pub const fn sign(&self) -> bool {
        self.sign >> 31 != 0
    }

    /// OF.
    #[inline(always)]
    pub const fn overflow(&self) -> bool {
        (self.carry ^ self.carry << 1) >> 31 != 0
    }

    /// Whether any of `bits`, which arithmetic does not set, is set.
    #[inline(always)]
    pub const fn has(&self, bits: u32) -> bool {
        self.rest & bits != 0
    }

    /// Sets or clears bits that arithmetic does not set.
    pub const fn put(&mut self, bits: u32, on: bool) {
        if on {
            self.rest |= bits;
        } else {
            self.rest &= !bits;
        }
    }

    /// Replaces the bits of EFLAGS that are in `mask`.
    pub const fn replace(&mut self, bits: u32, mask: u32) {
        *self = Flags::from_bits(self.bits() & !mask | bits & mask);
    }

    /// Zero, sign and parity of a result of `WIDTH` bits, whose upper bits are 0.
    #[inline(always)]
    pub const fn set_result<const WIDTH: u32>(&mut self, result: u32) {
        self.zero = result;
        self.sign = result << (32 - WIDTH);
        self.parity = result;
    }

    /// Carries out of every bit of an operand of `WIDTH` bits: carry, overflow and
    /// adjust.
    #[inline(always)]
    pub const fn set_carries<const WIDTH: u32>(&mut self, carries: u32) {
        self.carry = carries << (32 - WIDTH);
        self.adjust = carries;
    }

    /// As [`Flags::set_carries`], with CF as it was.
    #[inline(always)]
    pub const fn set_carries_but_carry<const WIDTH: u32>(&mut self, carries: u32) {
        let kept = self.carry() as u32;
        let turned = carries << (32 - WIDTH);
        let overflow = (turned ^ turned << 1) >> 31;
        self.carry = kept << 31 | (kept ^ overflow) << 30;
        self.adjust = carries;
    }

    /// CF and OF; AF is as it was.
    #[inline(always)]
    pub const fn set_carry_and_overflow(&mut self, carry: bool, overflow: bool) {
        let carry = carry as u32;
        self.carry = carry << 31 | (carry ^ overflow as u32) << 30;
    }

    /// CF, with OF as it was.
    #[inline(always)]
    pub const fn set_carry(&mut self, carry: bool) {
        self.set_carry_and_overflow(carry, self.overflow());
    }

    /// ZF alone.
    #[inline(always)]
    pub const fn set_zero(&mut self, zero: bool) {
        self.zero = !zero as u32;
    }

    /// AF alone.
    #[inline(always)]
    pub const fn set_adjust(&mut self, adjust: bool) {
        self.adjust = (adjust as u32) << 3;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_survives() {
        for bits in 0..1 << 12 {
            let word = bits | ONE;
            assert_eq!(Flags::from_bits(bits).bits(), word, "{bits:#x}");
        }
    }

    #[test]
    fn carries_of_an_addition() {
        let mut flags = Flags::default();
        // 0x7f + 1: overflow and adjust, no carry.
        flags.set_result::<8>(0x80);
        flags.set_carries::<8>(0x7f);
        assert_eq!(flags.bits() & ARITHMETIC, OF | SF | AF);
        flags.set_carry(true);
        assert_eq!(flags.bits() & ARITHMETIC, CF | OF | SF | AF);
    }
}
