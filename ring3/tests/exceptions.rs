//! Exceptions without an address: vector, error code, eip.

mod common;

use common::trial::*;
use ring3::flags::{IF, IOPL, OF};
use ring3::{Segment, Trap};

const DIVIDE: Trap = Trap::DIVIDE;

#[test]
fn divisions_that_do_not_fit() {
    let divide = |code: &[u8], eax, edx, ecx| {
        Trial::new(code)
            .with(EAX, eax)
            .with(EDX, edx)
            .with(ECX, ecx)
            .with_flags(0xad7)
    };
    divide(&[0xf7, 0xf1], 1, 0, 0).faults(DIVIDE);
    divide(&[0xf7, 0xf9], 1, 0, 0).faults(DIVIDE);
    divide(&[0xf6, 0xf1], 1, 0, 0x100).faults(DIVIDE);
    divide(&[0xf7, 0xf1], 0, 7, 7).faults(DIVIDE);
    divide(&[0x66, 0xf7, 0xf1], 0, 7, 7).faults(DIVIDE);
    divide(&[0xf6, 0xf1], 0x700, 0, 7).faults(DIVIDE);
    // The smallest number by -1, and one quotient too large.
    divide(&[0xf7, 0xf9], 0x8000_0000, u32::MAX, u32::MAX).faults(DIVIDE);
    divide(&[0xf7, 0xf9], 0, 0x8000_0000, u32::MAX).faults(DIVIDE);
    divide(&[0x66, 0xf7, 0xf9], 0x8000, 0xffff, 0xffff).faults(DIVIDE);
    divide(&[0xf6, 0xf9], 0x80, 0, 1).faults(DIVIDE);
    divide(&[0xd4, 0], 0x1234, 0, 0).faults(DIVIDE);
}

#[test]
fn bounds() {
    let bound = |index: u32| {
        Trial::new(&[0x62, 0x06])
            .with(ESI, DATA)
            .with(EAX, index)
            .with_word(DATA, -5_i32 as u32)
            .with_word(DATA + 4, 5)
    };
    bound(6).faults(Trap::BOUND);
    bound(-6_i32 as u32).faults(Trap::BOUND);
    assert_eq!(bound(5).run(1), (1, None));
    assert_eq!(bound(-5_i32 as u32).run(1), (1, None));
    let short = |index| {
        Trial::new(&[0x66, 0x62, 0x06])
            .with(ESI, DATA)
            .with(EAX, index)
            .with_word(DATA, 0x0005_fffb)
    };
    short(6).faults(Trap::BOUND);
    assert_eq!(short(0xffff_0005).run(1), (1, None));
}

#[test]
fn what_is_no_instruction() {
    let codes: [&[u8]; 15] = [
        &[0x0f, 0x0b],
        &[0x0f, 0xff, 0xc0],
        &[0xf0, 0x01, 0xc0],       // lock add eax, eax
        &[0xf0, 0x03, 0x06],       // lock add eax, [esi]
        &[0xf0, 0x39, 0x06],       // lock cmp
        &[0xf0, 0x85, 0x06],       // lock test
        &[0xf0, 0x89, 0x06],       // lock mov
        &[0xf0, 0x0f, 0xa3, 0x06], // lock bt
        &[0xf0, 0xd1, 0x06],       // lock rol
        &[0xf0, 0x90],             // lock nop
        &[0xf0, 0xa4],             // lock movsb
        &[0x8e, 0xc8],             // mov cs, eax
        &[0x8e, 0xf0],             // mov segment 6, eax
        &[0x8d, 0xc0],             // lea eax, eax
        &[0x0f, 0xc7, 0xc8],       // cmpxchg8b eax
    ];
    for code in codes {
        Trial::new(code).with(ESI, DATA).faults(Trap::INVALID);
    }
    for code in [
        &[0x62, 0xc0][..],
        &[0xc4, 0xc0],
        &[0xff, 0xd8],
        &[0xfe, 0xd0],
    ] {
        Trial::new(code).faults(Trap::INVALID);
    }
}

#[test]
fn an_instruction_of_sixteen_bytes() {
    let mut code = [0x3e; 16];
    code[15] = 0x90;
    Trial::new(&code).faults(protection(0));
    Trial::new(&code[1..]).run_to_end();
}

