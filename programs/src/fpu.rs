//! The x87 and SSE registers, all at once.
//!
//! The hard thing is that they are the compiler's too. But our target has no
//! SSE, and a program without a floating-point number has no use for x87
//! either; so between two functions of this module they stay as they are. Only
//! such programs may use it. Source: Intel SDM volume 1, section 10.5.

use core::arch::asm;

/// The registers as FXSAVE stores them.
#[repr(C, align(16))]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Registers([u32; 128]);

/// Word of the image in which MXCSR is.
const MXCSR: usize = 6;
/// Words of the first x87 register; each has four, of which two and a half are
/// its own.
const X87: usize = 8;
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
        words[MXCSR] = 0x5f80 | (seed & 7);
        for (index, word) in (X87..).zip(&mut words[X87..END]) {
            *word = match (index - X87) % 4 {
                _ if index >= SSE => seed.wrapping_mul(index as u32 | 1),
                0 => seed ^ index as u32,
                // Normal numbers have this bit set.
                1 => seed << 8 | 1 << 31,
                2 => 0x3fff - (seed & 0xff),
                _ => 0,
            };
        }
        registers
    }

    /// Makes them the processor's.
    pub fn load(&self) {
        // SAFETY: 512 aligned bytes, in which no reserved bit is set. The
        // compiler has nothing in these registers, see above.
        unsafe { asm!("fxrstor [{}]", in(reg) self, options(nostack, readonly, preserves_flags)) };
    }

    /// The processor's. Where the last instruction was is left out: not every
    /// processor keeps that.
    pub fn store() -> Registers {
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
}

/// Leaves a division by zero pending: the next x87 instruction that waits is
/// to raise it.
pub fn leave_exception_pending() {
    // SAFETY: changes x87 registers only. The control word leaves nothing but
    // division by zero unmasked.
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
pub fn wait() {
    // SAFETY: an exception ends the environment.
    unsafe { asm!("fwait", options(nomem, nostack, preserves_flags)) };
}
