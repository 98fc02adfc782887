//! The x87 and SSE registers, all at once.
//!
//! The hard thing is that they are the compiler's too. But our target has no
//! SSE, and a program without a floating-point number has no use for x87
//! either; so between two functions of this module they stay as they are. Such
//! a program says once that it is one, and has a [`Unit`] for it. Source: Intel
//! SDM volume 1, sections 8.1 and 10.5.
//!
//! A processor without FXSAVE has only the x87 registers, and stores them in
//! another shape; they are brought into that of FXSAVE.

use core::arch::asm;
use core::arch::x86::__cpuid;

/// CPUID.1:EDX: FXSAVE, and SSE. The kernel uses both or neither.
const FXSR_AND_SSE: u32 = 1 << 24 | 1 << 25;

/// Whether there are SSE registers, and FXSAVE.
pub fn has_sse() -> bool {
    __cpuid(1).edx & FXSR_AND_SSE == FXSR_AND_SSE
}

/// What FNSAVE stores: control, status and tags, four words of pointers, and
/// eight registers of ten bytes.
struct X87([u32; 27]);

/// Words of the pointers to the last instruction and its operand.
const POINTERS: core::ops::Range<usize> = 3..7;
/// Words before the first register.
const REGISTERS: usize = 7;

impl X87 {
    /// Takes the processor's, and resets the unit.
    fn take() -> X87 {
        let mut image = X87([0; 27]);
        // SAFETY: 108 writeable bytes.
        unsafe { asm!("fnsave [{}]", in(reg) &raw mut image, options(nostack, preserves_flags)) };
        image
    }

    /// Makes them the processor's.
    fn load(&self) {
        // SAFETY: 108 bytes; the compiler has nothing in these registers.
        unsafe { asm!("frstor [{}]", in(reg) self, options(nostack, readonly, preserves_flags)) };
    }

    /// The byte of the registers with this index.
    fn byte(&self, index: usize) -> u32 {
        self.0[REGISTERS + index / 4] >> (index % 4 * 8) & 0xff
    }

    /// In the shape of FXSAVE, without pointers.
    fn as_registers(&self) -> Registers {
        let mut registers = Registers::RESET;
        let words = &mut registers.0;
        words[0] = self.0[0] & 0xffff | self.0[1] << 16;
        // Two bits a register become one: 3 is empty.
        let used = |register: u32| u32::from(self.0[2] >> (2 * register) & 3 != 3);
        words[1] = (0..8).map(|register| used(register) << register).sum();
        for index in 0..80 {
            let (register, place) = (index / 10, index % 10);
            words[X87_REGISTERS + 4 * register + place / 4] |= self.byte(index) << (place % 4 * 8);
        }
        registers
    }

    /// From the shape of FXSAVE.
    fn of_registers(registers: &Registers) -> X87 {
        let words = &registers.0;
        let mut image = X87([0; 27]);
        image.0[0] = words[0] & 0xffff;
        image.0[1] = words[0] >> 16;
        let tag = |register: u32| (3 * (!words[1] >> register & 1)) << (2 * register);
        image.0[2] = (0..8).map(tag).sum();
        for index in 0..80 {
            let (register, place) = (index / 10, index % 10);
            let word = words[X87_REGISTERS + 4 * register + place / 4];
            let byte = word >> (place % 4 * 8) & 0xff;
            image.0[REGISTERS + index / 4] |= byte << (index % 4 * 8);
        }
        image
    }
}

/// The registers of a program whose compiler has no use for them.
#[derive(Clone, Copy)]
pub struct Unit(());

impl Unit {
    /// Takes them over from the compiler, for good.
    ///
    /// # Safety
    /// This program works with no floating-point numbers and no 64-bit atomics,
    /// which the compiler moves through the x87 registers.
    pub unsafe fn take_over() -> Unit {
        Unit(())
    }

    /// Fills the x87 registers, with an instruction that has an operand in memory
    /// last.
    pub fn leave_a_product(self) {
        // 1.5 and pi.
        let factors = [0x3ff8_0000_0000_0000, 0x4009_21fb_5444_2d18];
        let factors: [u64; 2] = core::hint::black_box(factors);
        // SAFETY: changes x87 registers only, which are ours; reads two words of
        // eight bytes.
        unsafe {
            asm!(
                "fninit",
                "fldpi", "fldpi", "fldpi", "fldpi", "fldpi", "fldpi", "fldpi",
                "fld qword ptr [{0}]",
                "fmul qword ptr [{0} + 8]",
                in(reg) &raw const factors,
                options(nostack, readonly, preserves_flags),
            );
        }
    }

