//! System calls by their numbers, which differ from edition to edition, and
//! what they promise to programs that were built long ago.

use super::code::*;
use super::image;

/// A page of one's own.
const PAGE_VA: u32 = 0x4000_0000;
/// Offset of `env_pgfault_upcall` in the public table.
const UPCALL: u32 = UENVS + 100;
/// No page, to the calls that send one.
const NO_PAGE: u32 = UXSTACKTOP;
const BAD_ENV: u32 = error(2);
const INVAL: u32 = error(3);
const IPC_NOT_RECV: u32 = error(7);

/// The numbers of lab 4, and the value by which it knows a receiver that does
/// not wait.
fn lab4_with(not_receiving: u32, symbols: &[(&str, u32)]) -> Vec<u8> {
    let mut code = Code::new();
    code.call(9, [0, 0x12_3450]);
    code.expect("env_set_pgfault_upcall", 0);
    code.expect_word("the upcall", UPCALL, 0x12_3450);
    code.call(10, []);
    code.call(11, [0, 1, NO_PAGE, 0]);
    code.expect("ipc_try_send", not_receiving);
    code.call(12, [1]);
    code.expect("ipc_recv", INVAL);
    for number in [13, 14, 15, 63, 0x8000_0000, 0xffff_ffff] {
        code.call(number, [1, 1, 1, 1, 1]);
        code.expect("a number that nobody has", INVAL);
    }
    image::file_with_sizes(TEXT, &[text(code.done())], symbols)
}

pub fn lab4() -> Vec<u8> {
    lab4_with(IPC_NOT_RECV, &[])
}

/// In 2014 the errors were numbered differently.
pub fn lab4_of_2014() -> Vec<u8> {
    lab4_with(error(8), &[])
}

/// Nothing says so, but for the size of the table of the errors' names.
pub fn lab4_of_2014_by_symbol() -> Vec<u8> {
    lab4_with(error(8), &[("umain", 30), ("error_string", 4 * 10)])
}

/// Some had that value in lab 5 as well.
pub fn lab5_of_2014_by_symbol() -> Vec<u8> {
    let symbols = [("sys_env_set_trapframe", 30), ("error_string", 4 * 17)];
    let mut code = lab5_code(error(8));
    code.call(14, []);
    code.expect("time_msec, which lab 5 lacks", INVAL);
    image::file_with_sizes(TEXT, &[text(code.done())], &symbols)
}

/// The numbers of lab 5, up to the first that it lacks.
fn lab5_code(not_receiving: u32) -> Code {
    let mut code = Code::new();
    // Of nobody, from memory that can be read: only that is wrong.
    code.call(9, [0x5000, TEXT]);
    code.expect("env_set_trapframe", BAD_ENV);
    code.call(10, [0, 0x12_3450]);
    code.expect("env_set_pgfault_upcall", 0);
    code.expect_word("the upcall", UPCALL, 0x12_3450);
    code.call(11, []);
    code.call(12, [0, 1, NO_PAGE, 0]);
    code.expect("ipc_try_send", not_receiving);
    code.call(13, [1]);
    code.expect("ipc_recv", INVAL);
    code
}

/// Nothing says which edition this was built for, but for its symbols.
pub fn lab5_by_symbol() -> Vec<u8> {
    let symbols = ["umain", "sys_env_set_trapframe", "sys_yield"];
    lab5_with(&symbols)
}

/// Its symbols were stripped; the command line must say it.
pub fn lab5_by_option() -> Vec<u8> {
    lab5_with(&[])
}

fn lab5_with(symbols: &[&str]) -> Vec<u8> {
    let mut code = lab5_code(IPC_NOT_RECV);
    code.call(14, []);
    code.expect("time_msec, which lab 5 lacks", INVAL);
    image::file(TEXT, &[text(code.done())], symbols)
}

