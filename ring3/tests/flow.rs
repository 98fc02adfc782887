//! Single steps, returns, and code that changes while it runs.

mod common;

use common::trial::*;
use common::{Entry, MODEL, PAGE};
use ring3::Trap;
use ring3::flags::{AC, CF, DF, ID, IF, IOPL, NT, RF, TF};

const VM: u32 = 1 << 17;

/// `pushfd`, `or dword [esp], TF`, `popfd`.
const SET_TF: [u8; 9] = [0x9c, 0x81, 0x0c, 0x24, 0, 1, 0, 0, 0x9d];

#[test]
fn a_step_traps_behind_each_instruction() {
    let mut trial = Trial::new(&[0x40, 0x40]).with_flags(TF);
    assert_eq!(trial.run(9), (1, Some(Trap::DEBUG)));
    assert_eq!((trial.offset(), trial.get(EAX)), (1, 1));
    assert_eq!(trial.run(9), (1, Some(Trap::DEBUG)));
    assert_eq!((trial.offset(), trial.get(EAX)), (2, 2));
}

/// `rep bsf` and `rep bsr` are what they were before there was another meaning.
#[test]
fn a_scan_ignores_the_prefix_of_a_count() {
    for (opcode, found) in [(0xbc, 4), (0xbd, 7)] {
        let mut trial = Trial::new(&[0xf3, 0x0f, opcode, 0xc1]).with(ECX, 0x90);
        assert_eq!(trial.run(1), (1, None));
        assert_eq!((trial.offset(), trial.get(EAX)), (4, found));
    }
}

#[test]
fn the_instruction_that_sets_tf_does_not_trap() {
    let mut trial = Trial::new(&[&SET_TF[..], &[0x40, 0x40, 0x40]].concat());
    assert_eq!(trial.run(9), (4, Some(Trap::DEBUG)));
    assert_eq!((trial.offset(), trial.get(EAX)), (10, 1));
}

#[test]
fn the_instruction_that_clears_tf_traps() {
    let mut trial = Trial::new(&[0x9d, 0x40]).with_flags(TF);
    assert_eq!(trial.run(9), (1, Some(Trap::DEBUG)));
    assert_eq!((trial.offset(), trial.flags() & TF), (1, 0));
}

#[test]
fn a_step_of_a_repeated_instruction_is_an_element() {
    let mut trial = Trial::new(&[0xf3, 0xaa])
        .with_flags(TF)
        .with(ECX, 2)
        .with(EDI, DATA);
    assert_eq!(trial.run(9), (1, Some(Trap::DEBUG)));
    assert_eq!((trial.offset(), trial.get(ECX)), (0, 1));
    assert_eq!(trial.run(9), (1, Some(Trap::DEBUG)));
    assert_eq!((trial.offset(), trial.get(ECX)), (2, 0));
}