#[test]
fn what_only_the_kernel_may() {
    let codes: [&[u8]; 17] = [
        &[0xf4],
        &[0xfa],
        &[0xfb],
        &[0xe4, 0x60],
        &[0xe6, 0x60],
        &[0xed],
        &[0xef],
        &[0x6c],
        &[0xf3, 0x6f],
        &[0x0f, 0x20, 0xc0],
        &[0x0f, 0x22, 0xd8],
        &[0x0f, 0x21, 0xc0],
        &[0x0f, 0x06],
        &[0x0f, 0x01, 0x16],
        &[0x0f, 0x30],
        &[0x0f, 0x09],
        &[0x0f, 0x35],
    ];
    for code in codes {
        Trial::new(code)
            .with(ESI, DATA)
            .with(EDI, DATA)
            .with(ECX, 1)
            .faults(protection(0));
    }
}

#[test]
fn ports_with_the_privilege() {
    let mut trial = Trial::new(&[0xe4, 0x60, 0xfa])
        .with_flags(IOPL | IF)
        .with(EAX, 0xffff_ffff);
    assert_eq!(trial.run(2), (2, None));
    assert_eq!(trial.get(EAX), 0xffff_ff01);
    assert_eq!(trial.flags() & IF, 0);
}

#[test]
fn interrupts_by_name() {
    let call = |code: &[u8], flags| {
        let mut trial = Trial::new(code).with_flags(flags);
        (trial.run(1), trial.offset())
    };
    let gate = |vector| Some(Trap::Interrupt { vector });
    assert_eq!(call(&[0xcd, 0x30], 0), ((0, gate(0x30)), 2));
    assert_eq!(call(&[0xcc], 0), ((0, gate(3)), 1));
    assert_eq!(call(&[0xcd, 3], 0), ((0, gate(3)), 2));
    assert_eq!(call(&[0xce], OF), ((0, gate(4)), 1));
    assert_eq!(call(&[0xce], 0), ((1, None), 1));
    assert_eq!(call(&[0xf1], 0), ((0, Some(Trap::DEBUG)), 1));
    for vector in [0, 1, 2, 13, 14, 0x31, 0xff] {
        Trial::new(&[0xcd, vector]).faults(protection(u32::from(vector) * 8 + 2));
    }
}

#[test]
fn selectors_that_are_not_the_programs() {
    for selector in [4_u32, 0x8, 0x10, 0x28, 0x2b, 0x33, 0xffff] {
        let error = selector & !3;
        for code in [[0x8e, 0xd8], [0x8e, 0xe0], [0x8e, 0xc0]] {
            Trial::new(&code)
                .with(EAX, selector)
                .faults(protection(error));
        }
        Trial::new(&[0x1f])
            .with_word(STACK, selector)
            .faults(protection(error));
        Trial::new(&[0xc4, 0x06])
            .with(ESI, DATA)
            .with_word(DATA + 4, selector)
            .faults(protection(error));
    }
    // ss is stricter.
    for selector in [0_u32, 3, 0x1b, 0x20] {
        Trial::new(&[0x8e, 0xd0])
            .with(EAX, selector)
            .faults(protection(selector & !3));
    }
}

#[test]
fn a_null_segment_faults_when_it_is_used() {
    let null = |code: &[u8], segment| Trial::new(code).with(ESI, DATA).with_selector(segment, 3);
    null(&[0x8b, 0x06], Segment::Ds).faults(protection(0));
    null(&[0xaa], Segment::Es).faults(protection(0));
    null(&[0x64, 0x01, 0x06], Segment::Fs).faults(protection(0));
    // Not by an address alone, nor on the stack.
    null(&[0x64, 0x8d, 0x06], Segment::Fs).run_to_end();
    null(&[0x50], Segment::Ds).run_to_end();
    // The code segment can be read, not written.
    Trial::new(&[0x2e, 0x8b, 0x06]).with(ESI, DATA).run_to_end();
    Trial::new(&[0x2e, 0x89, 0x06])
        .with(ESI, DATA)
        .faults(protection(0));
}
