//! Single instructions that Rust has no words for.
//!
//! The hard thing is to keep `unsafe` where the danger is. Reading a register
//! is harmless and safe here; loading one that changes the meaning of every
//! later instruction is `unsafe`, and says what its caller must guarantee.
//! Source: Intel SDM volume 2.

use core::arch::asm;

/// CR0 of every CPU: paging, write protection that binds the kernel too, alignment
/// checks for programs that set AC, x87 errors as exceptions; caches on, EM clear.
/// TS comes and goes, see [`crate::machine::smp::fpu`].
pub const CR0: u32 = 0x8005_0033;
/// CR4: 4 MiB pages.
pub const CR4_PSE: u32 = 0x10;
/// CR4: machine checks as exceptions.
pub const CR4_MCE: u32 = 0x40;
/// CR4: user mode cannot read the addresses of descriptor tables.
pub const CR4_UMIP: u32 = 0x800;
/// CR4: the kernel does not execute user pages.
pub const CR4_SMEP: u32 = 0x10_0000;
/// CR4: the kernel does not touch user pages at their user addresses.
pub const CR4_SMAP: u32 = 0x20_0000;
/// CR4: FXSAVE, SSE, and SSE's exceptions.
pub const CR4_SSE: u32 = 0x600;
/// CR4: global pages.
pub const CR4_PGE: u32 = 0x80;

/// A device register in I/O space.
#[derive(Clone, Copy)]
pub struct Port(u16);

impl Port {
    /// Access to a port.
    ///
    /// # Safety
    /// No use of it that this kernel makes may change memory.
    pub const unsafe fn new(number: u16) -> Port {
        Port(number)
    }

    /// Reads a byte.
    pub fn read(self) -> u8 {
        let value: u8;
        // SAFETY: (73) the promise made to `new`.
        unsafe {
            asm!("in al, dx", in("dx") self.0, out("al") value, options(nomem, nostack, preserves_flags));
        }
        value
    }

    /// Writes a byte.
    pub fn write(self, value: u8) {
        // SAFETY: (74) as in `read`.
        unsafe {
            asm!("out dx, al", in("dx") self.0, in("al") value, options(nomem, nostack, preserves_flags));
        }
    }

    /// Reads 32 bits.
    pub fn read_u32(self) -> u32 {
        let value: u32;
        // SAFETY: (75) as in `read`.
        unsafe {
            asm!("in eax, dx", in("dx") self.0, out("eax") value, options(nomem, nostack, preserves_flags));
        }
        value
    }

    /// Writes 32 bits.
    pub fn write_u32(self, value: u32) {
        // SAFETY: (76) as in `read`.
        unsafe {
            asm!("out dx, eax", in("dx") self.0, in("eax") value, options(nomem, nostack, preserves_flags));
        }
    }

    /// Writes 16 bits.
    pub fn write_u16(self, value: u16) {
        // SAFETY: (77) as in `read`.
        unsafe {
            asm!("out dx, ax", in("dx") self.0, in("ax") value, options(nomem, nostack, preserves_flags));
        }
    }
}

/// The time-stamp counter.
#[inline(always)]
pub fn rdtsc() -> u64 {
    // SAFETY: (78) the entry code refused processors without it; it only reads.
    unsafe { core::arch::x86::_rdtsc() }
}

