//! Trap frames, vectors, segment selectors and flags.
//!
//! The hard thing: [`TrapFrame`] is at once what the processor pushes, what
//! `pusha` adds, what the kernel edits in place and what programs read in
//! their [`crate::PublicEnv`], so its 68 bytes are fixed by all four.

use core::fmt;
use core::slice;

/// General registers in the order of `pusha`. 32 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct PushRegs {
    /// edi: fourth argument of a call.
    pub edi: u32,
    /// esi: fifth argument of a call.
    pub esi: u32,
    /// ebp.
    pub ebp: u32,
    /// esp as `pusha` saw it; ignored by `popa`.
    pub oesp: u32,
    /// ebx: third argument of a call.
    pub ebx: u32,
    /// edx: first argument of a call.
    pub edx: u32,
    /// ecx: second argument of a call.
    pub ecx: u32,
    /// eax: number of a call, and its result.
    pub eax: u32,
}

/// Everything that a trap from user mode saves. 68 bytes.
///
/// Selectors occupy 16 bits; the upper half of their words is padding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct TrapFrame {
    /// General registers.
    pub regs: PushRegs,
    /// es selector.
    pub es: u32,
    /// ds selector.
    pub ds: u32,
    /// Vector.
    pub trapno: u32,
    /// Error code; 0 where the processor pushes none.
    pub err: u32,
    /// Instruction pointer.
    pub eip: u32,
    /// cs selector.
    pub cs: u32,
    /// Flags.
    pub eflags: u32,
    /// Stack pointer.
    pub esp: u32,
    /// ss selector.
    pub ss: u32,
}

/// Words in a [`TrapFrame`].
pub const TRAP_FRAME_WORDS: usize = 17;

impl TrapFrame {
    /// A system call's first four arguments. The fifth is in esi, or on the stack.
    #[inline(always)]
    pub const fn arguments(&self) -> [u32; 4] {
        [self.regs.edx, self.regs.ecx, self.regs.ebx, self.regs.edi]
    }

    /// Becomes a copy of `other`. Unlike an assignment this tells the compiler that the two
    /// do not overlap, so the copy takes one string instruction.
    #[inline(always)]
    pub fn copy_from(&mut self, other: &TrapFrame) {
        let (to, from) = (slice::from_mut(self), slice::from_ref(other));
        to.copy_from_slice(from);
    }

    /// A frame that starts a program: every register 0, interrupts on.
    pub const fn start(eip: u32, esp: u32) -> TrapFrame {
        TrapFrame {
            regs: PushRegs {
                edi: 0,
                esi: 0,
                ebp: 0,
                oesp: 0,
                ebx: 0,
                edx: 0,
                ecx: 0,
                eax: 0,
            },
            es: USER_DATA,
            ds: USER_DATA,
            trapno: 0,
            err: 0,
            eip,
            cs: USER_CODE,
            eflags: FLAG_IF,
            esp,
            ss: USER_DATA,
        }
    }

    /// The frame with safe values for what user space must not choose: selectors,
    /// and flags that are not the program's own (Intel SDM volume 1, 3.4.3).
    #[must_use]
    pub const fn sanitised(self) -> TrapFrame {
        TrapFrame {
            es: USER_DATA,
            ds: USER_DATA,
            cs: USER_CODE,
            ss: USER_DATA,
            eflags: self.eflags & USER_FLAGS | FLAG_IF,
            // No trap made this frame, so a return must restore all of it.
            trapno: 0,
            ..self
        }
    }

    /// The frame as words, in the order of memory.
    pub const fn words(&self) -> [u32; TRAP_FRAME_WORDS] {
        let r = &self.regs;
        [
            r.edi,
            r.esi,
            r.ebp,
            r.oesp,
            r.ebx,
            r.edx,
            r.ecx,
            r.eax,
            self.es,
            self.ds,
            self.trapno,
            self.err,
            self.eip,
            self.cs,
            self.eflags,
            self.esp,
            self.ss,
        ]
    }

