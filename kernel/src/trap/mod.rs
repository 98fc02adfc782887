//! What the stubs call: from a vector to an event, and from what the core
//! decided to a way out.
//!
//! The hard thing is to do nothing twice. The registers stay where the stub put
//! them, at the top of this CPU's stack, and are edited there; the stack pointer
//! tells which CPU this is; and the two kinds of system call have entry points of
//! their own, which need not look at a vector.

mod calls;
mod exits;
pub mod strays;
pub mod vectors;

use self::exits::{EXIT_AGAIN, EXIT_FAST, EXIT_FRAME, EXIT_IDLE, exit};
use crate::effects::Leave;
use crate::enter::{ANSWERS, GETENVID, enter, for_rank};
use crate::machine::console;
use crate::machine::smp::segments::{ABOVE_FRAME, Handler};
use crate::machine::smp::{ENV_DEPTH, ThisCpu, lapic};
use crate::machine::x86;
use crate::mail;
use crate::panic;
use abi::TrapFrame;
use abi::trap::{FLAG_IF, FLAG_ONE, FLAG_VM, KERNEL_CODE, USER_CODE, USER_DATA, Vector};
use core::arch::global_asm;
use core::sync::atomic::Ordering::Relaxed;
use kcore::Event;

global_asm!(
    include_str!("stubs.s"),
    kernel_code = const KERNEL_CODE,
    user_code = const USER_CODE,
    user_data = const USER_DATA,
    flag_if = const FLAG_IF,
    user_flags = const USER_FLAGS,
    flag_one = const FLAG_ONE,
    flag_vm = const FLAG_VM,
    syscall = const Vector::SYSCALL.0,
    general_protection = const Vector::GENERAL_PROTECTION.0,
    ipi = const Vector::IPI.0,
    getenvid = const GETENVID,
    answers = sym ANSWERS,
    env_depth = const ENV_DEPTH - ABOVE_FRAME,
    above_frame = const ABOVE_FRAME,
    exit_frame = const EXIT_FRAME,
    exit_idle = const EXIT_IDLE,
    exit_fast = const EXIT_FAST,
    exit_again = const EXIT_AGAIN,
    trap = sym trap,
    by_int = sym calls::int::WAYS,
    by_sysenter = sym calls::sysenter::WAYS,
    numbers = const calls::NUMBERS,
    idle_interrupt = sym idle_interrupt,
    idle_again = sym idle_again,
    kernel_trap = sym panic::kernel_trap,
    nmi_count = sym strays::NMIS,
    panicking = sym panic::PANICKING,
    nobody = const panic::NOBODY,
    stopped = sym panic::STOPPED,
);

/// The handlers of double faults and of machine checks, which are tasks.
pub const TASKS: [Handler; 2] = [panic::double_fault, panic::machine_check];

unsafe extern "fastcall" {
    fn first_exit(exit: u32, frame: *mut TrapFrame) -> !;
}

/// The flags that may be set after `sysenter`: the arithmetic ones, TF, IF, DF,
/// NT, AC, ID, and the bit that is always set.
const USER_FLAGS: u32 = 0x24_4fd7;

/// Every other entry from user mode.
extern "fastcall" fn trap(frame: &mut TrapFrame) -> u32 {
    let cpu = ThisCpu::get();
    let left = match Vector(frame.trapno) {
        Vector::PAGE_FAULT => {
            let va = x86::cr2();
            enter(cpu, Event::PageFault { va }, frame)
        }
        Vector::NO_FPU => enter(cpu, Event::FpuUse, frame),
        vector if vector.0 < 32 => enter(cpu, Event::Exception, frame),
        vector => interrupt(cpu, vector, false, frame).unwrap_or(Leave::Same),
    };
    exit(left)
}

/// An interrupt that found this CPU idle; the frame is free.
extern "fastcall" fn idle_interrupt(frame: &mut TrapFrame, vector: u32) -> u32 {
    let cpu = ThisCpu::get();
    let vector = Vector(vector);
    // Whatever it was, look for work: this CPU may have been about to.
    match interrupt(cpu, vector, true, frame) {
        None | Some(Leave::Same) => idle_again(frame),
        Some(left) => exit(left),
    }
}

/// This CPU has no environment, but work is left; pending interrupts were let in.
extern "fastcall" fn idle_again(frame: &mut TrapFrame) -> u32 {
    exit(enter(ThisCpu::get(), Event::Wake, frame))
}

/// Handles an interrupt. `None` if it did not enter the core.
fn interrupt(cpu: ThisCpu, vector: Vector, idle: bool, frame: &mut TrapFrame) -> Option<Leave> {
    match vector {
        Vector::TIMER => {
            lapic::end_of_interrupt();
            Some(enter(cpu, Event::Timer, frame))
        }
        Vector::IPI => {
            lapic::end_of_interrupt();
            let event = mail::answer(cpu, Event::Wake, frame);
            Some(enter(cpu, event.or_else(for_rank)?, frame))
        }
        Vector::SERIAL => serial(cpu, idle, frame),
        Vector::KEYBOARD | Vector::MOUSE => {
            let event = console::typed_event(vector)?;
            Some(enter(cpu, event, frame))
        }
        Vector::APIC_ERROR => {
            lapic::end_of_interrupt();
            lapic::clear_errors();
            strays::APIC_ERRORS.fetch_add(1, Relaxed);
            None
        }
        // From a device that firmware or an earlier system set up.
        _ => {
            lapic::end_stray();
            strays::SPURIOUS.fetch_add(1, Relaxed);
            None
        }
    }
}

/// The serial port: enters the core once for each event that it reports.
fn serial(cpu: ThisCpu, idle: bool, frame: &mut TrapFrame) -> Option<Leave> {
    let mut left = None;
    let mut idle = idle;
    while let Some(event) = console::serial_event(idle) {
        let later = enter(cpu, event, frame);
        idle &= later == Leave::Idle;
        left = Some(left.unwrap_or(Leave::Same).then(later));
    }
    left
}

/// CPU 0 enters the kernel for the first time.
pub fn begin(cpu: ThisCpu) -> ! {
    let frame = frame_of(cpu);
    // Bytes may have arrived before the port could interrupt. SAFETY: (70) the
    // frame's place at the stack's top is kept free, and nobody else looks at it.
    let exit = idle_interrupt(unsafe { &mut *frame }, Vector::SERIAL.0);
    // SAFETY: (71) nothing on this stack is needed any more.
    unsafe { first_exit(exit, frame) }
}

/// Another CPU that has come up idles until it is let in.
pub fn wait(cpu: ThisCpu) -> ! {
    // SAFETY: (72) as above.
    unsafe { first_exit(EXIT_IDLE, frame_of(cpu)) }
}

fn frame_of(cpu: ThisCpu) -> *mut TrapFrame {
    cpu.frame_place() as *mut TrapFrame
}
