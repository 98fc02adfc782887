//! Page faults: their address and error code, and that nothing has changed.

mod common;

use common::trial::*;

/// Instructions that read and write the word at esi, or write it alone.
const WRITERS: [&[u8]; 19] = [
    &[0x01, 0x06],             // add
    &[0x11, 0x06],             // adc
    &[0xf0, 0xff, 0x06],       // lock inc
    &[0xf7, 0x1e],             // neg
    &[0xf7, 0x16],             // not
    &[0x89, 0x06],             // mov
    &[0xc7, 0x06, 1, 0, 0, 0], // mov imm
    &[0x87, 0x06],             // xchg
    &[0x0f, 0xc1, 0x06],       // xadd
    &[0x0f, 0xb1, 0x06],       // cmpxchg
    &[0x0f, 0xc7, 0x0e],       // cmpxchg8b
    &[0xd1, 0x06],             // rol
    &[0xd3, 0x16],             // rcl by cl
    &[0xc1, 0x26, 0],          // shl by 0
    &[0x0f, 0xa5, 0x06],       // shld by cl
    &[0x0f, 0xab, 0x06],       // bts
    &[0x0f, 0xba, 0x3e, 1],    // btc imm
    &[0x8f, 0x06],             // pop
    &[0x0f, 0xc3, 0x06],       // movnti
];

fn writer(code: &[u8], esi: u32) -> Trial {
    // `bts` by eax stays within the word.
    Trial::new(code)
        .with(ESI, esi)
        .with(EAX, 5)
        .with(ECX, 3)
        .with_flags(0xad7)
}

#[test]
fn a_write_faults_before_it_changes_anything() {
    for code in WRITERS {
        writer(code, ABSENT).faults(absent(ABSENT, true));
        writer(code, READABLE + 8).faults(unwritable(READABLE + 8));
    }
}

#[test]
fn the_second_page_faults_with_its_own_address() {
    for code in WRITERS {
        writer(code, ABSENT - 2).faults(absent(ABSENT, true));
    }
    Trial::new(&[0x03, 0x06])
        .with(ESI, ABSENT - 1)
        .faults(absent(ABSENT, false));
    // The first page is looked at first.
    Trial::new(&[0x66, 0xab])
        .with(EDI, DATA - 1)
        .faults(absent(DATA - 1, true));
}

#[test]
fn reads_fault_as_reads() {
    let readers: [&[u8]; 11] = [
        &[0x8b, 0x06],
        &[0x39, 0x06],
        &[0xf7, 0x06, 1, 0, 0, 0],
        &[0xf7, 0x26],
        &[0xf7, 0x3e],
        &[0x0f, 0xbc, 0x06],
        &[0x0f, 0xba, 0x26, 1],
        &[0x0f, 0x44, 0x06],
        &[0xff, 0x36],
        &[0xff, 0x16],
        &[0xac],
    ];
    for code in readers {
        writer(code, ABSENT + 4).faults(absent(ABSENT + 4, false));
    }
}

