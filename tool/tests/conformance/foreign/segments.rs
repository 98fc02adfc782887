//! Segments as other linkers lay them out.
//!
//! None of them is where a page begins, none has an offset in the file that
//! agrees with its address, and several have a page in common.

use super::code::*;
use super::image::{self, EXECUTE, PT_GNU_STACK, PT_NOTE, READ, Segment, WRITE};

const DATA: u32 = 0x80_2000;

fn words(values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// Code in the first page, data at its end and in the next, which two more
/// segments share; the one with the higher address comes first.
pub fn shared_page() -> Vec<u8> {
    let mut code = Code::new();
    let near_end = (TEXT & !(PAGE - 1)) + PAGE - 4;
    for (name, va, value) in [
        ("across a page's end, first word", near_end, 1),
        ("across a page's end, second word", near_end + 4, 2),
        ("low in the shared page", DATA + 0x10, 3),
        ("high in the shared page", DATA + 0x804, 4),
        ("between two segments", DATA + 0x400, 0),
    ] {
        code.expect_word(name, va, value);
    }
    let segments = [
        Segment::load(DATA + 0x804, READ | WRITE, words(&[4])),
        text(code.done()),
        Segment::load(DATA + 0x10, READ, words(&[3])),
        Segment::load(near_end, READ | WRITE, words(&[1, 2])),
    ];
    image::file(TEXT, &segments, &[])
}

/// Every page that the kernel loads can be written, whatever the file says.
pub fn read_only_text() -> Vec<u8> {
    let mut code = Code::new();
    asm!(code, lea ebp, [->changed]; mov BYTE [ebp + 1], 42; ->changed:; mov eax, 41);
    code.expect("code that was changed", 42);
    asm!(code, mov DWORD [DATA as i32], 7);
    code.expect_word("data without a right to write", DATA, 7);
    let data = Segment::load(DATA, READ, words(&[1]));
    image::file(TEXT, &[text(code.done()), data], &[])
}

/// Odd addresses and lengths, and the debugger's table at 2 MiB.
pub fn odd_alignment() -> Vec<u8> {
    const STAB: u32 = 0x20_0000;
    let mut code = Code::new();
    code.expect_word("at an odd address", DATA + 0x7fd, 0x0403_0201);
    code.expect_word("its last byte", DATA + 0x801, 5);
    code.expect_word("in the debugger's table", STAB + 12, 0x5555);
    asm!(code, movzx eax, WORD [(STAB + 16) as i32]);
    code.expect("the table's last bytes", 0x2222);
    let table = [words(&[0, 0, 0, 0x5555]), vec![0x22, 0x22]].concat();
    let segments = [
        Segment::load(STAB, READ | WRITE, table),
        text(code.done()),
        Segment::load(DATA + 0x7fd, READ, vec![1, 2, 3, 4, 5]),
    ];
    image::file(TEXT, &segments, &[])
}

/// More in memory than in the file: the rest is zero, to the last byte and
/// beyond it to the end of the page. And less than nothing: segments that are
/// not in memory at all, or are not to be loaded.
pub fn zero_filled() -> Vec<u8> {
    const SIZE: u32 = 3 * PAGE + 0x123;
    const NOWHERE: u32 = DATA + 8 * PAGE;
    let mut code = Code::new();
    code.expect_word("the word from the file", DATA + 0x20, 0xffff_ffff);
    // Ends in the middle of a page.
    asm!(code, mov edi, (DATA + 0x24) as i32; mov ecx, (SIZE / 4) as i32; xor eax, eax);
    asm!(code, repe scasd; mov eax, ecx; setne al);
    code.expect("the rest", 0);
    asm!(code, mov eax, [(UVPT + ((DATA + 4 * PAGE) >> 12) * 4) as i32]);
    code.expect("the page behind the last", 0);
    asm!(code, mov eax, [(UVPD + (0x1000_0000_u32 >> 22) * 4) as i32]);
    code.expect("a note's address", 0);
    asm!(code, mov eax, [(UVPT + (NOWHERE >> 12) * 4) as i32]);
    code.expect("an empty segment's address", 0);
    let wild = || Segment::load(0x1000_0000, READ, vec![0xee; 9]);
    let segments = [
        wild().of_type(PT_NOTE).in_memory(u32::MAX),
        Segment::load(DATA + 0x20, READ | WRITE, vec![0xff; 4]).in_memory(SIZE),
        Segment::load(NOWHERE + 3, READ, Vec::new()),
        text(code.done()),
        wild().of_type(PT_GNU_STACK).in_memory(0),
    ];
    image::file(TEXT, &segments, &[])
}

/// As many segments as a file may have, 819 bytes apart.
pub fn many() -> Vec<u8> {
    const COUNT: u32 = 63;
    let place = |index: u32| 0x1000_0000 + index * 0x333;
    let mut code = Code::new();
    for index in 0..COUNT {
        code.expect_word("a segment's word", place(index), index + 1);
    }
    let small = |index| Segment::load(place(index), READ, words(&[index + 1]));
    let segments: Vec<_> = [text(code.done())]
        .into_iter()
        .chain((0..COUNT).map(small))
        .collect();
    image::file(TEXT, &segments, &[])
}

/// Execution begins between code and code, in the second of two segments.
pub fn entry_in_the_middle() -> Vec<u8> {
    const TRAPS: u32 = 0x100;
    let mut code = Code::at(DATA);
    for _ in 0..TRAPS {
        asm!(code, ud2);
    }
    asm!(code, call ->next; ud2; ->next:; pop eax);
    code.expect("where this is", DATA + 2 * TRAPS + 5);
    let segments = [
        text(vec![0x0f, 0x0b]),
        Segment::load(DATA, READ | EXECUTE, code.done()),
    ];
    image::file(DATA + 2 * TRAPS, &segments, &[])
}
