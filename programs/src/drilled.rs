//! The processor that this runs on as a machine of `drill`.
//!
//! The hard thing is that a case uses every register, esp too: all of them are
//! loaded behind the flags, by moves, which change no flags; and the case comes back
//! by a jump that needs none.

use core::arch::global_asm;

use drill::case::{Case, State};
use drill::layout::{ARENA, ARENA_SIZE, CODE, EXIT_POINTER, PAGES};
use user::{Error, vm};

global_asm!(
    ".local drill_esp",
    ".comm drill_esp, 4, 4",
    ".local drill_eax",
    ".comm drill_eax, 4, 4",
    ".local drill_state",
    ".comm drill_state, 4, 4",
    ".global drill_enter",
    // drill_enter(state, code): the state is replaced by that at the exit.
    "drill_enter:",
    "push ebp",
    "push ebx",
    "push esi",
    "push edi",
    "mov eax, fs",
    "push eax",
    "mov eax, gs",
    "push eax",
    "mov eax, [esp + 28]",
    "mov [drill_state], eax",
    "push dword ptr [esp + 32]",
    "pop dword ptr [drill_eax]",
    "pushfd",
    "mov [drill_esp], esp",
    "push dword ptr [eax + 32]",
    "popfd",
    "mov ecx, [eax + 4]",
    "mov edx, [eax + 8]",
    "mov ebx, [eax + 12]",
    "mov esp, [eax + 16]",
    "mov ebp, [eax + 20]",
    "mov esi, [eax + 24]",
    "mov edi, [eax + 28]",
    "mov eax, [eax]",
    "jmp [drill_eax]",
    ".global drill_exit",
    "drill_exit:",
    "mov [drill_eax], eax",
    "mov eax, [drill_state]",
    "mov [eax + 4], ecx",
    "mov [eax + 8], edx",
    "mov [eax + 12], ebx",
    "mov [eax + 16], esp",
    "mov [eax + 20], ebp",
    "mov [eax + 24], esi",
    "mov [eax + 28], edi",
    "mov esp, [drill_esp]",
    "pushfd",
    "pop dword ptr [eax + 32]",
    "popfd",
    "mov ecx, [drill_eax]",
    "mov [eax], ecx",
    "mov eax, ds",
    "mov es, eax",
    "pop eax",
    "mov gs, eax",
    "pop eax",
    "mov fs, eax",
    "pop edi",
    "pop esi",
    "pop ebx",
    "pop ebp",
    "ret",
);

unsafe extern "C" {
    fn drill_enter(state: *mut State, code: u32);
    safe fn drill_exit();
}

/// This processor, with the pages that cases work on.
#[derive(Debug)]
pub struct Native(());

impl Native {
    /// Maps the pages.
    ///
    /// # Errors
    /// Something is there already, or no memory is left.
    ///
    /// # Safety
    /// Once only, and before anything else uses these pages. All cases are those of
    /// `drill`.
    pub unsafe fn take_over() -> Result<Native, Error> {
        PAGES.into_iter().try_for_each(vm::allocate)?;
        let exit = drill_exit as *const () as u32;
        // SAFETY: 1. The page has just been mapped, writable, and is nobody else's.
        unsafe { (EXIT_POINTER as *mut u32).write_volatile(exit) };
        Ok(Native(()))
    }
}

impl drill::Machine for Native {
    fn run(&mut self, case: &mut Case) -> State {
        let mut state = case.state;
        copy_to(CODE, case.code.bytes());
        copy_to(ARENA, &case.memory);
        // SAFETY: 1. The code ends with a jump to `drill_exit`, which restores what
        // a function has to. 2. It writes to the arena alone. 3. No case faults.
        unsafe { drill_enter(&raw mut state, CODE) };
        for (va, byte) in (ARENA..).zip(&mut case.memory) {
            // SAFETY: 1. As in `copy_to`.
            *byte = unsafe { (va as *const u8).read_volatile() };
        }
        state
    }
}

/// Copies to the code or the arena.
fn copy_to(va: u32, bytes: &[u8]) {
    const { assert!(ARENA_SIZE <= 4096) };
    for (va, &byte) in (va..).zip(bytes) {
        // SAFETY: 1. `Native` exists, so the pages are mapped, and no reference
        // points into them.
        unsafe { (va as *mut u8).write_volatile(byte) };
    }
}