    /// Whether nothing is in the unit, its pointers included. Ask before anything
    /// else.
    pub fn is_clean(self) -> bool {
        let image = X87::take();
        // The upper half of the last word is reserved; processors store ones there.
        let mut pointers = [0; 4];
        pointers.copy_from_slice(&image.0[POINTERS]);
        pointers[3] &= 0xffff;
        pointers == [0; 4] && image.0[REGISTERS..].iter().all(|&word| word == 0)
    }

    /// Makes these the processor's.
    pub fn load(self, registers: &Registers) {
        if !has_sse() {
            return X87::of_registers(registers).load();
        }
        // SAFETY: 512 aligned bytes, in which no reserved bit is set. The
        // compiler has nothing in these registers, as `take_over` says.
        unsafe {
            asm!("fxrstor [{}]", in(reg) registers, options(nostack, readonly, preserves_flags));
        }
    }

    /// The processor's. Where the last instruction was is left out: not every
    /// processor keeps that.
    pub fn store(self) -> Registers {
        if !has_sse() {
            let image = X87::take();
            image.load();
            return image.as_registers();
        }
        let mut registers = Registers([0; 128]);
        // SAFETY: 512 aligned writeable bytes.
        unsafe {
            asm!("fxsave [{}]", in(reg) &raw mut registers, options(nostack, preserves_flags));
        }
        let words = &mut registers.0;
        // The last opcode, and the pointers.
        words[1] &= 0xffff;
        words[2..MXCSR].fill(0);
        // The mask of MXCSR's valid bits, and what no register has.
        words[MXCSR + 1] = 0;
        words[END..].fill(0);
        registers
    }

    /// Leaves a division by zero pending: the next x87 instruction that waits
    /// raises it.
    pub fn leave_exception_pending(self) {
        // SAFETY: changes x87 registers only, which are ours. The control word
        // leaves nothing but division by zero unmasked.
        unsafe {
            asm!(
                "fninit",
                "push 0x37b",
                "fldcw [esp]",
                "add esp, 4",
                "fld1",
                "fldz",
                "fdivp",
            );
        }
    }

    /// Takes whatever exception is pending.
    pub fn wait(self) {
        // SAFETY: an exception ends the environment.
        unsafe { asm!("fwait", options(nomem, nostack, preserves_flags)) };
    }
}

/// The registers as FXSAVE stores them.
#[repr(C, align(16))]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Registers([u32; 128]);

/// Word of the image in which MXCSR is.
const MXCSR: usize = 6;
/// Words of the first x87 register; each has four, of which two and a half are
/// its own.
const X87_REGISTERS: usize = 8;
/// Word of the first SSE register.
const SSE: usize = 40;
/// One past the last.
const END: usize = SSE + 8 * 4;

impl Registers {
    /// As a reset leaves them.
    pub const RESET: Registers = {
        let mut words = [0; 128];
        words[0] = 0x037f;
        words[MXCSR] = 0x1f80;
        Registers(words)
    };

    /// All in use, and none like another's of any other seed.
    pub fn pattern(seed: u32) -> Registers {
        let mut registers = Registers::RESET;
        let words = &mut registers.0;
        // Rounding up, three of the exceptions flagged, every register valid.
        words[0] = 0x0b7f;
        words[1] = 0xff;
        for (index, word) in words[X87_REGISTERS..SSE].iter_mut().enumerate() {
            *word = match index % 4 {
                0 => seed ^ (index + X87_REGISTERS) as u32,
                // Normal numbers have this bit set.
                1 => seed << 8 | 1 << 31,
                2 => 0x3fff - (seed & 0xff),
                _ => 0,
            };
        }
        if has_sse() {
            words[MXCSR] = 0x5f80 | (seed & 7);
            for (index, word) in (SSE..).zip(&mut words[SSE..END]) {
                *word = seed.wrapping_mul(index as u32 | 1);
            }
        }
        registers
    }
}
