//! A bug in the kernel: one readable report, and the end.
//!
//! The hard thing is that everything may be broken, and that other CPUs go on:
//! they print, wait for the lock, and may panic too. So the first CPU to panic
//! stops all others by an interrupt that cannot be masked, gives them a moment,
//! and only then prints; a CPU that panics later says nothing. The watchdog
//! sends the same kind of interrupt and keeps sending it, so the interrupt's stub
//! must know which CPU reports and let that one go on. The backtrace trusts no
//! pointer: it reads this CPU's stacks and nothing else.

use crate::locked;
use crate::machine::console::say;
use crate::machine::power;
use crate::machine::smp::{self, ThisCpu, lapic};
use crate::machine::x86;
use abi::TrapFrame;
use abi::trap::Vector;
use core::fmt;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use kcore::fault::Dump;
use monitor::backtrace::{Calls, HEADING};

/// The CPU that panicked first, or [`NOBODY`]. Any other CPU stops at an NMI.
pub static PANICKING: AtomicU8 = AtomicU8::new(NOBODY);
/// No CPU has this number.
pub const NOBODY: u8 = u8::MAX;
/// How many CPUs have stopped for the panic; their NMI stub counts.
pub static STOPPED: AtomicU32 = AtomicU32::new(0);

/// How often to look at [`STOPPED`] before giving up: about a tenth of a second.
const PATIENCE: u32 = 10_000_000;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let (file, line) = info
        .location()
        .map_or(("?", 0), |at| (at.file(), at.line()));
    report(file, line, &info.message(), x86::ebp())
}

fn report(file: &str, line: u32, message: &dyn fmt::Display, ebp: u32) -> ! {
    let cpu = ThisCpu::get();
    let id = cpu.id().0;
    if let Err(first) = PANICKING.compare_exchange(NOBODY, id, Ordering::AcqRel, Ordering::Acquire)
    {
        if first != id {
            x86::halt_forever();
        }
        say!("kernel panic while panicking: {message}");
        power::fail();
    }
    stop_others(cpu);
    locked::flush_console();
    say!("\nkernel panic on CPU {id} at {file}:{line}: {message}");
    say!("{HEADING}");
    let mut calls = Calls::from(ebp);
    while let Some(call) = calls.next(|address| cpu.stack_word(address)) {
        say!("{call}");
    }
    power::fail()
}

/// Stops all other CPUs that are up, as far as possible. A CPU that is not up
/// gets no NMI: it may have no handler, and would reset the machine.
fn stop_others(cpu: ThisCpu) {
    let mut others = 0;
    for other in smp::up().iter().filter(|&other| other != cpu.id()) {
        lapic::send_nmi(smp::area(other).apic_id.load(Ordering::Relaxed));
        others += 1;
    }
    for _ in 0..PATIENCE {
        if STOPPED.load(Ordering::Acquire) >= others {
            return;
        }
        core::hint::spin_loop();
    }
    say!("\nnot all CPUs have stopped");
}

/// A trap in the kernel that no stub expects.
pub extern "fastcall" fn kernel_trap(frame: &TrapFrame) -> ! {
    const WHAT: &str = "unhandled trap in kernel";
    let is_page_fault = Vector(frame.trapno) == Vector::PAGE_FAULT;
    let dump = Dump {
        frame,
        address: &raw const *frame as u32,
        cpu: ThisCpu::get().id(),
        fault_va: is_page_fault.then(x86::cr2),
    };
    let with_frame = format_args!("{WHAT}\n{dump}");
    // A trap inside a report may have come from such a dump.
    let first = PANICKING.load(Ordering::Acquire) == NOBODY;
    let message: &dyn fmt::Display = if first { &with_frame } else { &WHAT };
    report(file!(), line!(), message, frame.regs.ebp)
}

/// The double-fault task, on its own stack. Its usual cause is a kernel stack
/// that ran into the gap below it.
pub extern "C" fn double_fault() -> ! {
    task_gate("double fault")
}

/// The machine-check task, on its own stack.
pub extern "C" fn machine_check() -> ! {
    task_gate("machine check")
}

fn task_gate(what: &str) -> ! {
    let then = ThisCpu::get().area().segments.interrupted();
    let message = format_args!("{what} at eip {:08x}, esp {:08x}", then.eip, then.esp);
    report(file!(), line!(), &message, then.ebp)
}
