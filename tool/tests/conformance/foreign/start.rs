//! What a program finds when it starts: registers, stack, arguments, and the
//! kernel's public windows at their fixed addresses.

use super::code::*;
use super::image;

/// Registers, flags and segments at the first instruction, without arguments.
pub fn registers() -> Vec<u8> {
    let mut code = Code::new();
    asm!(code, pushf; pushad);
    code.expect_word("flags", USTACKTOP - 4, 0x202);
    for (index, name) in ["eax", "ecx", "edx", "ebx"].into_iter().enumerate() {
        code.expect_word(name, USTACKTOP - 8 - 4 * index as u32, 0);
    }
    code.expect_word("esp", USTACKTOP - 24, USTACKTOP - 4);
    for (index, name) in ["ebp", "esi", "edi"].into_iter().enumerate() {
        code.expect_word(name, USTACKTOP - 28 - 4 * index as u32, 0);
    }
    asm!(code, push cs; pop eax);
    code.expect("cs", 0x1b);
    asm!(code, push ss; pop eax);
    code.expect("ss", 0x23);
    asm!(code, push ds; pop eax);
    code.expect("ds", 0x23);
    asm!(code, push es; pop eax);
    code.expect("es", 0x23);
    asm!(code, push fs; pop eax);
    code.expect("fs", 0x23);
    asm!(code, push gs; pop eax);
    code.expect("gs", 0x23);
    // One page of stack, and nothing below it or above.
    let stack_entry = UVPT + ((USTACKTOP - PAGE) >> 12) * 4;
    asm!(code, mov eax, [stack_entry as i32]; and eax, 7);
    code.expect("the stack's rights", RW);
    for (name, offset) in [("below the stack", -4), ("above the stack", 4)] {
        code.expect_word(name, stack_entry.wrapping_add_signed(offset), 0);
    }
    image::file(TEXT, &[text(code.done())], &[])
}

/// `one` and `two words` on the stack, as `spawn` would lay them out.
pub fn arguments() -> Vec<u8> {
    let mut code = Code::new();
    asm!(code, mov ebp, esp; mov eax, [ebp]);
    code.expect("argc", 3);
    asm!(code, lea eax, [ebp + 8]; sub eax, [ebp + 4]);
    code.expect("argv", 0);
    asm!(code, mov eax, [ebp + 8 + 3 * 4]);
    code.expect("the end of argv", 0);
    for index in 1..3 {
        code.say("argument: ");
        // Strings end exactly at the stack's top; cputs stops at a NUL byte.
        asm!(code, mov edx, [ebp + 8 + 4 * index]; mov ecx, USTACKTOP as i32; sub ecx, edx);
        code.enter(CPUTS);
        code.say("\n");
    }
    asm!(code, mov eax, [ebp + 8 + 2 * 4]; sub eax, (USTACKTOP - 10) as i32);
    code.expect("the end of the last argument", 0);
    image::file(TEXT, &[text(code.done())], &[])
}

/// Its own entry in `envs`, its page tables in `uvpt` and `uvpd`, the count of
/// a frame in `pages`.
pub fn windows() -> Vec<u8> {
    const FREE: u32 = 0x4000_0000;
    let mut code = Code::new();
    // thisenv = &envs[ENVX(sys_getenvid())], as libmain computes it.
    code.call(GETENVID, []);
    code.expect("getenvid", 0x1000);
    asm!(code, and eax, 0x3ff; imul eax, eax, 124; add eax, UENVS as i32; mov ebp, eax);
    for (name, offset, value) in [
        ("env_id", 72, 0x1000),
        ("env_parent_id", 76, 0),
        ("env_type", 80, 0),
        ("env_status", 84, RUNNING),
        ("env_pgfault_upcall", 100, 0),
        // What JOS shows here is the kernel's own affair.
        ("env_tf's eip", 48, 0),
        ("env_link", 68, 0),
        ("env_pgdir", 96, 0),
    ] {
        asm!(code, mov eax, [ebp + offset]);
        code.expect(name, value);
    }
    // The next slot has never been used.
    code.expect_word("an unused slot", UENVS + 124 + 72, 0);

    // Looked at in the order that is safe: directory first.
    code.expect_word("uvpd without a table", UVPD + (FREE >> 22) * 4, 0);
    code.call(PAGE_ALLOC, [0, FREE, RW]);
    code.expect("page_alloc", 0);
    asm!(code, mov eax, [(UVPD + (FREE >> 22) * 4) as i32]; and eax, 7);
    code.expect("uvpd", RW);
    // The directory is its own table for UVPT, and cannot be written.
    asm!(code, mov eax, [(UVPD + (UVPT >> 22) * 4) as i32]; and eax, 7);
    code.expect("uvpd of uvpt", RO);
    count(&mut code, "pp_ref of a page", FREE, 1);
    code.call(PAGE_MAP, [0, FREE, 0, FREE + PAGE, RO]);
    code.expect("page_map", 0);
    count(&mut code, "pp_ref of a page mapped twice", FREE, 2);
    code.call(PAGE_UNMAP, [0, FREE]);
    code.expect("page_unmap", 0);
    code.expect_word("uvpt of what was unmapped", UVPT + (FREE >> 12) * 4, 0);
    count(&mut code, "pp_ref of what is left", FREE + PAGE, 1);

    // The windows are the user's to read, so a call may read them too.
    code.call(CPUTS, [UVPD + (FREE >> 22) * 4 + 4, 4]);
    code.expect("cputs of uvpd", 0);
    image::file(TEXT, &[text(code.done())], &[])
}

/// `pages[uvpt[va >> 12] >> 12].pp_ref`, which must be `value`; and `pp_link`,
/// which shows nothing.
fn count(code: &mut Code, what: &str, va: u32, value: u32) {
    asm!(code,
        mov ebx, [(UVPT + (va >> 12) * 4) as i32];
        shr ebx, 12;
        movzx eax, WORD [ebx * 8 + (UPAGES + 4) as i32]
    );
    code.expect(what, value);
    asm!(code, mov eax, [ebx * 8 + UPAGES as i32]);
    code.expect("pp_link", 0);
}

/// For the test of tests: no kernel may satisfy this one.
pub fn expects_another_id() -> Vec<u8> {
    let mut code = Code::new();
    code.call(GETENVID, []);
    code.expect("getenvid", 0x1001);
    image::file(TEXT, &[text(code.done())], &[])
}
