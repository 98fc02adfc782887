//! What the processors can do, and switching it on.
//!
//! The entry code has refused processors that lack what the kernel needs. The
//! rest is optional. The hard thing: all CPUs must have the same control
//! registers, or a bug would show on some of them only. So every CPU runs
//! [`enable`], and CPU 0's features decide; a CPU that has less is left out.
//! Except for `sysenter`: programs are told of it only if all CPUs have it.

use crate::machine::smp::{ThisCpu, fpu};
use crate::machine::x86;
use crate::trap::vectors;
use abi::call::{FEATURE_SYSENTER, FEATURES};
use abi::trap::KERNEL_CODE;
use core::arch::x86::{__cpuid, __cpuid_count};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

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
/// CPUID.1:EDX: FXSAVE, and SSE; we use both or neither.
const FXSR_AND_SSE: u32 = 1 << 24 | 1 << 25;
/// CPUID.7:EBX: no execution of user pages by the kernel.
const SMEP: u32 = 1 << 7;
/// CPUID.7:EBX: no access to user pages by the kernel.
const SMAP: u32 = 1 << 20;
/// CPUID.7:ECX: `sgdt` and its like are the kernel's.
const UMIP: u32 = 1 << 2;

/// What the entry code requires.
pub const REQUIRED: u32 = FPU | PSE | TSC | MSR | APIC;

const SYSENTER_CS: u32 = 0x174;
const SYSENTER_ESP: u32 = 0x175;
const SYSENTER_EIP: u32 = 0x176;
const APIC_BASE: u32 = 0x1b;
const APIC_ENABLE: u32 = 1 << 11;
/// x2APIC mode: the registers are MSRs, and do not answer in memory.
const APIC_BY_MSR: u32 = 1 << 10;
/// Where the local APIC is on processors without [`APIC_BASE`].
const FIRST_APIC_ADDRESS: u32 = 0xfee0_0000;
/// The MSR that switches `syscall`, the NX bit and 64-bit mode on.
pub const EFER: u32 = 0xc000_0080;
/// CPUID.80000001:EDX: any of these three.
pub const USES_EFER: u32 = 1 << 11 | 1 << 20 | 1 << 29;

/// Whether this processor has `sysenter`. The Pentium Pro claims to, but has not.
fn has_sysenter() -> bool {
    let leaf = __cpuid(1);
    leaf.edx & SEP != 0 && leaf.eax & 0xfff >= 0x633
}

/// The optional features: whether this processor has each, and its bit in CR4.
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

/// What CPU 0 has switched on in CR4, besides PSE.
static SWITCHED_ON: AtomicU32 = AtomicU32::new(0);
/// Whether all CPUs so far have `sysenter`.
static ALL_HAVE_SYSENTER: AtomicBool = AtomicBool::new(true);

/// The features that programs may use on all CPUs that are up.
pub fn features() -> u32 {
    match ALL_HAVE_SYSENTER.load(Relaxed) {
        true => FEATURES,
        false => FEATURES & !FEATURE_SYSENTER,
    }
}

/// Sets this CPU's control and model-specific registers. False if it lacks a feature
/// of CPU 0, and so cannot be used.
#[must_use]
pub fn enable(cpu: ThisCpu) -> bool {
    let own = optional_features()
        .iter()
        .fold(0, |all, &(has, bit)| if has { all | bit } else { all });
    if cpu.is_first() {
        SWITCHED_ON.store(own, Relaxed);
    }
    let bits = SWITCHED_ON.load(Relaxed);
    if bits & !own != 0 {
        return false;
    }
    x86::disarm_breakpoints();
    reset_extended_features();
    // SAFETY: (16) the processor has what is switched on; CR0 and PSE stay, the
    // kernel runs no user code and reaches user memory through the direct map.
    unsafe { x86::set_cr4(bits) };
    fpu::init_cpu(bits & x86::CR4_SSE != 0);
    set_up_sysenter(cpu);
    true
}

fn set_up_sysenter(cpu: ThisCpu) {
    if !has_sysenter() {
        ALL_HAVE_SYSENTER.store(false, Relaxed);
    } else {
        // SAFETY: (17) a processor with `sysenter` has these three; the stub and
        // the stack they name are this CPU's.
        unsafe {
            x86::wrmsr(SYSENTER_CS, KERNEL_CODE.into());
            x86::wrmsr(SYSENTER_ESP, cpu.entry_top().into());
            x86::wrmsr(SYSENTER_EIP, vectors::sysenter().into());
        }
    }
}

/// Switches this CPU's local APIC on, with its registers in memory, whatever mode it
/// was left in; returns their physical address.
pub fn local_apic() -> u32 {
    if !has_apic_base() {
        return FIRST_APIC_ADDRESS;
    }
    // SAFETY: (18) the processor has it.
    let base = unsafe { x86::rdmsr(APIC_BASE) };
    let Ok(low) = u32::try_from(base) else {
        panic!("the local APIC's registers lie beyond 4 GiB");
    };
    let off = low & !(APIC_ENABLE | APIC_BY_MSR);
    // SAFETY: (19) only the mode changes. From x2APIC mode the only way back is
    // through "off".
    unsafe {
        if low & APIC_BY_MSR != 0 {
            x86::wrmsr(APIC_BASE, off.into());
        }
        if low != off | APIC_ENABLE {
            x86::wrmsr(APIC_BASE, (off | APIC_ENABLE).into());
        }
    }
    low & 0xffff_f000
}

/// Whether an MSR says where the local APIC is. Family 6 introduced it. On earlier
/// processors the APIC is always on and at the same place, and reading the MSR would
/// fault, which nothing can handle yet.
fn has_apic_base() -> bool {
    __cpuid(1).eax >> 8 & 0xf >= 6
}

/// Forgets the operating mode and the fast system call of an earlier 64-bit system.
fn reset_extended_features() {
    if __cpuid(0x8000_0000).eax > 0x8000_0000 && __cpuid(0x8000_0001).edx & USES_EFER != 0 {
        // SAFETY: (101) a processor with any of these has the MSR; paging has two
        // levels and uses none of them.
        unsafe { x86::wrmsr(EFER, 0) };
    }
}