/// Functions that read one register each. That is always harmless.
macro_rules! registers {
    ($($(#[$doc:meta])+ $name:ident, $instruction:literal;)+) => {$(
        $(#[$doc])+
        #[inline(always)]
        pub fn $name() -> u32 {
            let value: u32;
            // SAFETY: (79) reading a register changes nothing.
            unsafe { asm!($instruction, out(reg) value, options(nomem, nostack, preserves_flags)) };
            value
        }
    )+};
}

registers! {
    /// Paging, protection, and TS.
    cr0, "mov {}, cr0";
    /// The address that the last page fault was about.
    cr2, "mov {}, cr2";
    /// Physical address of the page directory.
    cr3, "mov {}, cr3";
    /// The selector in FS.
    fs, "mov {:e}, fs";
    /// The selector in GS.
    gs, "mov {:e}, gs";
    /// The stack pointer.
    esp, "mov {}, esp";
    /// The frame pointer.
    ebp, "mov {}, ebp";
}

/// Loads a page directory, and drops every translation that is not global.
///
/// # Safety
/// The directory at physical address `pgdir` maps the kernel as the one in
/// use does.
#[inline(always)]
pub unsafe fn load_cr3(pgdir: u32) {
    // SAFETY: (81) the caller's promise. No `nomem`: memory below UTOP changes.
    unsafe { asm!("mov cr3, {}", in(reg) pgdir, options(nostack, preserves_flags)) };
}

/// Sets bits of CR4.
///
/// # Safety
/// The processor has the features that the bits name, and none of them is
/// paging itself.
pub unsafe fn set_cr4(bits: u32) {
    // SAFETY: (82) the caller's promise.
    unsafe {
        asm!("mov {t}, cr4", "or {t}, {b}", "mov cr4, {t}", t = out(reg) _, b = in(reg) bits, options(nostack));
    }
}

/// Drops this CPU's translation of the page at `va`.
#[inline(always)]
pub fn invlpg(va: u32) {
    // SAFETY: (83) forgetting a translation is always allowed.
    unsafe { asm!("invlpg [{}]", in(reg) va, options(nostack, preserves_flags)) };
}

/// Writes a model-specific register.
///
/// # Safety
/// The processor has it, and the value does not break the running code.
pub unsafe fn wrmsr(register: u32, value: u64) {
    let (low, high) = (value as u32, (value >> 32) as u32);
    // SAFETY: (84) the caller's promise.
    unsafe {
        asm!("wrmsr", in("ecx") register, in("eax") low, in("edx") high, options(nostack, preserves_flags));
    }
}

/// Reads a model-specific register.
///
/// # Safety
/// The processor has it.
pub unsafe fn rdmsr(register: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: (85) the caller's promise.
    unsafe {
        asm!("rdmsr", in("ecx") register, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags));
    }
    u64::from(high) << 32 | u64::from(low)
}

/// Loads FS and GS, which the kernel itself never uses.
///
/// # Safety
/// Both are null, or selectors of segments that user mode may read.
pub unsafe fn load_fs_gs(fs: u32, gs: u32) {
    // SAFETY: (86) the caller's promise.
    unsafe {
        asm!("mov fs, {0:e}", "mov gs, {1:e}", in(reg) fs, in(reg) gs, options(nomem, nostack, preserves_flags));
    }
}

/// Loads FS and GS with the user's data selector.
pub fn reset_fs_gs() {
    // SAFETY: (98) the selector exists in every descriptor table that we load.
    unsafe { load_fs_gs(abi::trap::USER_DATA, abi::trap::USER_DATA) };
}

/// CR0: the next use of x87 or SSE registers traps.
const CR0_TS: u32 = 0x8;

/// Lets x87 and SSE registers be used.
pub fn clts() {
    // SAFETY: (87) one bit of CR0, which no kernel code depends on.
    unsafe { asm!("clts", options(nomem, nostack, preserves_flags)) };
}

/// Whether x87 and SSE registers can be used.
pub fn is_ts_clear() -> bool {
    cr0() & CR0_TS == 0
}

/// Makes the next use of x87 or SSE registers trap.
pub fn set_ts() {
    // SAFETY: (88) as in `clts`.
    unsafe {
        asm!("mov cr0, {}", in(reg) cr0() | CR0_TS, options(nomem, nostack, preserves_flags))
    };
}

/// DR7 with no breakpoint armed. This bit is always set.
const DR7_NONE: u32 = 0x400;

/// Switches off hardware breakpoints that firmware or an earlier system set.
pub fn disarm_breakpoints() {
    // SAFETY: (102) no kernel code depends on a breakpoint.
    unsafe { asm!("mov dr7, {}", in(reg) DR7_NONE, options(nomem, nostack, preserves_flags)) };
}

/// Resets the x87 unit.
pub fn fninit() {
    // SAFETY: (89) the kernel is compiled without x87 instructions.
    unsafe { asm!("fninit", options(nomem, nostack, preserves_flags)) };
}

/// Stores x87 and SSE registers.
///
/// # Safety
/// TS is clear, the processor has FXSAVE, and 512 writeable bytes are at the
/// 16-byte aligned address.
pub unsafe fn fxsave(image: *mut u8) {
    // SAFETY: (90) the caller's promise.
    unsafe { asm!("fxsave [{}]", in(reg) image, options(nostack, preserves_flags)) };
}

/// Loads x87 and SSE registers.
///
/// # Safety
/// As [`fxsave`], and the image is one that it stored or could have stored.
pub unsafe fn fxrstor(image: *const u8) {
    // SAFETY: (91) the caller's promise; the kernel has nothing in these registers.
    unsafe { asm!("fxrstor [{}]", in(reg) image, options(nostack, readonly, preserves_flags)) };
}

/// Stores x87 registers, and resets the unit.
///
/// # Safety
/// TS is clear, and 108 writeable bytes are at the address.
pub unsafe fn fnsave(image: *mut u8) {
    // SAFETY: (92) the caller's promise.
    unsafe { asm!("fnsave [{}]", in(reg) image, options(nostack, preserves_flags)) };
}

/// Loads x87 registers.
///
/// # Safety
/// TS is clear, no exception is pending, and [`fnsave`] stored the image.
pub unsafe fn frstor(image: *const u8) {
    // SAFETY: (93) the caller's promise; the kernel has nothing in these registers.
    unsafe { asm!("frstor [{}]", in(reg) image, options(nostack, readonly, preserves_flags)) };
}

/// Stops this CPU for good; it only answers NMIs.
pub fn halt_forever() -> ! {
    loop {
        // SAFETY: (94) with interrupts off, only an NMI ends the wait, and the loop goes on.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}
