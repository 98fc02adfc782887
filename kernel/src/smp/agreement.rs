//! One time for all CPUs: their time-stamp counters are compared, and set.
//!
//! Whoever tells a program the time tells it by its own CPU's counter, and
//! firmware does not always start them together. The hard thing is not to blame
//! a counter for a disturbance (a virtual CPU can lose its host CPU between any two
//! instructions). So nothing is estimated: CPU 0 reads its counter, then the other
//! CPU its own, then CPU 0 again, and only an order that is broken proves that they
//! differ. Source: Intel SDM volume 3, "Time-stamp counter".

use crate::plant::{self, Fault};
use crate::smp::clock;
use crate::x86;
use core::sync::atomic::{AtomicU32, Ordering};
use kcore::CpuId;

const TIME_STAMP_COUNTER: u32 = 0x10;
/// Comparisons; each may find that the order is broken.
const ROUNDS: u32 = 8;
/// A reading may overtake what comes before it by so much.
const TOLERANCE_US: u32 = 1;

/// CPU 0's order: its number, what is to be done, and by which CPU; 0 is none.
static ORDER: AtomicU32 = AtomicU32::new(0);
/// The last order that was carried out.
static DONE: AtomicU32 = AtomicU32::new(0);
/// What was read, or is to be added; two halves.
static VALUE: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

const READ: u32 = 1;
const ADD: u32 = 2;
const LEAVE: u32 = 3;

/// For CPU 0: brings this CPU's counter to its own. False if that cannot be done.
pub fn reach(cpu: CpuId) -> bool {
    let agreed = match compare(cpu) {
        Ok(()) => true,
        Err(Differs::By(ticks)) => {
            set_value(ticks);
            order(cpu, ADD) && compare(cpu).is_ok()
        }
        Err(Differs::NoAnswer) => false,
    };
    give(cpu, LEAVE);
    agreed
}

/// For the other CPU: does what CPU 0 wants of it.
pub fn obey(cpu: CpuId) {
    let mut last = 0;
    loop {
        let order = ORDER.load(Ordering::Acquire);
        if order == last || order & 0xff != u32::from(cpu.0) {
            core::hint::spin_loop();
            continue;
        }
        match order >> 8 & 0xff {
            READ => set_value(own_time()),
            ADD => {
                let time = own_time().wrapping_add(value());
                // SAFETY: (105) every processor with a time-stamp counter has it, and
                // nothing on this CPU measures yet.
                unsafe { x86::wrmsr(TIME_STAMP_COUNTER, time) };
            }
            _ => return,
        }
        last = order;
        DONE.store(order, Ordering::Release);
    }
}

/// Why two counters do not agree.
enum Differs {
    /// So much is to be added.
    By(u64),
    /// The other CPU is gone.
    NoAnswer,
}

fn compare(cpu: CpuId) -> Result<(), Differs> {
    let tolerance = clock::ticks_in(TOLERANCE_US);
    for _ in 0..ROUNDS {
        let before = clock::ticks();
        if !order(cpu, READ) {
            return Err(Differs::NoAnswer);
        }
        let after = clock::ticks();
        let theirs = value();
        if theirs + tolerance < before || theirs > after + tolerance {
            return Err(Differs::By(
                (before + (after - before) / 2).wrapping_sub(theirs),
            ));
        }
    }
    Ok(())
}

/// Gives an order, and waits until it is carried out.
fn order(cpu: CpuId, what: u32) -> bool {
    let order = give(cpu, what);
    clock::wait_until(1_000_000, || DONE.load(Ordering::Acquire) == order)
}

fn give(cpu: CpuId, what: u32) -> u32 {
    let number = (ORDER.load(Ordering::Relaxed) >> 16).wrapping_add(1);
    let order = number << 16 | what << 8 | u32::from(cpu.0);
    ORDER.store(order, Ordering::Release);
    order
}

fn value() -> u64 {
    let [low, high] = &VALUE;
    u64::from(low.load(Ordering::Relaxed)) | u64::from(high.load(Ordering::Relaxed)) << 32
}

fn set_value(value: u64) {
    let [low, high] = &VALUE;
    low.store(value as u32, Ordering::Relaxed);
    high.store((value >> 32) as u32, Ordering::Relaxed);
}

/// This CPU's counter. (No emulator has CPUs whose counters differ.)
fn own_time() -> u64 {
    let late = if plant::is(Fault::LateClock) {
        clock::ticks_in(1_000_000)
    } else {
        0
    };
    clock::ticks().wrapping_sub(late)
}