/// Lab 6 has a clock, of milliseconds since the boot, in steps of ten. Twenty
/// steps are looked at; nobody is promised to see each.
pub fn lab6_clock() -> Vec<u8> {
    const TIME_MSEC: u32 = 14;
    let mut code = lab5_code(IPC_NOT_RECV);
    code.enter(TIME_MSEC);
    asm!(code, mov ebp, eax; push 20; again:);
    code.enter(TIME_MSEC);
    asm!(code, cmp eax, ebp; je <again; jg >later);
    code.complain("time_msec, which went back");
    asm!(code, later:; mov ebp, eax; xor edx, edx; mov ecx, 10; div ecx; mov eax, edx);
    code.expect("time_msec in steps of ten: the remainder", 0);
    asm!(code, dec DWORD [esp]; jnz <again);
    image::file(TEXT, &[text(code.done())], &["sys_time_msec", "umain"])
}

/// `cputs` is C's `%.*s`: a NUL byte ends it.
pub fn cputs_stops_at_nul() -> Vec<u8> {
    let mut code = Code::new();
    code.say("before\0after\n");
    code.say(" the NUL byte\n");
    image::file(TEXT, &[text(code.done())], &[])
}

/// The accessed and dirty bits of a page, as a block cache looks at them:
/// mapping a page onto itself makes it clean.
pub fn dirty_bit() -> Vec<u8> {
    const ACCESSED: u32 = 0x20;
    const DIRTY: u32 = 0x40;
    let mut code = Code::new();
    let bits_are = |code: &mut Code, what: &str, bits: u32| {
        asm!(code, mov eax, [(UVPT + (PAGE_VA >> 12) * 4) as i32]);
        asm!(code, and eax, (ACCESSED | DIRTY) as i32);
        code.expect(what, bits);
    };
    code.call(PAGE_ALLOC, [0, PAGE_VA, RW]);
    bits_are(&mut code, "a fresh page", 0);
    asm!(code, mov DWORD [PAGE_VA as i32], 1);
    bits_are(&mut code, "a page that was written", ACCESSED | DIRTY);
    for _ in 0..3 {
        code.call(PAGE_MAP, [0, PAGE_VA, 0, PAGE_VA, RW]);
        code.expect("page_map onto itself", 0);
        bits_are(&mut code, "a page mapped onto itself", 0);
        asm!(code, mov eax, [PAGE_VA as i32]);
        bits_are(&mut code, "a page that was read", ACCESSED);
        asm!(code, mov DWORD [PAGE_VA as i32], 2);
        bits_are(&mut code, "a page that was written again", ACCESSED | DIRTY);
    }
    // The bits themselves are no rights to ask for.
    code.call(PAGE_MAP, [0, PAGE_VA, 0, PAGE_VA, RW | DIRTY]);
    code.expect("page_map with D", INVAL);
    image::file(TEXT, &[text(code.done())], &[])
}

/// What the registers hold when [`exofork`] forks, in the order of `pushad`
/// from the top, but for eax and esp.
const PATTERN: [(&str, u32, u32); 6] = [
    ("ecx", 12, 0x0c0c_0c0c),
    ("edx", 16, 0x0d0d_0d0d),
    ("ebx", 20, 0x0b0b_0b0b),
    ("ebp", 28, 0x1234_5678),
    ("esi", 32, 0x5151_5151),
    ("edi", 36, 0xd1d1_d1d1),
];
/// Every arithmetic flag and the direction flag, beside those always set.
const FLAGS: u32 = 0xed7;

/// Fills the registers, does `what`, and leaves them all on the stack, whose
/// top must be free for them.
pub fn with_pattern(code: &mut Code, what: impl FnOnce(&mut Code)) {
    asm!(code, push FLAGS as i32; popf);
    let values = PATTERN.map(|(_, _, value)| value as i32);
    asm!(code, mov ecx, values[0]; mov edx, values[1]; mov ebx, values[2]);
    asm!(code, mov ebp, values[3]; mov esi, values[4]; mov edi, values[5]);
    what(code);
    asm!(code, pushf; pushad; cld);
}

/// They must be there unchanged.
pub fn expect_pattern(code: &mut Code) {
    code.expect_word("flags", USTACKTOP - 4, FLAGS);
    code.expect_word("esp", USTACKTOP - 24, USTACKTOP - 4);
    for (name, offset, value) in PATTERN {
        code.expect_word(name, USTACKTOP - offset, value);
    }
}

