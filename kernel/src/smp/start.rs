//! Starting the other CPUs, one at a time.
//!
//! Each is reset, told to begin at the trampoline, and waited for. The hard
//! thing is a CPU that does not come, or comes late: it must neither stop the
//! boot nor walk into what was meant for another. So the stack pointer that
//! CPU 0 lays out is a ticket that exactly one side takes, by an atomic
//! exchange: the new CPU, which thereby gets its stack, or CPU 0 when the time
//! is up. Source: Intel SDM volume 3, "Multiple-processor initialization".

use super::{ThisCpu, area, clock, lapic, segments};
use crate::address_space;
use crate::boot::processor;
use crate::trap;
use abi::TrapFrame;
use abi::layout::{KERNBASE, MPENTRY_PADDR, kernel_stack_top};
use core::arch::global_asm;
use core::sync::atomic::{AtomicU32, Ordering};
use kcore::CpuId;

global_asm!(
    include_str!("trampoline.s"),
    kernbase = const KERNBASE,
    page = const MPENTRY_PADDR,
    cr0 = const crate::x86::CR0,
    cr4_pse = const crate::x86::CR4_PSE,
    pgdir = sym address_space::BOOT,
    ticket = sym TICKET,
    ap_main = sym ap_main,
);

unsafe extern "C" {
    static trampoline: u8;
    static trampoline_end: u8;
}

/// Stack pointer for the CPU that is being started; 0 when it is taken.
static TICKET: AtomicU32 = AtomicU32::new(0);
/// The number of the last CPU that said that it is up.
static ARRIVED: AtomicU32 = AtomicU32::new(0);
/// Set when the kernel proper exists.
static OPEN: AtomicU32 = AtomicU32::new(0);

/// Puts the trampoline where CPUs begin.
pub fn copy_trampoline() {
    let from = &raw const trampoline;
    let len = &raw const trampoline_end as usize - from as usize;
    // SAFETY: the frame at MPENTRY_PADDR is never given to anybody, is RAM,
    // and is mapped; the boot information that may have lain there was copied.
    unsafe {
        let to = (KERNBASE + MPENTRY_PADDR) as *mut u8;
        core::ptr::copy_nonoverlapping(from, to, len);
    }
}

/// What became of an attempt to start a CPU.
pub enum Outcome {
    /// It waits to be let in.
    Up,
    /// It did not take its ticket; its stacks can be another's.
    NeverCame,
    /// It took its ticket, and was not heard of again.
    Lost,
}

/// Starts the CPU with this APIC id, which becomes CPU `id`; its stacks are
/// mapped.
pub fn start(id: CpuId, apic_id: u8) -> Outcome {
    area(id).apic_id.store(apic_id.into(), Ordering::Relaxed);
    let esp = kernel_stack_top(id.0.into()) - size_of::<TrapFrame>() as u32;
    TICKET.store(esp, Ordering::Release);
    // The wait after the reset is 10 ms on paper, and nothing on any processor
    // of this century: try the short way first.
    for (reset_us, patience_us) in [(200, 20_000), (10_000, 200_000)] {
        lapic::send_init(apic_id.into());
        clock::wait_us(reset_us);
        for _ in 0..2 {
            lapic::send_startup(apic_id.into(), MPENTRY_PADDR >> 12);
            if clock::wait_until(200, taken) {
                break;
            }
        }
        if clock::wait_until(patience_us, taken) {
            break;
        }
    }
    if TICKET.swap(0, Ordering::AcqRel) != 0 {
        return Outcome::NeverCame;
    }
    match clock::wait_until(1_000_000, || ARRIVED.load(Ordering::Acquire) == id.0.into()) {
        true => Outcome::Up,
        false => Outcome::Lost,
    }
}

fn taken() -> bool {
    TICKET.load(Ordering::Acquire) == 0
}

/// Lets the CPUs that were started into the kernel.
pub fn open() {
    OPEN.store(1, Ordering::Release);
}

/// The first Rust that another CPU runs, on its own stack.
extern "C" fn ap_main() -> ! {
    address_space::enter();
    let cpu = ThisCpu::get();
    segments::load(cpu, address_space::kernel_pgdir().address());
    processor::enable(cpu);
    lapic::init(false);
    ARRIVED.store(cpu.id().0.into(), Ordering::Release);
    while OPEN.load(Ordering::Acquire) == 0 {
        core::hint::spin_loop();
    }
    trap::begin(cpu)
}
