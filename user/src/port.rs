//! Port input and output, for an environment that drives a device.
//!
//! Only one that the kernel started as a file server has the right (IOPL 3 in
//! its flags); any other dies at these instructions of a general protection
//! fault, and so does a child of a file server, which does not inherit it.
//!
//! The hard thing is what is `unsafe`: that the processor allows the
//! instruction says nothing about the device, which may be told to write to
//! memory that Rust code relies on.

use core::arch::asm;

/// Reads a byte.
///
/// # Safety
/// What the device does then changes no memory that Rust code relies on.
#[inline]
pub unsafe fn read8(port: u16) -> u8 {
    let byte;
    // SAFETY: changes a register only; about the device see above.
    unsafe { asm!("in al, dx", in("dx") port, out("al") byte, options(nostack)) };
    byte
}

/// Reads two bytes.
///
/// # Safety
/// As [`read8`].
#[inline]
pub unsafe fn read16(port: u16) -> u16 {
    let word;
    // SAFETY: changes a register only; about the device see above.
    unsafe { asm!("in ax, dx", in("dx") port, out("ax") word, options(nostack)) };
    word
}

/// Writes a byte.
///
/// # Safety
/// As [`read8`].
#[inline]
pub unsafe fn write8(port: u16, byte: u8) {
    // SAFETY: changes nothing of ours; about the device see above.
    unsafe { asm!("out dx, al", in("dx") port, in("al") byte, options(nostack)) };
}

/// Writes two bytes.
///
/// # Safety
/// As [`read8`].
#[inline]
pub unsafe fn write16(port: u16, word: u16) {
    // SAFETY: changes nothing of ours; about the device see above.
    unsafe { asm!("out dx, ax", in("dx") port, in("ax") word, options(nostack)) };
}