/// Parent and child both come out of `exofork` with every register intact but
/// eax.
pub fn exofork() -> Vec<u8> {
    const CHILD: u32 = 0x1001;
    const CHILD_STATUS: u32 = UENVS + 124 + 84;
    const YIELD: u32 = 10;
    let mut code = Code::new();
    with_pattern(&mut code, |code| code.enter(EXOFORK));
    asm!(code, test eax, eax; jz ->child);

    code.expect_word("the child's id", USTACKTOP - 8, CHILD);
    expect_pattern(&mut code);
    // A stack of its own, and the text, which is one page.
    code.call(PAGE_ALLOC, [CHILD, USTACKTOP - PAGE, RW]);
    code.expect("page_alloc", 0);
    let page = TEXT & !(PAGE - 1);
    code.call(PAGE_MAP, [0, page, CHILD, page, RO]);
    code.expect("page_map", 0);
    code.call(ENV_SET_STATUS, [CHILD, RUNNABLE]);
    code.expect("env_set_status", 0);
    asm!(code, again:);
    code.enter(YIELD);
    asm!(code, cmp DWORD [CHILD_STATUS as i32], 0; jne <again);
    code.say("parent: ");
    asm!(code, jmp ->end; ->child:);
    code.expect_word("the child's result", USTACKTOP - 8, 0);
    expect_pattern(&mut code);
    code.say("child: ");
    asm!(code, ->end:);
    image::file(TEXT, &[text(code.done())], &[])
}

/// As lab 5's `spawn`: takes the child's frame from the public table, changes
/// where it begins, asks for I/O privilege, and lets it run.
pub fn spawn() -> Vec<u8> {
    const CHILD: u32 = 0x1001;
    const CHILD_ENTRY: u32 = UENVS + 124;
    const SET_TRAPFRAME: u32 = 9;
    const YIELD: u32 = 11;
    const FRAME: u32 = PAGE_VA;
    let mut code = Code::new();
    code.call(PAGE_ALLOC, [0, FRAME, RW]);
    code.enter(EXOFORK);
    code.expect("exofork", CHILD);
    // 68 bytes: the whole frame.
    asm!(code, mov esi, CHILD_ENTRY as i32; mov edi, FRAME as i32; mov ecx, 17; rep movsd);
    asm!(code, mov eax, [(FRAME + 60) as i32]);
    code.expect("the child's esp in the public table", USTACKTOP);
    asm!(code, lea eax, [->child]; mov [(FRAME + 48) as i32], eax);
    asm!(code, mov DWORD [(FRAME + 60) as i32], (USTACKTOP - 16) as i32);
    asm!(code, or DWORD [(FRAME + 56) as i32], 0x3000);
    asm!(code, mov DWORD [(FRAME + 28) as i32], 0x77);
    code.call(SET_TRAPFRAME, [CHILD, FRAME]);
    code.expect("env_set_trapframe", 0);
    code.call(PAGE_ALLOC, [CHILD, USTACKTOP - PAGE, RW]);
    code.expect("page_alloc", 0);
    let page = TEXT & !(PAGE - 1);
    code.call(PAGE_MAP, [0, page, CHILD, page, RO]);
    code.expect("page_map", 0);
    code.call(ENV_SET_STATUS, [CHILD, RUNNABLE]);
    code.expect("env_set_status", 0);
    asm!(code, again:);
    code.enter(YIELD);
    asm!(code, cmp DWORD [(CHILD_ENTRY + 84) as i32], 0; jne <again);
    code.say("parent: ");
    asm!(code, jmp ->end; ->child:);
    code.expect("the child's eax", 0x77);
    asm!(code, mov eax, esp);
    code.expect("the child's esp", USTACKTOP - 16);
    asm!(code, pushf; pop eax; and eax, 0x3200);
    code.expect("the child's privilege", 0x200);
    code.say("child: ");
    asm!(code, ->end:);
    image::file(TEXT, &[text(code.done())], &["sys_env_set_trapframe"])
}
