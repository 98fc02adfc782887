//! Starting the other CPUs, one at a time.
//!
//! CPU 0 resets each of them, has it begin at the trampoline, and waits for it.
//! The hard thing is a CPU that does not come, or comes late: it must neither
//! stop the boot nor take what was meant for another. So the stack pointer that
//! CPU 0 lays out is a ticket that exactly one side takes, by an atomic
//! exchange: the new CPU, which thereby gets its stack, or CPU 0 when the time
//! is up. Source: Intel SDM volume 3, "Multiple-processor initialization".

use super::{ThisCpu, agreement, area, clock, lapic, segments};
use crate::boot::processor;
use crate::machine::address_space;
use crate::machine::x86;
use crate::trap;
use abi::TrapFrame;
use abi::layout::{KERNBASE, MPENTRY_PADDR, kernel_stack_top};
use core::arch::global_asm;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use kcore::CpuId;

global_asm!(
    include_str!("trampoline.s"),
    kernbase = const KERNBASE,
    page = const MPENTRY_PADDR,
    cr0 = const x86::CR0,
    cr4_pse = const x86::CR4_PSE,
    pgdir = sym address_space::BOOT,
    ticket = sym TICKET,
    ap_main = sym ap_main,
    interrupts = sym segments::INTERRUPTS,
    park_stack = sym PARK_STACK,
);

unsafe extern "C" {
    static trampoline: u8;
    static trampoline_end: u8;
}

/// Stack pointer for the CPU that is being started; 0 when one side took it.
static TICKET: AtomicU32 = AtomicU32::new(0);
/// A stack for the NMIs of CPUs that came too late. They share it, as none of
/// them ever uses what is pushed here.
static PARK_STACK: [AtomicU32; 16] = [const { AtomicU32::new(0) }; 16];
/// Whether the last CPU that came up has what CPU 0 has.
static FITS: AtomicBool = AtomicBool::new(false);
/// The number of the last CPU that came up.
static ARRIVED: AtomicU32 = AtomicU32::new(0);

/// Puts the trampoline where CPUs begin.
pub fn copy_trampoline() {
    let from = &raw const trampoline;
    let len = &raw const trampoline_end as usize - from as usize;
    // SAFETY: (66) the frame at MPENTRY_PADDR is RAM, is mapped, and never given to
    // anybody; boot information that may have lain there was copied.
    unsafe {
        let to = (KERNBASE + MPENTRY_PADDR) as *mut u8;
        core::ptr::copy_nonoverlapping(from, to, len);
    }
}

/// What became of an attempt to start a CPU.
pub enum Outcome {
    /// It waits to be let in.
    Up,
    /// It did not take its ticket, so the next CPU can have its number and stacks.
    NeverCame,
    /// It took its ticket and stacks, but cannot be used; this says why.
    Unusable(&'static str),
}

/// Starts the CPU with this APIC id, which becomes CPU `id`; its stacks are
/// mapped.
pub fn start(id: CpuId, apic_id: u8) -> Outcome {
    area(id).apic_id.store(apic_id.into(), Ordering::Relaxed);
    // The wait after the reset is 10 ms on paper, and no processor of this century
    // needs it: try a short one first. But be patient even then. A virtual CPU may
    // be slow to get a host CPU; and emulators keep a start-up message through the
    // reset that should cancel it, so a CPU that is late for the first attempt
    // comes too early for the second.
    for reset_us in [200, 10_000] {
        if try_start(id, apic_id.into(), reset_us) {
            return match admit(id) {
                Ok(()) => Outcome::Up,
                Err(why) => Outcome::Unusable(why),
            };
        }
    }
    Outcome::NeverCame
}

/// Lets a CPU in that took its ticket, or says why not.
fn admit(id: CpuId) -> Result<(), &'static str> {
    let arrived = || ARRIVED.load(Ordering::Acquire) == id.0.into();
    if !clock::wait_until(1_000_000, arrived) {
        return Err(LOST);
    }
    if !FITS.load(Ordering::Relaxed) {
        return Err("lacks what the first has");
    }
    agreement::reach(id).map_err(|differs| match differs {
        agreement::Differs::By(_) => "keeps another time",
        agreement::Differs::NoAnswer => LOST,
    })
}

const LOST: &str = "started and was lost";

/// One attempt; returns whether the CPU took the ticket. The ticket is laid out
/// only after the reset: the CPU may have been late for the last attempt.
fn try_start(id: CpuId, apic_id: u32, reset_us: u32) -> bool {
    let taken = || TICKET.load(Ordering::Acquire) == 0;
    lapic::send_init(apic_id);
    clock::wait_us(reset_us);
    let esp = kernel_stack_top(id.0.into()) - segments::ABOVE_FRAME - size_of::<TrapFrame>() as u32;
    TICKET.store(esp, Ordering::Release);
    lapic::send_startup(apic_id, MPENTRY_PADDR >> 12);
    if !clock::wait_until(200, taken) {
        // Once more, as the manual says; a CPU that has started ignores it.
        lapic::send_startup(apic_id, MPENTRY_PADDR >> 12);
        clock::wait_until(2_000_000, taken);
    }
    TICKET.swap(0, Ordering::AcqRel) == 0
}

/// Wakes the CPUs that were started, so that they enter the kernel.
pub fn release_others(this: ThisCpu) {
    let others = super::up().iter().filter(|&cpu| cpu != this.id());
    others.for_each(super::interrupt);
}

/// The first Rust code of another CPU, on its own stack.
extern "C" fn ap_main() -> ! {
    address_space::enter_kernel();
    let cpu = ThisCpu::get();
    cpu.load_segments(trap::TASKS);
    let fits = processor::enable(cpu);
    FITS.store(fits, Ordering::Relaxed);
    if fits {
        processor::local_apic();
        lapic::init(cpu.id());
    }
    ARRIVED.store(cpu.id().0.into(), Ordering::Release);
    if !fits || !agreement::obey(cpu.id()) {
        x86::halt_forever();
    }
    trap::wait(cpu)
}
