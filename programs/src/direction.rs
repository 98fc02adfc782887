//! The direction flag, set while the kernel is entered.
//!
//! The hard thing is that no Rust code may run meanwhile: strings would be copied
//! backwards. So each function sets the flag, does one thing, takes the flags and
//! clears it again, all in one statement.

use core::arch::asm;

/// The flag.
pub const DF: u32 = 1 << 10;

/// Enters by `int 0x30`, with the flag set, for a call with four arguments.
/// Returns what the call did, and the flags after it.
///
/// # Safety
/// As for any call of that number.
pub unsafe fn int(number: u32, [a1, a2, a3, a4]: [u32; 4]) -> (i32, u32) {
    let result;
    let flags;
    // SAFETY:
    // 1. The kernel changes no register but eax; the call is the caller's.
    // 2. The flag is clear again at the end, as Rust expects it.
    unsafe {
        asm!(
            "std",
            "int 0x30",
            "pushfd",
            "cld",
            "pop edx",
            inlateout("eax") number => result,
            inlateout("edx") a1 => flags,
            in("ecx") a2,
            in("ebx") a3,
            in("edi") a4,
        );
    }
    (result, flags)
}

/// Stores `word` at `address`, with the flag set. Returns the flags after it.
///
/// # Safety
/// No Rust object lives there; a fault there is handled, or ends the environment.
pub unsafe fn store(address: u32, word: u32) -> u32 {
    let flags;
    // SAFETY: the address is the caller's; for the flag, see above.
    unsafe {
        asm!("std", "mov [{0}], {1}", "pushfd", "cld", "pop {1}",
            in(reg) address, inlateout(reg) word => flags);
    }
    flags
}

/// Counts down from `count` with the flag set: long enough, and a quantum ends
/// meanwhile. Returns the flags after it.
pub fn count_down(count: u32) -> u32 {
    let flags;
    // SAFETY: for the flag, see above; the stack is as before.
    unsafe {
        asm!("std", "2: dec {0}", "jnz 2b", "pushfd", "cld", "pop {0}",
            inlateout(reg) count => flags, options(nomem));
    }
    flags
}
