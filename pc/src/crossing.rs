//! From ring 3 into the kernel and back: what the processor and the kernel's entry
//! stubs do between them.
//!
//! The hard thing is `sysenter`, which saves nothing: where the program goes on and
//! its stack are what it left in esi and ebp, by the convention of JOS.

use abi::TrapFrame;
use abi::trap::{FLAG_IF, FLAG_RF, USER_CODE, USER_DATA, Vector};
use kcore::Event;
use ring3::flags::Flags;
use ring3::registers::number::{EAX, EBP, EBX, ECX, EDI, EDX, ESI, ESP};
use ring3::{Model, Registers, Segment, Trap};

/// The processors that the kernel makes of a PC: two segments for ring 3, and gates
/// for a breakpoint and a system call.
pub const MODEL: Model = Model {
    code: USER_CODE as u16 & !3,
    data: USER_DATA as u16 & !3,
    gates: &[
        Vector::BREAKPOINT.0 as u8,
        Vector::OVERFLOW.0 as u8,
        Vector::SYSCALL.0 as u8,
    ],
    sysenter: true,
};

/// The registers that a return to ring 3 loads from `frame`; `fs` and `gs` are not
/// in it.
pub fn to_ring3(frame: &TrapFrame, fs: u16, gs: u16) -> Registers {
    let r = &frame.regs;
    let mut general = [0; 8];
    for (number, value) in [
        (EAX, r.eax),
        (ECX, r.ecx),
        (EDX, r.edx),
        (EBX, r.ebx),
        (ESP, frame.esp),
        (EBP, r.ebp),
        (ESI, r.esi),
        (EDI, r.edi),
    ] {
        general[number as usize] = value;
    }
    let [es, cs, ss, ds] = [frame.es, frame.cs, frame.ss, frame.ds].map(|word| word as u16);
    Registers {
        general,
        eip: frame.eip,
        flags: Flags::from_bits(frame.eflags & !FLAG_RF),
        selectors: [es, cs, ss, ds, fs, gs],
    }
}

/// What the entry stubs save of a processor that leaves ring 3.
pub fn to_frame(registers: &Registers) -> TrapFrame {
    let general = |number: u8| registers.get(number);
    let selector = |segment: Segment| u32::from(registers.selector(segment));
    TrapFrame {
        regs: abi::trap::PushRegs {
            edi: general(EDI),
            esi: general(ESI),
            ebp: general(EBP),
            oesp: 0,
            ebx: general(EBX),
            edx: general(EDX),
            ecx: general(ECX),
            eax: general(EAX),
        },
        es: selector(Segment::Es),
        ds: selector(Segment::Ds),
        trapno: 0,
        err: 0,
        eip: registers.eip,
        cs: selector(Segment::Cs),
        eflags: registers.flags.bits(),
        esp: general(ESP),
        ss: selector(Segment::Ss),
    }
}

/// Completes the frame for a trap, and gives the kernel's event.
pub fn event(frame: &mut TrapFrame, trap: Trap) -> Event {
    let (vector, error) = match trap {
        Trap::Exception { vector, error } => (u32::from(vector), error),
        Trap::PageFault(fault) => (Vector::PAGE_FAULT.0, fault.error),
        Trap::Interrupt { vector } => (u32::from(vector), 0),
        Trap::Sysenter => (Vector::SYSCALL.0, 0),
    };
    (frame.trapno, frame.err) = (vector, error);
    match trap {
        Trap::PageFault(fault) => Event::PageFault { va: fault.va },
        Trap::Sysenter => {
            (frame.eip, frame.esp) = (frame.regs.esi, frame.regs.ebp);
            (frame.cs, frame.ss) = (USER_CODE, USER_DATA);
            (frame.ds, frame.es) = (USER_DATA, USER_DATA);
            frame.eflags |= FLAG_IF;
            Event::FastSyscall
        }
        Trap::Interrupt { .. } if Vector(vector) == Vector::SYSCALL => Event::Syscall,
        Trap::Exception { .. } if Vector(vector) == Vector::NO_FPU => Event::FpuUse,
        Trap::Exception { .. } | Trap::Interrupt { .. } => Event::Exception,
    }
}
