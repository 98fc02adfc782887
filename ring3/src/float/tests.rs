//! Cases that the comparison with a real processor cannot try, or not everywhere.
//!
//! `tests/float_host` compares results, on one kind of host. Here are what traps, what
//! faults leave unchanged, what is not implemented, and a few results whose reason can
//! be said. The hard thing is to say all that is not implemented: the decoder's list
//! of instructions is gone through.

use super::*;
use crate::bus::PageFault;
use crate::decode::decode;
use crate::flags::IF;
use crate::flat::{Flat, processor};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use iced_x86::{Code, CpuidFeature};

/// Where ecx points to.
const AT: u32 = 0x1000;
/// The first page that does not exist.
const END: u32 = 0x3000;

struct Machine {
    processor: Processor,
    memory: Vec<u8>,
}

impl Machine {
    fn new() -> Machine {
        let general = [0, AT, 0, 0, 0, 0, 0, 0];
        let processor = processor(general, IF, Fpu::default());
        Machine {
            processor,
            memory: vec![0; END as usize],
        }
    }

    fn try_run(&mut self, code: &[u8]) -> Result<(), Trap> {
        let operation = decode(code).unwrap();
        let mut flat = Flat {
            memory: &mut self.memory,
            base: 0,
        };
        self.processor.float(&mut flat, &operation)
    }

    /// Executes instructions that do not trap.
    fn run(&mut self, codes: &[&[u8]]) {
        for code in codes {
            assert_eq!(self.try_run(code), Ok(()), "{code:02x?}");
        }
    }

    /// Executes an instruction that traps, and changes nothing.
    fn refuse(&mut self, code: &[u8], trap: Trap) {
        let before = (self.processor.fpu.clone(), self.processor.registers);
        let memory = self.memory.clone();
        assert_eq!(self.try_run(code), Err(trap), "{code:02x?}");
        assert_eq!(
            (self.processor.fpu.clone(), self.processor.registers),
            before
        );
        assert_eq!(self.memory, memory);
    }

    fn put(&mut self, bytes: &[u8]) {
        self.memory[AT as usize..][..bytes.len()].copy_from_slice(bytes);
    }

    fn get<const SIZE: usize>(&self) -> [u8; SIZE] {
        self.memory[AT as usize..][..SIZE].try_into().unwrap()
    }

    fn status(&mut self) -> u32 {
        self.run(&[FNSTSW_AX]);
        self.processor.registers.get(0) & 0xffff
    }
}

const FNSTSW_AX: &[u8] = &[0xdf, 0xe0];
const FLDCW: &[u8] = &[0xd9, 0x29];
const FLD1: &[u8] = &[0xd9, 0xe8];
const FLDZ: &[u8] = &[0xd9, 0xee];
const FLD_DOUBLE: &[u8] = &[0xdd, 0x01];
const FSTP_DOUBLE: &[u8] = &[0xdd, 0x19];
const FADDP: &[u8] = &[0xde, 0xc1];
const FDIVP: &[u8] = &[0xde, 0xf9];
const FWAIT: &[u8] = &[0x9b];
const FNSTENV: &[u8] = &[0xd9, 0x31];
const DIVSS: &[u8] = &[0xf3, 0x0f, 0x5e, 0xc1];
const MOVAPS_LOAD: &[u8] = &[0x0f, 0x28, 0x01];
const MOVUPS_LOAD: &[u8] = &[0x0f, 0x10, 0x01];
const LDMXCSR: &[u8] = &[0x0f, 0xae, 0x11];
const FXSAVE: &[u8] = &[0x0f, 0xae, 0x01];
const FXRSTOR: &[u8] = &[0x0f, 0xae, 0x09];

/// Instructions of these extensions that are left out, or belong elsewhere.
const ELSEWHERE: &str = "Clflush Fence Lfence Maskmovdqu Maskmovq Mfence Movnti Pause \
    Prefetchnta Prefetcht0 Prefetcht1 Prefetcht2 Sfence \
    Rcpps Rcpss Rsqrtps Rsqrtss \
    F2xm1 Fcos Fpatan Fptan Fsin Fsincos Fyl2x Fyl2xp1 \
    Fclex Fdisi Feni Finit Fndisi Fneni Fnsetpm Frstpm Fsave Fsetpm Fstcw Fstdw Fstenv \
    Fstpnce Fstsg Fstsw";

