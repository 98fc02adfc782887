//! The processor as gdb knows it: which registers there are, in which order.
//!
//! The hard thing is x87: gdb wants the registers counted from the top, and a tag word
//! with two bits for each that the processor works out from their contents.

use gdbstub::arch::Arch;
use gdbstub_arch::x86::reg::id::X86CoreRegId;
use gdbstub_arch::x86::reg::{X86CoreRegs, X86SegmentRegs, X87FpuInternalRegs};
use ring3::flags::{AC, ARITHMETIC, DF, Flags, ID, NT, TF};
use ring3::float::Fpu;
use ring3::registers::number::{EAX, EBP, EBX, ECX, EDI, EDX, ESI, ESP};
use ring3::{Registers, Segment};

/// The flags that a program can change, and so a debugger too.
const CHANGEABLE: u32 = ARITHMETIC | DF | NT | TF | AC | ID;

/// A 32-bit processor with SSE.
pub enum I386 {}

impl Arch for I386 {
    type Usize = u32;
    type Registers = X86CoreRegs;
    type RegId = X86CoreRegId;
    type BreakpointKind = usize;

    fn target_description_xml() -> Option<&'static str> {
        Some(include_str!("i386.xml"))
    }
}

/// All registers.
pub fn to_gdb(registers: &Registers, fpu: &Fpu) -> X86CoreRegs {
    let image = fpu.image();
    let bytes = |at: usize| image[at..].iter().copied();
    let word = |at: usize| u32::from(u16::from_le_bytes([image[at], image[at + 1]]));
    let selector = |segment| registers.selector(segment).into();
    let mut shown = X86CoreRegs {
        eax: registers.get(EAX),
        ecx: registers.get(ECX),
        edx: registers.get(EDX),
        ebx: registers.get(EBX),
        esp: registers.get(ESP),
        ebp: registers.get(EBP),
        esi: registers.get(ESI),
        edi: registers.get(EDI),
        eip: registers.eip,
        eflags: registers.flags.bits(),
        segments: X86SegmentRegs {
            cs: selector(Segment::Cs),
            ss: selector(Segment::Ss),
            ds: selector(Segment::Ds),
            es: selector(Segment::Es),
            fs: selector(Segment::Fs),
            gs: selector(Segment::Gs),
        },
        fpu: X87FpuInternalRegs {
            fctrl: word(0),
            fstat: word(2),
            ftag: tags(&image),
            ..X87FpuInternalRegs::default()
        },
        mxcsr: word(24),
        ..X86CoreRegs::default()
    };
    for (index, register) in shown.st.iter_mut().enumerate() {
        register
            .iter_mut()
            .zip(bytes(32 + index * 16))
            .for_each(|(to, from)| *to = from);
    }
    for (index, register) in shown.xmm.iter_mut().enumerate() {
        let mut value = [0; 16];
        value
            .iter_mut()
            .zip(bytes(160 + index * 16))
            .for_each(|(to, from)| *to = from);
        *register = u128::from_le_bytes(value);
    }
    shown
}

/// The tag word of an `fxsave` image (Intel SDM volume 1, 8.1.7 and 10.5.1).
fn tags(image: &[u8; 512]) -> u32 {
    let top = usize::from(image[3] >> 3 & 7);
    let tag = |number: usize| {
        if image[4] >> number & 1 == 0 {
            return 3;
        }
        let at = 32 + (number + 8 - top) % 8 * 16;
        let exponent = u16::from_le_bytes([image[at + 8], image[at + 9]]) & 0x7fff;
        let significand = &image[at..at + 8];
        match (exponent, significand[7] >> 7) {
            (0, _) if significand.iter().all(|&byte| byte == 0) => 1,
            (0 | 0x7fff, _) | (_, 0) => 2,
            _ => 0,
        }
    };
    (0..8).map(|number| tag(number) << (number * 2)).sum()
}

/// `old` with what a debugger has changed: general registers, eip and flags. Nothing,
/// if it has changed anything else.
pub fn from_gdb(wanted: &X86CoreRegs, old: &Registers, fpu: &Fpu) -> Option<Registers> {
    let mut new = *old;
    for (number, value) in [
        (EAX, wanted.eax),
        (ECX, wanted.ecx),
        (EDX, wanted.edx),
        (EBX, wanted.ebx),
        (ESP, wanted.esp),
        (EBP, wanted.ebp),
        (ESI, wanted.esi),
        (EDI, wanted.edi),
    ] {
        new.set(number, value);
    }
    new.eip = wanted.eip;
    let kept = old.flags.bits() & !CHANGEABLE;
    new.flags = Flags::from_bits(kept | wanted.eflags & CHANGEABLE);
    let mut possible = to_gdb(&new, fpu);
    possible.eflags = wanted.eflags;
    (possible == *wanted).then_some(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registers() -> Registers {
        Registers {
            general: [1, 2, 3, 4, 5, 6, 7, 8],
            eip: 0x80_0020,
            flags: Flags::from_bits(0x202),
            selectors: [0x23, 0x1b, 0x23, 0x23, 0, 0],
        }
    }

    #[test]
    fn registers_come_back() {
        let fpu = Fpu::default();
        let shown = to_gdb(&registers(), &fpu);
        assert_eq!((shown.eax, shown.edi, shown.segments.cs), (1, 8, 0x1b));
        assert_eq!(
            (shown.fpu.fctrl, shown.fpu.ftag, shown.mxcsr),
            (0x37f, 0xffff, 0x1f80)
        );
        assert_eq!(from_gdb(&shown, &registers(), &fpu), Some(registers()));
        let mut changed = shown.clone();
        (changed.ecx, changed.eip, changed.eflags) = (9, 0x80_0030, 0x3243);
        let new = from_gdb(&changed, &registers(), &fpu).expect("possible");
        assert_eq!((new.get(ECX), new.eip), (9, 0x80_0030));
        // The I/O privilege is not the program's.
        assert_eq!(new.flags.bits(), 0x243);
        changed.xmm[3] = 1;
        assert_eq!(from_gdb(&changed, &registers(), &fpu), None);
    }

    #[test]
    fn tags_say_what_is_in_a_register() {
        let mut image = Fpu::default().image();
        // The top is register 6; 6 holds 1.0, 7 zero, 0 an infinity.
        image[3] = 6 << 3;
        image[4] = 0b1100_0001;
        image[32..42].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f]);
        image[64..74].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x7f]);
        assert_eq!(tags(&image), 0b01_00_11_11_11_11_11_10);
    }
}