/// Each of these sequences traps once it has all been executed, and no sooner.
#[test]
fn a_new_stack_segment_puts_a_step_off() {
    let stepped = |code: &[u8]| {
        let selector = u32::from(MODEL.data | 3);
        let trial = Trial::new(code).with(EAX, selector).with(EBX, DATA);
        // For `pop`, and for `lss`.
        let trial = trial
            .with_word(STACK, selector)
            .with_word(DATA + 4, selector);
        trial.with_flags(TF)
    };
    for (code, instructions) in [
        (&[0x8e, 0xd0, 0x40][..], 2),         // mov ss, ax; inc eax
        (&[0x66, 0x8e, 0xd0, 0x40], 2),       // the same with a prefix
        (&[0x17, 0x40], 2),                   // pop ss; inc eax
        (&[0x8e, 0xd0, 0x8e, 0xd0, 0x40], 3), // mov ss, ax, twice; inc eax
        (&[0x8e, 0xd0, 0x9d], 2),             // mov ss, ax; popf, which clears TF
        (&[0x16], 1),                         // push ss
        (&[0x8e, 0xd8], 1),                   // mov ds, ax
        (&[0x0f, 0xb2, 0x0b], 1),             // lss ecx, [ebx]
    ] {
        let further = [code, &[0x90, 0x90]].concat();
        let mut trial = stepped(&further);
        assert_eq!(trial.run(9), (instructions, Some(Trap::DEBUG)), "{code:x?}");
        assert_eq!(trial.offset(), code.len() as u32, "{code:x?}");
    }
    // Somebody may look in between: it goes on as if nobody had.
    let mut trial = stepped(&[0x8e, 0xd0, 0x40, 0x40]);
    assert_eq!(trial.run(1), (1, None));
    assert_eq!(trial.run(9), (1, Some(Trap::DEBUG)));
    assert_eq!(trial.offset(), 3);
    // A fault of the next instruction is its own, and one of the load is no step.
    let mut trial = stepped(&[0x8e, 0xd0, 0x0f, 0x0b]);
    assert_eq!(trial.run(9), (1, Some(Trap::INVALID)));
    stepped(&[0x8e, 0xd0]).with(EAX, 0).faults(protection(0));
}

#[test]
fn a_fault_comes_before_a_step() {
    Trial::new(&[0x0f, 0x0b])
        .with_flags(TF)
        .faults(Trap::INVALID);
}

/// All flags there are, popped: what is not the program's stays.
#[test]
fn flags_that_are_not_the_programs_stay() {
    let popped = |code: &[u8], words: &[u32], flags| {
        let mut trial = Trial::new(code).with_flags(flags);
        for (pa, &word) in (STACK..).step_by(4).zip(words) {
            trial = trial.with_word(pa, word);
        }
        assert_eq!(trial.run(1), (1, None));
        trial.flags()
    };
    const ALL: u32 = !TF;
    let own = 0x8d5 | DF | NT | AC | ID | 2;
    assert_eq!(popped(&[0x9d], &[ALL], IF), own | IF);
    assert_eq!(popped(&[0x9d], &[0], IF), 2 | IF);
    assert_eq!(popped(&[0x9d], &[0], IF | IOPL), 2 | IOPL);
    assert_eq!(popped(&[0x66, 0x9d], &[ALL], IF), 0x8d5 | DF | NT | 2 | IF);
    // VM too, which QEMU takes.
    let frame = [CODE, 0x1b, ALL | VM];
    assert_eq!(popped(&[0xcf], &frame, IF) & !RF, own | IF);
    assert_eq!(popped(&[0xcf], &[CODE, 0x1b, 0], IF), 2 | IF);
}

#[test]
fn returns_to_other_levels_fault() {
    let back = |code: &[u8], selector| {
        Trial::new(code)
            .with_word(STACK, CODE)
            .with_word(STACK + 4, selector)
    };
    for selector in [8_u32, 0, 3, 0x18, 0x19, 0x23, 0x2b, 0x1000] {
        back(&[0xcf], selector).faults(protection(selector & !3));
        back(&[0xcb], selector).faults(protection(selector & !3));
    }
    let task = Trap::Exception {
        vector: 10,
        error: 0,
    };
    back(&[0xcf], 0x1b).with_flags(NT).faults(task);
    for selector in [8_u32, 0, 0x23, 0x28] {
        let [low, high, ..] = selector.to_le_bytes();
        for opcode in [0x9a, 0xea] {
            Trial::new(&[opcode, 0, 0, 0, 0, low, high]).faults(protection(selector & !3));
        }
    }
}

#[test]
fn a_return_drops_a_number_without_a_sign() {
    let mut trial = Trial::new(&[0xc2, 0xff, 0xff]).with_word(STACK, CODE);
    assert_eq!(trial.run(1), (1, None));
    assert_eq!(trial.get(ESP), STACK + 4 + 0xffff);
}

