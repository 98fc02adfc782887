//! What the processors can do, and switching it on.
//!
//! The entry code has refused processors that lack what nothing here works
//! without. The rest is optional. The hard thing: all CPUs must have the same
//! control registers, or a bug shows on one of them only; so every CPU runs
//! [`enable`], and what CPU 0 has decides.

use crate::smp::ThisCpu;
use crate::trap;
use crate::x86;
use abi::trap::KERNEL_CODE;
use core::arch::x86::__cpuid;

/// CPUID.1:EDX: 4 MiB pages.
const PSE: u32 = 1 << 3;
/// CPUID.1:EDX: time-stamp counter.
const TSC: u32 = 1 << 4;
/// CPUID.1:EDX: model-specific registers.
const MSR: u32 = 1 << 5;
/// CPUID.1:EDX: machine-check exception.
const MCE: u32 = 1 << 7;
/// CPUID.1:EDX: local APIC.
const APIC: u32 = 1 << 9;
/// CPUID.1:EDX: `sysenter`.
const SEP: u32 = 1 << 11;
/// CPUID.1:EDX: global pages.
const PGE: u32 = 1 << 13;

/// What the entry code insists on.
pub const REQUIRED: u32 = PSE | TSC | MSR | APIC;

const SYSENTER_CS: u32 = 0x174;
const SYSENTER_ESP: u32 = 0x175;
const SYSENTER_EIP: u32 = 0x176;
const APIC_BASE: u32 = 0x1b;
const APIC_ENABLE: u32 = 1 << 11;

/// Whether this processor has `sysenter`. The Pentium Pro says so and has not.
pub fn has_sysenter() -> bool {
    let leaf = __cpuid(1);
    leaf.edx & SEP != 0 && leaf.eax & 0xfff >= 0x633
}

/// Sets this CPU's control and model-specific registers.
pub fn enable(cpu: ThisCpu) {
    let features = __cpuid(1).edx;
    let optional = [(PGE, x86::CR4_PGE), (MCE, x86::CR4_MCE)];
    let bits = optional
        .iter()
        .filter(|(feature, _)| features & feature != 0);
    // SAFETY: the processor has what is switched on; CR0 and PSE stay.
    unsafe { x86::set_cr4(bits.fold(0, |all, (_, bit)| all | bit)) };
    if has_sysenter() {
        // SAFETY: a processor with `sysenter` has these three; the stub and
        // the stack they name are this CPU's.
        unsafe {
            x86::wrmsr(SYSENTER_CS, KERNEL_CODE);
            x86::wrmsr(SYSENTER_ESP, cpu.stack_top());
            x86::wrmsr(SYSENTER_EIP, trap::sysenter());
        }
    }
}

/// Physical address of the local APIC's registers, which are switched on.
pub fn local_apic() -> u32 {
    // SAFETY: a processor with an APIC and MSRs; those that have an APIC but
    // not this register (the Pentium's first) fault, and never had PSE and
    // MSRs both listed by an emulator.
    let base = unsafe { x86::rdmsr(APIC_BASE) } as u32;
    if base & APIC_ENABLE == 0 {
        // SAFETY: only the enable bit changes.
        unsafe { x86::wrmsr(APIC_BASE, base | APIC_ENABLE) };
    }
    base & 0xffff_f000
}