/// Environments of 16-bit code.
const SHORT: [Code; 4] = [
    Code::Fldenv_m14byte,
    Code::Fnstenv_m14byte,
    Code::Frstor_m94byte,
    Code::Fnsave_m94byte,
];

#[test]
fn everything_else_is_implemented() {
    let elsewhere: BTreeSet<_> = ELSEWHERE.split_whitespace().collect();
    let mut missing = Vec::new();
    let mut implemented = 0;
    for code in Code::values() {
        use CpuidFeature::*;
        let form = format!("{code:?}");
        let long = ["r64", "rm64", "Fxsave64", "Fxrstor64"];
        let ours = [FPU, FPU287, FPU387, MMX, SSE, SSE2, FXSR, CMOV];
        if !code
            .cpuid_features()
            .iter()
            .all(|feature| ours.contains(feature))
            || long.iter().any(|long| form.contains(long))
            || form.starts_with("Cmov")
        {
            continue;
        }
        let mut operation = decode(&[0x90]).unwrap();
        operation.code = code;
        operation.mnemonic = code.mnemonic();
        let name = format!("{:?}", code.mnemonic());
        let elsewhere = elsewhere.contains(&*name) || SHORT.contains(&code);
        let known = x87::Step::new(&operation).is_some() || sse::Step::new(&operation).is_some();
        implemented += usize::from(known);
        assert!(!(known && elsewhere), "{form} is implemented");
        if !known && !elsewhere {
            missing.push(form);
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    assert_eq!(implemented, 388);
}

#[test]
fn forms_that_wait_are_two_instructions() {
    // fstcw, fstsw ax, fclex.
    for code in [[0x9b, 0xd9, 0x39], [0x9b, 0xdf, 0xe0], [0x9b, 0xdb, 0xe2]] {
        assert_eq!(decode(&code).unwrap().length, 1);
    }
}

#[test]
fn precision_control_rounds_once() {
    // 1 + (2^-53 + 2^-78): just above half a unit of a double. To 64 bits first, it
    // becomes exactly half, and then 1; to 53 bits at once, the next double.
    let above_half = f64::from_bits(0x3ca0_0000_8000_0000);
    for (control, expected) in [(0x37f_u16, 1.0f64.to_bits()), (0x27f, 1.0f64.to_bits() + 1)] {
        let mut machine = Machine::new();
        machine.put(&control.to_le_bytes());
        machine.run(&[FLDCW, FLD1]);
        machine.put(&above_half.to_le_bytes());
        machine.run(&[FLD_DOUBLE, FADDP, FSTP_DOUBLE]);
        assert_eq!(u64::from_le_bytes(machine.get()), expected, "{control:#x}");
    }
}

#[test]
fn tags_say_what_registers_hold() {
    let mut machine = Machine::new();
    // 1 in register 7, 0 in 6, a NaN in 5.
    machine.run(&[FLD1, FLDZ, FLDZ, FLDZ, FDIVP, FNSTENV]);
    let environment: [u8; 28] = machine.get();
    assert_eq!(environment[8..10], [0xff, 0b0001_1011]);
    // `fnstenv` masks all.
    assert_eq!(machine.processor.fpu.control & 0x3f, 0x3f);
}

#[test]
fn a_full_stack_and_an_empty_one() {
    let mut machine = Machine::new();
    machine.run(&[FADDP]);
    assert_eq!(machine.status() & 0x241, 0x41, "underflow: C1 is clear");
    let mut machine = Machine::new();
    machine.run(&[FLD1; 9]);
    assert_eq!(machine.status() & 0x241, 0x241, "overflow: C1 is set");
    machine.run(&[FSTP_DOUBLE]);
    assert_eq!(u64::from_le_bytes(machine.get()), 0xfff8 << 48);
}

#[test]
fn an_unmasked_x87_exception_traps_at_the_next_instruction_that_waits() {
    let mut machine = Machine::new();
    machine.put(&0x37b_u16.to_le_bytes());
    machine.run(&[FLDCW, FLD1, FLDZ, FDIVP]);
    for code in [FWAIT, FLD1, FLDCW, &[0x0f, 0x77]] {
        machine.refuse(code, Trap::X87);
    }
    assert_eq!(machine.status() & 0x8084, 0x8084);
    // Both operands are still there.
    assert_eq!(machine.status() >> 11 & 7, 6);
    machine.run(&[&[0xdb, 0xe2], FWAIT, FLD1]);
    assert_eq!(machine.status() & 0x80ff, 0);
}

#[test]
fn an_unmasked_sse_exception_leaves_its_flags_only() {
    let mut machine = Machine::new();
    let one = u128::from(1.0f32.to_bits());
    machine.processor.fpu.xmm[0] = one;
    machine.processor.fpu.mxcsr = 0x1f80 & !0x200;
    assert_eq!(machine.try_run(DIVSS), Err(Trap::SIMD));
    assert_eq!(machine.processor.fpu.xmm[0], one);
    assert_eq!(machine.processor.fpu.mxcsr, 0x1d84);
    machine.processor.fpu.mxcsr = 0x1f80;
    machine.run(&[DIVSS]);
    assert_eq!(machine.processor.fpu.xmm[0], 0x7f80_0000);
    // 0 / 0 is the negative NaN.
    machine.processor.fpu.xmm[0] = 0;
    machine.run(&[DIVSS]);
    assert_eq!(machine.processor.fpu.xmm[0], 0xffc0_0000);
}

#[test]
fn sixteen_bytes_have_to_be_aligned() {
    let mut machine = Machine::new();
    machine.processor.registers.set(1, AT + 8);
    for code in [
        MOVAPS_LOAD,
        FXSAVE,
        FXRSTOR,
        &[0x66, 0x0f, 0xef, 0x01],
        &[0x0f, 0x2b, 0x01],
    ] {
        machine.refuse(code, Trap::PROTECTION);
    }
    machine.run(&[MOVUPS_LOAD]);
}

#[test]
fn mxcsr_has_no_more_bits() {
    let mut machine = Machine::new();
    machine.put(&0x1_1f80_u32.to_le_bytes());
    machine.refuse(LDMXCSR, Trap::PROTECTION);
    machine.put(&[0; 32]);
    machine.memory[AT as usize + 27] = 1;
    machine.refuse(FXRSTOR, Trap::PROTECTION);
    machine.put(&0xffbf_u32.to_le_bytes());
    machine.run(&[LDMXCSR]);
    assert_eq!(machine.processor.fpu.mxcsr, 0xffbf);
}

#[test]
fn a_fault_changes_nothing() {
    let mut machine = Machine::new();
    machine.run(&[FLD1, FLDZ]);
    machine.processor.registers.set(1, END - 4);
    let fault = |error| Trap::PageFault(PageFault { va: END, error });
    machine.refuse(FSTP_DOUBLE, fault(6));
    machine.refuse(FLD_DOUBLE, fault(4));
    machine.refuse(MOVUPS_LOAD, fault(4));
    machine.refuse(&[0x0f, 0x11, 0x01], fault(6));
    machine.refuse(FNSTENV, fault(6));
}

#[test]
fn a_program_without_these_registers() {
    let mut machine = Machine::new();
    machine.processor.fpu_enabled = false;
    for code in [FLD1, FWAIT, FNSTSW_AX, MOVAPS_LOAD, FXSAVE, LDMXCSR] {
        machine.refuse(code, Trap::NO_FPU);
    }
    // fsin, rcpps, nop, and movsd and cmpsd of strings.
    for code in [
        &[0xd9, 0xfe][..],
        &[0x0f, 0x53, 0xc0],
        &[0x90],
        &[0xa5],
        &[0xa7],
    ] {
        machine.refuse(code, Trap::INVALID);
    }
}

#[test]
fn fxsave_and_fxrstor_agree_with_the_image() {
    let mut machine = Machine::new();
    machine.memory.fill(0xaa);
    machine.run(&[FLD1, FLDZ]);
    machine.processor.fpu.xmm[7] = 7 << 100;
    let fpu = machine.processor.fpu.clone();
    machine.run(&[FXSAVE]);
    let saved: [u8; 512] = machine.get();
    assert_eq!(saved[..288], fpu.image()[..288]);
    assert_eq!(saved[288..], [0xaa; 224], "not written");
    machine.processor.fpu = Fpu::default();
    machine.run(&[FXRSTOR]);
    assert_eq!(machine.processor.fpu, fpu);
}
