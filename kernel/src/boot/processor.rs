//! What the processors can do, and switching it on.
//!
//! The entry code has refused processors that lack what nothing here works
//! without. The rest is optional. The hard thing: all CPUs must have the same
//! control registers, or a bug shows on one of them only; so every CPU runs
//! [`enable`], and what CPU 0 has decides.

use crate::smp::{ThisCpu, fpu};
use crate::trap;
use crate::x86;
use abi::trap::KERNEL_CODE;
use core::arch::x86::{__cpuid, __cpuid_count};

/// CPUID.1:EDX: x87 unit.
const FPU: u32 = 1 << 0;
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
/// CPUID.1:EDX: FXSAVE, and SSE.
const FXSR_AND_SSE: u32 = 1 << 24 | 1 << 25;
/// CPUID.7:EBX: no execution of user pages by the kernel.
const SMEP: u32 = 1 << 7;
/// CPUID.7:EBX: no access to user pages by the kernel.
const SMAP: u32 = 1 << 20;
/// CPUID.7:ECX: `sgdt` and its like are the kernel's.
const UMIP: u32 = 1 << 2;

/// What the entry code insists on.
pub const REQUIRED: u32 = FPU | PSE | TSC | MSR | APIC;

const SYSENTER_CS: u32 = 0x174;
const SYSENTER_ESP: u32 = 0x175;
const SYSENTER_EIP: u32 = 0x176;
const APIC_BASE: u32 = 0x1b;
const APIC_ENABLE: u32 = 1 << 11;

/// Whether this processor has FXSAVE and SSE; we use both or neither.
pub fn has_fxsave() -> bool {
    __cpuid(1).edx & FXSR_AND_SSE == FXSR_AND_SSE
}

/// Whether this processor has `sysenter`. The Pentium Pro says so and has not.
pub fn has_sysenter() -> bool {
    let leaf = __cpuid(1);
    leaf.edx & SEP != 0 && leaf.eax & 0xfff >= 0x633
}

/// What is switched on in CR4 if the processor has it.
fn optional_features() -> [(bool, u32); 6] {
    let basic = __cpuid(1).edx;
    let extended = (__cpuid(0).eax >= 7).then(|| __cpuid_count(7, 0));
    let [ebx, ecx] = extended.map_or([0; 2], |leaf| [leaf.ebx, leaf.ecx]);
    [
        (basic & PGE != 0, x86::CR4_PGE),
        (basic & MCE != 0, x86::CR4_MCE),
        (basic & FXSR_AND_SSE == FXSR_AND_SSE, x86::CR4_SSE),
        (ebx & SMEP != 0, x86::CR4_SMEP),
        (ebx & SMAP != 0, x86::CR4_SMAP),
        (ecx & UMIP != 0, x86::CR4_UMIP),
    ]
}

/// Sets this CPU's control and model-specific registers.
pub fn enable(cpu: ThisCpu) {
    let bits = optional_features()
        .iter()
        .fold(0, |all, &(has, bit)| if has { all | bit } else { all });
    // SAFETY: (16) the processor has what is switched on; CR0 and PSE stay, the
    // kernel runs no user code and reaches user memory through the direct map.
    unsafe { x86::set_cr4(bits) };
    fpu::reset();
    if has_sysenter() {
        // SAFETY: (17) a processor with `sysenter` has these three; the stub and
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
    // SAFETY: (18) a processor with an APIC and MSRs; those that have an APIC but
    // not this register (the Pentium's first) fault, and never had PSE and
    // MSRs both listed by an emulator.
    let base = unsafe { x86::rdmsr(APIC_BASE) } as u32;
    if base & APIC_ENABLE == 0 {
        // SAFETY: (19) only the enable bit changes.
        unsafe { x86::wrmsr(APIC_BASE, base | APIC_ENABLE) };
    }
    base & 0xffff_f000
}