#[test]
fn stack_instructions_fault_before_esp_moves() {
    let at = |code: &[u8], esp| Trial::new(code).with(ESP, esp).with(EBP, BEFORE);
    for code in [&[0x50][..], &[0x6a, 1], &[0x9c], &[0x1e]] {
        at(code, DATA).faults(absent(DATA - 4, true));
        at(code, READABLE + 8).faults(unwritable(READABLE + 4));
    }
    at(&[0xe8, 0, 0, 0, 0], DATA).faults(absent(DATA - 4, true));
    at(&[0xff, 0xd0], DATA + 2).faults(absent(DATA - 2, true));
    at(&[0x60], DATA + 16).faults(absent(DATA - 16, true));
    at(&[0xc8, 16, 0, 0], DATA + 8).faults(absent(DATA - 12, true));
    at(&[0xc8, 0, 0, 0], READABLE + 8).faults(unwritable(READABLE + 4));
    at(&[0xc9], DATA).faults(absent(BEFORE, false));
    for code in [
        &[0x58][..],
        &[0x9d],
        &[0x07],
        &[0x61],
        &[0xc3],
        &[0xcb],
        &[0xcf],
    ] {
        at(code, ABSENT).faults(absent(ABSENT, false));
    }
    at(&[0x61], ABSENT - 8).faults(absent(ABSENT, false));
    at(&[0xcf], ABSENT - 8).faults(absent(ABSENT, false));
    at(&[0x9a, 0, 0, 0, 0, 0x1b, 0], DATA).faults(absent(DATA - 4, true));
    // The first value has room, the second one has not.
    at(&[0x9a, 0, 0, 0, 0, 0x1b, 0], DATA + 4).faults(absent(DATA - 4, true));
    let enter = |esp| at(&[0xc8, 0, 0, 3], esp).with(EBP, DATA + 64);
    enter(DATA + 12).faults(absent(DATA - 4, true));
    enter(DATA + 16)
        .with(EBP, BEFORE + 8)
        .faults(absent(BEFORE + 4, false));
}

#[test]
fn a_repeated_move_stops_where_it_faults() {
    let mut trial = Trial::new(&[0xf3, 0xa5])
        .with(ECX, 5)
        .with(ESI, DATA)
        .with(EDI, ABSENT - 8)
        .with_word(DATA, 0x1111_1111)
        .with_word(DATA + 4, 0x2222_2222);
    assert_eq!(trial.run(100), (2, Some(absent(ABSENT, true))));
    assert_eq!(trial.offset(), 0);
    let registers = [ECX, ESI, EDI].map(|register| trial.get(register));
    assert_eq!(registers, [3, DATA + 8, ABSENT]);
    assert_eq!(trial.word(ABSENT - 4), 0x2222_2222);
    // The page comes; it goes on where it was.
    trial.machine.map(ABSENT, true);
    assert_eq!(trial.run(3), (3, None));
    let registers = [ECX, ESI, EDI].map(|register| trial.get(register));
    assert_eq!(registers, [0, DATA + 20, ABSENT + 12]);
    assert_eq!(trial.offset(), 2);
}

#[test]
fn a_repeated_instruction_may_be_interrupted() {
    let mut trial = Trial::new(&[0xf3, 0xaa, 0x90]).with(ECX, 3).with(EDI, DATA);
    assert_eq!(trial.run(2), (2, None));
    assert_eq!((trial.offset(), trial.get(ECX)), (0, 1));
    assert_eq!(trial.run(1), (1, None));
    assert_eq!((trial.offset(), trial.get(ECX)), (2, 0));
}

#[test]
fn code_that_is_not_there() {
    let mut trial = Trial::new(&[]);
    trial.processor.registers.eip = ABSENT;
    trial.faults(absent(ABSENT, false));
    // `mov eax, imm32` whose last byte is in the next page.
    let last = ABSENT - 4;
    let mut trial = Trial::new(&[]);
    trial.machine.store(last, &[0xb8, 1, 2, 3]);
    trial.processor.registers.eip = last;
    let memory = trial.machine.memory.clone();
    assert_eq!(trial.run(1), (0, Some(absent(ABSENT, false))));
    assert_eq!(trial.processor.registers.eip, last);
    assert!(trial.machine.memory == memory);
    trial.machine.map(ABSENT, true);
    trial.machine.store(ABSENT, &[4]);
    assert_eq!(trial.run(1), (1, None));
    assert_eq!(trial.get(EAX), 0x0403_0201);
    // One that ends with its page needs no other.
    let mut trial = Trial::new(&[]);
    trial.machine.store(ABSENT - 1, &[0x90]);
    trial.processor.registers.eip = ABSENT - 1;
    assert_eq!(trial.run(2), (1, Some(absent(ABSENT, false))));
}
