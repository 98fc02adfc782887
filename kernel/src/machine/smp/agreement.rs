//! One time for all CPUs: their time-stamp counters are compared, and set.
//!
//! Whoever tells a program the time tells it by its own CPU's counter, and
//! firmware does not always start them together. The hard thing is not to blame
//! a counter for a disturbance (a virtual CPU can lose its host CPU between any two
//! instructions). So nothing is estimated: CPU 0 reads its counter, then the other
//! CPU its own, then CPU 0 again, and only an order that is broken proves that they
//! differ. And nothing may be taken for granted of the last order, the one that lets
//! a CPU in: it is either taken, or taken back. Source: Intel SDM volume 3, "Time-stamp counter".

use crate::machine::smp::clock;
use crate::machine::x86;
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
/// The other CPU comes in; it says so with `JOINED`.
const JOIN: u32 = 3;
const STAY_OUT: u32 = 4;
const JOINED: u32 = 5;
/// How an order is put together: its number, what, and for whom.
const WHAT_SHIFT: u32 = 8;
const NUMBER_SHIFT: u32 = 16;

/// For CPU 0: brings this CPU's counter to its own, and lets the CPU in. After an
/// error it stays out.
pub fn reach(cpu: CpuId) -> Result<(), Differs> {
    let agreed = match compare(cpu) {
        Err(Differs::By(ticks)) => {
            set_value(ticks);
            if order(cpu, ADD) {
                compare(cpu)
            } else {
                Err(Differs::NoAnswer)
            }
        }
        agreed => agreed,
    };
    if agreed.is_err() {
        give(cpu, STAY_OUT);
        return agreed;
    }
    let_in(cpu)
}

/// The CPU takes the order, or it is taken back: the next one is for another.
fn let_in(cpu: CpuId) -> Result<(), Differs> {
    let order = give(cpu, JOIN);
    let joined = with(order, JOINED);
    let taken = clock::wait_until(1_000_000, || ORDER.load(Ordering::Acquire) == joined)
        || !replace(order, STAY_OUT);
    if taken {
        Ok(())
    } else {
        Err(Differs::NoAnswer)
    }
}

/// For the other CPU: does what CPU 0 wants of it. False if it must stay out.
pub fn obey(cpu: CpuId) -> bool {
    let own = u32::from(cpu.0);
    let mut last = 0;
    loop {
        let order = ORDER.load(Ordering::Acquire);
        let to = order & 0xff;
        if to > own {
            // CPUs are started in turn: this one has been given up.
            return false;
        }
        if order == last || to < own {
            core::hint::spin_loop();
            continue;
        }
        match order >> WHAT_SHIFT & 0xff {
            READ => set_value(own_time()),
            ADD => {
                let time = own_time().wrapping_add(value());
                // SAFETY: (105) every processor with a time-stamp counter has it, and
                // nothing on this CPU measures yet.
                unsafe { x86::wrmsr(TIME_STAMP_COUNTER, time) };
            }
            JOIN if replace(order, JOINED) => return true,
            // It has been replaced.
            JOIN => continue,
            _ => return false,
        }
        last = order;
        DONE.store(order, Ordering::Release);
    }
}

/// Why a CPU does not agree with CPU 0.
pub enum Differs {
    /// Its counter is behind by so much.
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
    let number = (ORDER.load(Ordering::Relaxed) >> NUMBER_SHIFT).wrapping_add(1);
    let order = number << NUMBER_SHIFT | what << WHAT_SHIFT | u32::from(cpu.0);
    ORDER.store(order, Ordering::Release);
    order
}

/// The same order for something else.
fn with(order: u32, what: u32) -> u32 {
    order & !(0xff << WHAT_SHIFT) | what << WHAT_SHIFT
}

/// Replaces the order by the same for something else; false if it is another by
/// now.
fn replace(order: u32, what: u32) -> bool {
    let (done, failed) = (Ordering::AcqRel, Ordering::Acquire);
    ORDER
        .compare_exchange(order, with(order, what), done, failed)
        .is_ok()
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
    clock::ticks()
}
