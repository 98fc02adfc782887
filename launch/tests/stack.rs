//! What a program finds on its stack.
//!
//! It follows pointers that we computed, in an address space that is not ours
//! and at another address than the page is written at; a pointer that is off by
//! one shows only when the program runs. So they are followed here.

use abi::layout::{PGSIZE, USTACKTOP};
use launch::{Page, STACK, arguments};

/// The stack pointer and the page, read at the addresses that a program sees.
struct Stack {
    esp: u32,
    page: Page,
}

impl Stack {
    fn with(words: &[&str]) -> Option<Stack> {
        let mut page = [0; PGSIZE as usize];
        let esp = arguments(&mut page, words)?;
        Some(Stack { esp, page })
    }

    fn word(&self, va: u32) -> u32 {
        let place = (va - STACK) as usize;
        u32::from_le_bytes(self.page[place..place + 4].try_into().expect("4 bytes"))
    }

    fn text(&self, va: u32) -> &str {
        let bytes = &self.page[(va - STACK) as usize..];
        let len = bytes
            .iter()
            .position(|&byte| byte == 0)
            .expect("a NUL byte");
        str::from_utf8(&bytes[..len]).expect("text")
    }
}

#[test]
fn a_program_finds_its_arguments() {
    let words = ["primes", "", "a b", "é"];
    let stack = Stack::with(&words).expect("room");
    assert_eq!(stack.esp % 4, 0);
    assert_eq!(stack.word(stack.esp), 4);
    let argv = stack.word(stack.esp + 4);
    assert_eq!(argv, stack.esp + 8);
    let pointers: Vec<u32> = (0..4).map(|index| stack.word(argv + index * 4)).collect();
    let found: Vec<&str> = pointers.iter().map(|&va| stack.text(va)).collect();
    assert_eq!(found, words);
    assert_eq!(stack.word(argv + 16), 0);
    // Packed, in order, up to the very top.
    assert_eq!(pointers[3] + 3, USTACKTOP);
    assert_eq!(pointers[1], pointers[0] + 7);
}

#[test]
fn none_is_a_number_too() {
    let stack = Stack::with(&[]).expect("room");
    assert_eq!(stack.esp, USTACKTOP - 12);
    assert_eq!(stack.word(stack.esp), 0);
    assert_eq!(stack.word(stack.word(stack.esp + 4)), 0);
}

#[test]
fn what_does_not_fit_is_refused() {
    // argc, argv, one pointer, the null, and the terminator.
    let room = PGSIZE as usize - 17;
    assert!(Stack::with(&[&"x".repeat(room)]).is_some());
    assert!(Stack::with(&[&"x".repeat(room + 1)]).is_none());
    assert!(Stack::with(&[&"x".repeat(1 << 20)]).is_none());
    assert!(Stack::with(&[""; 2000]).is_none());
    assert!(Stack::with(&["a\0b"]).is_none());
}
