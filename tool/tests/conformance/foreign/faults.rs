//! The protocol of page-fault upcalls, spoken by hand: where the frame is, the
//! empty word below a handler that faults itself, and the way back, which is
//! no system call.

use super::calls::{expect_pattern, with_pattern};
use super::code::*;
use super::image;

pub const SET_UPCALL: u32 = 9;
/// Where the first frame is: 52 bytes below the exception stack's top.
const FIRST_FRAME: u32 = 0xeebf_ffcc;
/// What the handler has on its stack when it faults itself.
const IN_USE: u32 = 12;
/// Frame and empty word of a fault in the handler.
const NESTED_FRAME: u32 = FIRST_FRAME - IN_USE - 4 - 52;
/// The program writes here, and nothing is mapped.
const TOUCHED: u32 = 0xdead_beec;
/// The handler reads here, and nothing is mapped either.
const TOUCHED_BY_HANDLER: u32 = 0xcafe_b004;
/// A write by the user where nothing is.
const WRITE_NOT_PRESENT: u32 = 6;
const READ_NOT_PRESENT: u32 = 4;

/// A fault, and one in its handler; all registers and flags are as before.
pub fn upcall() -> Vec<u8> {
    let mut code = Code::new();
    code.call(PAGE_ALLOC, [0, UXSTACKTOP - PAGE, RW]);
    code.expect("page_alloc", 0);
    asm!(code, xor edx, edx; lea ecx, [->handler]);
    code.enter(SET_UPCALL);
    code.expect("env_set_pgfault_upcall", 0);

    with_pattern(&mut code, |code| {
        asm!(code, mov eax, 0x0a0a_0a0a; mov DWORD [TOUCHED as i32], 0x1234);
    });
    code.expect_word("eax", USTACKTOP - 8, 0x0a0a_0a0a);
    expect_pattern(&mut code);
    code.expect_word("the word that was written", TOUCHED, 0x1234);
    code.say("back where it faulted\n");
    code.say("all as it should be\n");
    code.exit();

    asm!(code, ->handler:; cmp esp, FIRST_FRAME as i32; jne ->nested);
    expect_frame(&mut code, TOUCHED, WRITE_NOT_PRESENT);
    asm!(code, mov eax, [esp + 48]);
    code.expect("esp in the frame", USTACKTOP);
    asm!(code, sub esp, IN_USE as i32; mov DWORD [esp], 0x7777; mov DWORD [esp + 8], 0x8888);
    asm!(code, mov ebx, 0x5555; mov eax, [TOUCHED_BY_HANDLER as i32]);
    code.expect("what the handler read", 0);
    asm!(code, mov eax, ebx);
    code.expect("ebx in the handler", 0x5555);
    asm!(code, mov eax, [esp]);
    code.expect("the handler's stack, lowest word", 0x7777);
    asm!(code, mov eax, [esp + 8]);
    code.expect("the handler's stack, highest word", 0x8888);
    asm!(code, add esp, IN_USE as i32);
    code.call(PAGE_ALLOC, [0, TOUCHED & !(PAGE - 1), RW]);
    code.expect("page_alloc in the handler", 0);
    go_back(&mut code);

    asm!(code, ->nested:; mov eax, esp);
    code.expect("esp of the nested handler", NESTED_FRAME);
    expect_frame(&mut code, TOUCHED_BY_HANDLER, READ_NOT_PRESENT);
    asm!(code, mov eax, [esp + 48]);
    code.expect("esp in the nested frame", FIRST_FRAME - IN_USE);
    code.call(PAGE_ALLOC, [0, TOUCHED_BY_HANDLER & !(PAGE - 1), RW]);
    code.expect("page_alloc in the nested handler", 0);
    go_back(&mut code);
    image::file(TEXT, &[text(code.bytes())], &[])
}

fn expect_frame(code: &mut Code, fault_va: u32, err: u32) {
    asm!(code, mov eax, [esp]);
    code.expect("fault_va", fault_va);
    asm!(code, mov eax, [esp + 4]);
    code.expect("err", err);
}

/// From the frame at esp back to where it faulted: eip goes below the
/// interrupted stack, everything else is popped, and `ret` finds it there.
pub fn go_back(code: &mut Code) {
    asm!(code,
        mov eax, [esp + 40];
        mov ebx, [esp + 48];
        sub ebx, 4;
        mov [ebx], eax;
        mov [esp + 48], ebx;
        add esp, 8;
        popad;
        add esp, 4;
        popf;
        pop esp;
        ret
    );
}