    /// The frame that these words, in the order of memory, make up.
    pub const fn from_words(w: [u32; TRAP_FRAME_WORDS]) -> TrapFrame {
        let [
            edi,
            esi,
            ebp,
            oesp,
            ebx,
            edx,
            ecx,
            eax,
            es,
            ds,
            trapno,
            err,
            eip,
            cs,
            eflags,
            esp,
            ss,
        ] = w;
        TrapFrame {
            regs: PushRegs {
                edi,
                esi,
                ebp,
                oesp,
                ebx,
                edx,
                ecx,
                eax,
            },
            es,
            ds,
            trapno,
            err,
            eip,
            cs,
            eflags,
            esp,
            ss,
        }
    }
}

/// What a page-fault upcall finds on its stack. 52 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct UTrapFrame {
    /// The address whose access faulted.
    pub fault_va: u32,
    /// The page fault's error code.
    pub err: u32,
    /// General registers at the fault.
    pub regs: PushRegs,
    /// Instruction pointer at the fault.
    pub eip: u32,
    /// Flags at the fault.
    pub eflags: u32,
    /// Stack pointer at the fault.
    pub esp: u32,
}

/// Bytes of a [`UTrapFrame`].
pub const UTRAP_FRAME_SIZE: u32 = 52;

impl UTrapFrame {
    /// The frame as it stands in memory.
    pub fn bytes(&self) -> [u8; UTRAP_FRAME_SIZE as usize] {
        let r = &self.regs;
        let words = [
            self.fault_va,
            self.err,
            r.edi,
            r.esi,
            r.ebp,
            r.oesp,
            r.ebx,
            r.edx,
            r.ecx,
            r.eax,
            self.eip,
            self.eflags,
            self.esp,
        ];
        let mut bytes = [0; UTRAP_FRAME_SIZE as usize];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

/// Kernel code selector.
pub const KERNEL_CODE: u32 = 0x08;
/// Kernel data selector.
pub const KERNEL_DATA: u32 = 0x10;
/// User code selector, with its privilege level.
pub const USER_CODE: u32 = 0x18 | 3;
/// User data selector, with its privilege level.
pub const USER_DATA: u32 = 0x20 | 3;
/// Task state selector; each CPU has a descriptor table of its own.
pub const TASK_STATE: u32 = 0x28;

/// EFLAGS: the bit that always reads as one.
pub const FLAG_ONE: u32 = 0x2;
/// EFLAGS: trap after each instruction.
pub const FLAG_TF: u32 = 0x100;
/// EFLAGS: the bits that belong to programs: carry, parity, adjust, zero, sign,
/// trap, direction, overflow, alignment check and identification.
pub const USER_FLAGS: u32 = 0x0024_0dd5;
/// EFLAGS: interrupts on.
pub const FLAG_IF: u32 = 0x200;
/// EFLAGS: direction.
pub const FLAG_DF: u32 = 0x400;
/// EFLAGS: I/O privilege level, both bits.
pub const FLAG_IOPL: u32 = 0x3000;
/// EFLAGS: nested task.
pub const FLAG_NT: u32 = 0x4000;
/// EFLAGS: resume.
pub const FLAG_RF: u32 = 0x1_0000;
/// EFLAGS: virtual-8086 mode.
pub const FLAG_VM: u32 = 0x2_0000;
/// EFLAGS: alignment check.
pub const FLAG_AC: u32 = 0x4_0000;

/// Page-fault error code: the page was present.
pub const FAULT_PROTECTION: u32 = 1;
/// Page-fault error code: the access was a write.
pub const FAULT_WRITE: u32 = 2;
/// Page-fault error code: the access came from user mode.
pub const FAULT_USER: u32 = 4;

/// A vector, with the name that a dumped frame gives it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Vector(pub u32);

impl Vector {
    /// Divide error.
    pub const DIVIDE: Vector = Vector(0);
    /// Debug exception.
    pub const DEBUG: Vector = Vector(1);
    /// Non-maskable interrupt.
    pub const NMI: Vector = Vector(2);
    /// Breakpoint.
    pub const BREAKPOINT: Vector = Vector(3);
    /// Overflow (`into`).
    pub const OVERFLOW: Vector = Vector(4);
    /// An index outside of its bounds (`bound`).
    pub const BOUND: Vector = Vector(5);
    /// Invalid opcode.
    pub const INVALID_OPCODE: Vector = Vector(6);
    /// Device not available: x87 and SSE registers may not be used now.
    pub const NO_FPU: Vector = Vector(7);
    /// Double fault.
    pub const DOUBLE_FAULT: Vector = Vector(8);
    /// Invalid task state segment.
    pub const INVALID_TSS: Vector = Vector(10);
    /// Segment not present.
    pub const NOT_PRESENT: Vector = Vector(11);
    /// Stack segment fault.
    pub const STACK: Vector = Vector(12);
    /// General protection.
    pub const GENERAL_PROTECTION: Vector = Vector(13);
    /// Page fault.
    pub const PAGE_FAULT: Vector = Vector(14);
    /// An unmasked x87 exception.
    pub const X87: Vector = Vector(16);
    /// Alignment check.
    pub const ALIGNMENT: Vector = Vector(17);
    /// Machine check.
    pub const MACHINE_CHECK: Vector = Vector(18);
    /// An unmasked SSE exception.
    pub const SIMD: Vector = Vector(19);
    /// The timer of the local APIC.
    pub const TIMER: Vector = Vector(32);
    /// Keyboard.
    pub const KEYBOARD: Vector = Vector(33);
    /// First serial port.
    pub const SERIAL: Vector = Vector(36);
    /// Spurious interrupt of the 8259 or of the local APIC.
    pub const SPURIOUS: Vector = Vector(39);
    /// Mouse.
    pub const MOUSE: Vector = Vector(44);
    /// System call.
    pub const SYSCALL: Vector = Vector(48);
    /// Error of the local APIC.
    pub const APIC_ERROR: Vector = Vector(51);
    /// Inter-processor interrupt: look at the mail, then at the run queue.
    pub const IPI: Vector = Vector(0xf0);

    /// The name that JOS's frame dump prints.
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "Divide error",
            1 => "Debug",
            2 => "Non-Maskable Interrupt",
            3 => "Breakpoint",
            4 => "Overflow",
            5 => "BOUND Range Exceeded",
            6 => "Invalid Opcode",
            7 => "Device Not Available",
            8 => "Double Fault",
            9 => "Coprocessor Segment Overrun",
            10 => "Invalid TSS",
            11 => "Segment Not Present",
            12 => "Stack Fault",
            13 => "General Protection",
            14 => "Page Fault",
            16 => "x87 FPU Floating-Point Error",
            17 => "Alignment Check",
            18 => "Machine-Check",
            19 => "SIMD Floating-Point Exception",
            48 => "System call",
            32..=47 => "Hardware Interrupt",
            _ => "(unknown trap)",
        }
    }
}

impl fmt::Debug for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn layouts_are_those_of_the_interface() {
        assert_eq!(size_of::<PushRegs>(), 32);
        assert_eq!(offset_of!(PushRegs, ebx), 16);
        assert_eq!(offset_of!(PushRegs, eax), 28);
        assert_eq!(size_of::<TrapFrame>(), 68);
        assert_eq!(offset_of!(TrapFrame, trapno), 40);
        assert_eq!(offset_of!(TrapFrame, eip), 48);
        assert_eq!(offset_of!(TrapFrame, eflags), 56);
        assert_eq!(offset_of!(TrapFrame, ss), 64);
        assert_eq!(size_of::<UTrapFrame>(), 52);
        assert_eq!(offset_of!(UTrapFrame, eip), 40);
    }

    #[test]
    fn words_round_trip() {
        let words = core::array::from_fn(|i| i as u32 * 3 + 1);
        assert_eq!(TrapFrame::from_words(words).words(), words);
    }
}
