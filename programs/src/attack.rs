//! Single instructions that a kernel has to survive.
//!
//! In assembly, so that the compiler has no opinion on them: in Rust a read of
//! address 0 or a division by 0 need not happen at all. The hard thing is to
//! say what makes them sound: most of them never come back.

use core::arch::asm;

/// Reads the word at `address`.
///
/// # Safety
/// Reading has no effect there; a fault may end the environment.
pub unsafe fn load(address: u32) -> u32 {
    let word;
    // SAFETY: the caller's.
    unsafe { asm!("mov {}, [{}]", out(reg) word, in(reg) address, options(nostack)) };
    word
}

/// Writes `word` to `address`.
///
/// # Safety
/// No Rust object lives there; a fault may end the environment.
pub unsafe fn store(address: u32, word: u32) {
    // SAFETY: the caller's.
    unsafe { asm!("mov [{}], {}", in(reg) address, in(reg) word, options(nostack)) };
}

/// Calls what is at `address`.
///
/// # Safety
/// No program is there; a fault ends the environment.
pub unsafe fn call(address: u32) {
    // SAFETY: the caller's.
    unsafe { asm!("call {}", in(reg) address) };
}

/// The quotient as the processor sees it, which is none for a zero divisor.
pub fn divide(dividend: i32, divisor: i32) -> i32 {
    let quotient;
    // SAFETY: changes registers only; a divide error ends the environment.
    unsafe {
        asm!(
            "cdq",
            "idiv {}",
            in(reg) divisor,
            inlateout("eax") dividend => quotient,
            out("edx") _,
            options(nomem, nostack),
        );
    }
    quotient
}

/// Raises the page-fault vector by an instruction, which needs more privilege
/// than a program has.
pub fn software_page_fault() {
    // SAFETY: a general protection fault ends the environment.
    unsafe { asm!("int 14") };
}

/// Enters the debugger: the kernel's monitor, where there is one.
pub fn breakpoint() {
    // SAFETY: a breakpoint changes nothing of ours.
    unsafe { asm!("int3", options(nomem, nostack)) };
}

/// Loads `selector` into the data segment register.
///
/// # Safety
/// It is no segment that a program may load: the fault ends the environment.
pub unsafe fn load_data_segment(selector: u16) {
    // SAFETY: the caller's.
    unsafe { asm!("mov ds, {:x}", in(reg) selector, options(nostack)) };
}

/// `cputs` of any range of addresses.
///
/// # Safety
/// None is needed: the kernel checks the range. Unsafe because it looks like
/// reading that memory, and it would be, in a kernel that does not check.
pub unsafe fn cputs(address: u32, len: u32) {
    use user::entry::{Entry, Int};
    const CPUTS: u32 = 0;
    // SAFETY: the call reads only.
    unsafe { Int::call2(CPUTS, address, len) };
}
