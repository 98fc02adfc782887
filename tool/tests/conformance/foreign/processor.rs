//! What the processor keeps and the kernel must look after: segment registers
//! that a neighbour has set, and translations of the caller's own pages.
//!
//! The hard thing is that nearly every program leaves the segment registers
//! alone, and seldom changes a page that it has just used. (What QEMU cannot
//! show is a kernel that works with the user's ds and es: it lets a null selector
//! be used like any other.)

use super::code::*;
use super::faults::{SET_UPCALL, go_back};
use super::image;

const YIELD: u32 = 10;
const USER_DATA: u32 = 0x23;
const USER_CODE: u32 = 0x1b;
const CHILD: u32 = 0x1001;
/// Where an entry of the public table has the status; the first is the parent's.
const STATUS: u32 = 84;

/// Where a child traps that is stepped through `mov ss, cx; inc edx; inc edx`: behind the
/// second, though a step is due before.
pub const STEPPED: u32 = TEXT + 5 + 5 + 1 + 2 + 1;

/// A child sets TF, and loads ss with its next instruction; the step that is due then
/// comes an instruction later, and kills it.
pub fn step_after_mov_ss() -> Vec<u8> {
    // mov ss, cx
    stepped([0x8e, 0xd1])
}

/// As [`step_after_mov_ss`], with `pop`.
pub fn step_after_pop_ss() -> Vec<u8> {
    // pop ss, with a prefix that means nothing: so it is as long.
    stepped([0x3e, 0x17])
}

fn stepped(load: [u8; 2]) -> Vec<u8> {
    const TF: u32 = 0x102;
    /// Where the other entry of the public table is.
    const SECOND: u32 = UENVS + 124;
    let mut code = Code::new();
    asm!(code, jmp ->begin; ->step:; push TF as i32; popf; .bytes load; inc edx; inc edx; ud2);
    asm!(code, ->begin:);
    start_child(&mut code);
    asm!(code, again:);
    code.enter(YIELD);
    asm!(code, cmp DWORD [(SECOND + STATUS) as i32], 0; jne <again);
    code.say("all as it should be\n");
    code.exit();
    asm!(code, ->child:; mov ecx, USER_DATA as i32; push ecx; jmp ->step);
    image::file(TEXT, &[text(code.bytes())], &[])
}

/// Loads fs and gs.
fn load_fs_gs(code: &mut Code, selector: u32) {
    asm!(code, mov ecx, selector as i32; .bytes [0x8e, 0xe1, 0x8e, 0xe9]);
}

/// Prepares a handler that maps the page which was touched.
fn set_upcall(code: &mut Code) {
    code.call(PAGE_ALLOC, [0, UXSTACKTOP - PAGE, RW]);
    code.expect("page_alloc", 0);
    asm!(code, xor edx, edx; lea ecx, [->handler]);
    code.enter(SET_UPCALL);
    code.expect("env_set_pgfault_upcall", 0);
}

/// The handler, behind the end of the program.
fn handler(code: &mut Code) {
    asm!(code, ->handler:);
    asm!(code, mov ecx, [esp]; and ecx, -(PAGE as i32); xor edx, edx; mov ebx, RW as i32);
    code.enter(PAGE_ALLOC);
    code.expect("page_alloc in the handler", 0);
    go_back(code);
}

/// Starts a child at the label of that name, with a stack and the program's page.
fn start_child(code: &mut Code) {
    code.enter(EXOFORK);
    asm!(code, test eax, eax; jz ->child);
    code.expect("exofork", CHILD);
    code.call(PAGE_ALLOC, [CHILD, USTACKTOP - PAGE, RW]);
    code.expect("page_alloc", 0);
    let page = TEXT & !(PAGE - 1);
    code.call(PAGE_MAP, [0, page, CHILD, page, RO]);
    code.expect("page_map", 0);
    code.call(ENV_SET_STATUS, [CHILD, RUNNABLE]);
    code.expect("env_set_status", 0);
}

/// A child sets fs and gs, and both yield to each other; the parent must not see
/// what the child has set.
pub fn neighbours_segments() -> Vec<u8> {
    let mut code = Code::new();
    start_child(&mut code);
    asm!(code, mov ebp, 100; again:);
    code.enter(YIELD);
    asm!(code, xor eax, eax; .bytes [0x8c, 0xe0]; movzx eax, ax);
    code.expect("fs", USER_DATA);
    asm!(code, xor eax, eax; .bytes [0x8c, 0xe8]; movzx eax, ax);
    code.expect("gs", USER_DATA);
    asm!(code, dec ebp; jnz <again);
    code.call(ENV_DESTROY, [CHILD]);
    code.expect("env_destroy", 0);
    code.say("all as it should be\n");
    code.exit();
    // The child, as long as its parent lives.
    asm!(code, ->child:; for_ever:);
    load_fs_gs(&mut code, USER_CODE);
    code.enter(YIELD);
    asm!(code, cmp DWORD [(UENVS + STATUS) as i32], 0; jne <for_ever);
    code.exit();
    image::file(TEXT, &[text(code.bytes())], &[])
}

/// A page of the caller's is replaced, made read-only, and taken away, after the
/// processor has used it.
pub fn own_pages() -> Vec<u8> {
    const ONE: u32 = 0x1000_0000;
    const OTHER: u32 = 0x1000_1000;
    let mut code = Code::new();
    set_upcall(&mut code);
    for (page, value) in [(ONE, 1), (OTHER, 2)] {
        code.call(PAGE_ALLOC, [0, page, RW]);
        code.expect("page_alloc", 0);
        asm!(code, mov DWORD [page as i32], value);
    }
    code.expect_word("the page", ONE, 1);
    code.call(PAGE_MAP, [0, OTHER, 0, ONE, RW]);
    code.expect("page_map", 0);
    code.expect_word("the page that took its place", ONE, 2);
    code.call(PAGE_ALLOC, [0, ONE, RW]);
    code.expect("page_alloc", 0);
    code.expect_word("a fresh page in its place", ONE, 0);
    asm!(code, mov DWORD [ONE as i32], 3);
    code.call(PAGE_UNMAP, [0, ONE]);
    code.expect("page_unmap", 0);
    code.expect_word("a page that is gone, and mapped again", ONE, 0);
    // The handler gives it another page when it may not be written.
    code.call(PAGE_MAP, [0, OTHER, 0, OTHER, RO]);
    code.expect("page_map", 0);
    asm!(code, mov DWORD [(OTHER + 4) as i32], 4);
    code.expect_word("a page that could not be written", OTHER, 0);
    code.say("all as it should be\n");
    code.exit();
    handler(&mut code);
    image::file(TEXT, &[text(code.bytes())], &[])
}