/// `rcl` and `rcr` of 8 and 16 bits by as many bits as there are with the carry.
#[test]
fn a_rotate_all_the_way_round_changes_nothing() {
    let byte = [[0xc0, 0xd0], [0xc0, 0xd8]].map(|code| (code.to_vec(), [9, 18, 27].to_vec()));
    let word = [[0x66, 0xc1, 0xd0], [0x66, 0xc1, 0xd8]].map(|code| (code.to_vec(), [17].to_vec()));
    for (code, counts) in byte.into_iter().chain(word) {
        for (count, carry) in counts
            .into_iter()
            .flat_map(|count| [(count, 0), (count, CF)])
        {
            let code = [&code[..], &[count]].concat();
            let mut trial = Trial::new(&code).with(EAX, 0x1234_8421).with_flags(carry);
            assert_eq!(trial.run(1), (1, None));
            let left = (trial.get(EAX), trial.flags() & CF);
            assert_eq!(left, (0x1234_8421, carry), "{code:x?}");
        }
    }
}

/// `aam` divides by a number without a sign.
#[test]
fn decimal_bases_have_no_sign() {
    let mut trial = Trial::new(&[0xd4, 0xff]).with(EAX, 0xff);
    assert_eq!(trial.run(1), (1, None));
    assert_eq!(trial.get(EAX), 0x100);
}

#[test]
fn marks_and_long_nops_do_nothing() {
    for code in [
        &[0xf3, 0x0f, 0x1e, 0xfb][..],
        &[0xf3, 0x0f, 0x1e, 0xfa],
        &[0x0f, 0x1f, 0x40, 0],
        &[0x0f, 0x1e, 0xc0],
        &[0x0f, 0x19, 0xc0],
    ] {
        let mut trial = Trial::new(code);
        let before = trial.processor.registers.general;
        assert_eq!(trial.run(1), (1, None), "{code:x?}");
        assert_eq!(trial.processor.registers.general, before);
        assert_eq!(trial.offset() as usize, code.len());
    }
}

/// The next instruction, in the same block, is overwritten; twice, so that blocks
/// that are kept are seen too.
#[test]
fn code_changes_under_the_running_block() {
    // mov byte [CODE + 7], 0x48; inc eax
    let code = [0xc6, 0x05, 7, 0x10, 0, 0, 0x48, 0x40];
    let mut trial = Trial::new(&code);
    assert_eq!(trial.run(2), (2, None));
    assert_eq!(trial.get(EAX), u32::MAX);
    trial.machine.store(CODE + 6, &[0x40, 0x48]);
    trial.processor.registers.eip = CODE;
    assert_eq!(trial.run(2), (2, None));
    assert_eq!(trial.get(EAX), 0);
}

/// The same through another mapping of the frame, and in an instruction whose end is
/// in the next page.
#[test]
fn code_changes_in_other_pages() {
    let mut trial = Trial::new(&[]);
    let start = DATA + PAGE - 2;
    trial.machine.map(ABSENT, true);
    // `mov eax, imm32`, `jmp` back to it.
    trial.machine.store(start, &[0xb8, 1, 2, 3, 4, 0xeb, 0xf9]);
    let alias = 8 * PAGE;
    let frame = ABSENT / PAGE;
    trial.machine.table[8] = Some(Entry {
        frame,
        writable: true,
    });
    trial.processor.registers.eip = start;
    assert_eq!(trial.run(1), (1, None));
    assert_eq!(trial.get(EAX), 0x0403_0201);
    assert_eq!(trial.run(1), (1, None));
    trial.machine.store(CODE, &[0xc6, 0x05, 0, 0x80, 0, 0, 9]);
    assert_eq!(alias, 0x8000);
    trial.processor.registers.eip = CODE;
    assert_eq!(trial.run(1), (1, None));
    trial.processor.registers.eip = start;
    assert_eq!(trial.run(1), (1, None));
    assert_eq!(trial.get(EAX), 0x0403_0901);
}
