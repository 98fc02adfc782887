//! The two segment registers that nothing uses, and flags, around system calls.
//!
//! The hard thing is that both ways into the kernel have to be tried, whichever
//! the library would take.

use core::arch::asm;
use user::entry::{Entry, Int, Sysenter};
use user::interface::Interface;

/// The number of `getenvid`, the same everywhere.
const GETENVID: u32 = 2;

/// Loads FS and GS. Both must be null, or selectors of a user's segment.
pub fn load(fs: u16, gs: u16) {
    // SAFETY: no code uses these registers; a bad selector ends the environment.
    unsafe {
        asm!("mov fs, {0:x}", "mov gs, {1:x}", in(reg) fs, in(reg) gs, options(nomem, nostack, preserves_flags));
    }
}

/// What is in FS and GS.
pub fn store() -> (u16, u16) {
    let (fs, gs);
    // SAFETY: reading them changes nothing.
    unsafe {
        asm!("mov {0:x}, fs", "mov {1:x}, gs", out(reg) fs, out(reg) gs, options(nomem, nostack, preserves_flags));
    }
    (fs, gs)
}

/// The flags.
pub fn flags() -> u32 {
    let flags;
    // SAFETY: reading them changes nothing; the stack is as before.
    unsafe { asm!("pushfd", "pop {}", out(reg) flags, options(nomem, preserves_flags)) };
    flags
}

/// Enters the kernel by `int 0x30` and comes back.
pub fn by_int() {
    // SAFETY: `getenvid` changes nothing.
    unsafe { Int::call0(GETENVID) };
}

/// The same by `sysenter`, where there is one.
pub fn by_sysenter() {
    if Interface::get().sysenter().is_some() {
        // SAFETY: as above.
        unsafe { Sysenter::call0(GETENVID) };
    }
}
