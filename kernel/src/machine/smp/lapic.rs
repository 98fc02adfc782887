//! The local APIC: this CPU's timer, and interrupts to other CPUs.
//!
//! Its registers lie at the same address for every CPU, and each sees its own.
//! The hard thing is the command register, which is two words: between the store
//! of the destination and the store that sends, no interrupt may come whose
//! handler sends too. None does: the kernel runs with interrupts off.
//! Source: Intel SDM volume 3, chapter "APIC".

use abi::layout::MMIOBASE;
use abi::trap::Vector;
use kcore::CpuId;

/// Where the registers are mapped.
pub const WINDOW: u32 = MMIOBASE;

const ID: u32 = 0x20;
const VERSION: u32 = 0x30;
const TASK_PRIORITY: u32 = 0x80;
const EOI: u32 = 0xb0;
const LOGICAL_ID: u32 = 0xd0;
const LOGICAL_MODEL: u32 = 0xe0;
const SPURIOUS: u32 = 0xf0;
const IN_SERVICE: u32 = 0x100;
const ERROR_STATUS: u32 = 0x280;
const COMMAND_LOW: u32 = 0x300;
const COMMAND_HIGH: u32 = 0x310;
const TIMER: u32 = 0x320;
const LINT0: u32 = 0x350;
const LINT1: u32 = 0x360;
const ERROR: u32 = 0x370;
/// Interrupt sources that not every processor has, each with its number and its
/// register: performance counters, heat, and corrected machine checks.
const OTHER_SOURCES: [(u32, u32); 3] = [(4, 0x340), (5, 0x330), (6, 0x2f0)];
const TIMER_INITIAL: u32 = 0x380;
const TIMER_CURRENT: u32 = 0x390;
const TIMER_DIVIDE: u32 = 0x3e0;

/// How many interrupts can be in service at once.
const VECTORS: u32 = 256;

const MASKED: u32 = 0x1_0000;
const SOFTWARE_ENABLE: u32 = 0x100;
const DELIVER_NMI: u32 = 0x400;
const DELIVER_INIT: u32 = 0x500;
const DELIVER_STARTUP: u32 = 0x600;
const DELIVER_EXTINT: u32 = 0x700;
const ASSERT: u32 = 0x4000;
const LEVEL: u32 = 0x8000;
const PENDING: u32 = 0x1000;
const DIVIDE_BY_1: u32 = 0x0b;

fn register(offset: u32) -> *mut u32 {
    (WINDOW + offset) as *mut u32
}

fn read(offset: u32) -> u32 {
    // SAFETY: (57) boot mapped the registers at WINDOW before anything here is
    // called, and reading those that are named above has no side effect.
    unsafe { register(offset).read_volatile() }
}

fn write(offset: u32, value: u32) {
    // SAFETY: (58) mapped as above; the APIC does not write memory.
    unsafe { register(offset).write_volatile(value) }
}

/// Sets this CPU's APIC up, with the timer stopped.
///
/// Only CPU 0 takes interrupts from the 8259 (through LINT0) and the NMI line.
/// Each CPU gets a bit for messages to several CPUs; more than eight share them.
/// The hard thing is what an earlier system left: sources that go on interrupting,
/// and interrupts that it took and never ended, which hold up all lower ones.
pub fn init(cpu: CpuId) {
    write(LOGICAL_MODEL, u32::MAX);
    write(SPURIOUS, SOFTWARE_ENABLE | Vector::SPURIOUS.0);
    write(TIMER_DIVIDE, DIVIDE_BY_1);
    write(TIMER_INITIAL, 0);
    write(TIMER, Vector::TIMER.0);
    write(LOGICAL_ID, 1 << (24 + cpu.0 % 8));
    if cpu.0 == 0 {
        write(LINT0, DELIVER_EXTINT);
        write(LINT1, DELIVER_NMI);
    } else {
        write(LINT0, MASKED);
        write(LINT1, MASKED);
    }
    write(ERROR, Vector::APIC_ERROR.0);
    let last_source = read(VERSION) >> 16 & 0xff;
    for (number, source) in OTHER_SOURCES {
        if number <= last_source {
            write(source, MASKED);
        }
    }
    clear_errors();
    for _ in 0..VECTORS {
        if !end_stray() {
            break;
        }
    }
    write(TASK_PRIORITY, 0);
}

/// Ends an interrupt in service that nobody asked for. False if there is none.
pub fn end_stray() -> bool {
    let in_service = (0..VECTORS / 32).any(|word| read(IN_SERVICE + word * 0x10) != 0);
    if in_service {
        end_of_interrupt();
    }
    in_service
}

/// This CPU's APIC id.
pub fn id() -> u32 {
    read(ID) >> 24
}

/// Lets the next interrupt of the same priority in.
#[inline(always)]
pub fn end_of_interrupt() {
    write(EOI, 0);
}

/// Clears recorded errors. The first write latches them, the second clears them.
pub fn clear_errors() {
    write(ERROR_STATUS, 0);
    write(ERROR_STATUS, 0);
}

/// Makes the timer interrupt once, after this many ticks; 0 stops it.
#[inline(always)]
pub fn arm_timer(ticks: u32) {
    write(TIMER_INITIAL, ticks);
}

/// Ticks until the timer interrupts.
pub fn timer_left() -> u32 {
    read(TIMER_CURRENT)
}

fn command(apic_id: u32, low: u32) {
    write(COMMAND_HIGH, apic_id << 24);
    write(COMMAND_LOW, low);
    // The next command must not overwrite this one before it is accepted.
    for _ in 0..1_000_000 {
        if read(COMMAND_LOW) & PENDING == 0 {
            return;
        }
        core::hint::spin_loop();
    }
}

/// Interrupts another CPU.
pub fn send(apic_id: u32, vector: Vector) {
    command(apic_id, ASSERT | vector.0);
}

/// Sends another CPU a non-maskable interrupt.
pub fn send_nmi(apic_id: u32) {
    command(apic_id, ASSERT | DELIVER_NMI);
}

/// Resets another CPU; it then waits for [`send_startup`].
pub fn send_init(apic_id: u32) {
    command(apic_id, LEVEL | ASSERT | DELIVER_INIT);
    command(apic_id, LEVEL | DELIVER_INIT);
}

/// Starts another CPU in real mode at the physical address `page * 4096`.
pub fn send_startup(apic_id: u32, page: u32) {
    command(apic_id, ASSERT | DELIVER_STARTUP | page);
}
