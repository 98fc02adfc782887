//! A bug in the kernel: one readable report, and the end.
//!
//! The hard thing is that everything may be broken, and that other CPUs go on:
//! they print, they wait for the lock, they may panic too. So the first to
//! panic stops all others by an interrupt that cannot be masked, waits a
//! moment for them, and only then prints; who panics second says nothing. The
//! watchdog's heartbeat is the same kind of interrupt and goes on meanwhile, so
//! its stub must know who reports, and let that CPU go on. The backtrace believes
//! no pointer: it reads this CPU's stacks and nothing else.

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

/// The CPU that panicked first, or [`NOBODY`]: any other that gets an NMI stops.
pub static PANICKING: AtomicU8 = AtomicU8::new(NOBODY);
/// No CPU's number.
pub const NOBODY: u8 = u8::MAX;
/// How many CPUs have stopped because of it.
pub static STOPPED: AtomicU32 = AtomicU32::new(0);

/// Looks at the counter of stopped CPUs before they are given up: about a
/// tenth of a second.
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

/// Stops all other CPUs that are up, as far as they can be. Not one that is
/// not: it may have no handler, and take the machine down with it.
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

/// A trap in the kernel that none of the stubs expects.
pub extern "fastcall" fn kernel_trap(frame: &TrapFrame) -> ! {
    let cpu = ThisCpu::get();
    let is_page_fault = Vector(frame.trapno) == Vector::PAGE_FAULT;
    if PANICKING.load(Ordering::Acquire) == NOBODY {
        let dump = Dump {
            frame,
            address: &raw const *frame as u32,
            cpu: cpu.id(),
            fault_va: is_page_fault.then(x86::cr2),
        };
        report(
            file!(),
            line!(),
            &WithFrame("unhandled trap in kernel", dump),
            frame.regs.ebp,
        );
    }
    report(
        file!(),
        line!(),
        &"unhandled trap in kernel",
        frame.regs.ebp,
    )
}

struct WithFrame<'f>(&'static str, Dump<'f>);

impl fmt::Display for WithFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.0, self.1)
    }
}

/// The double-fault task, on its own stack. Most often the kernel stack ran
/// into its gap.
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
