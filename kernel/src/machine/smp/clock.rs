//! Time in ticks of the time-stamp counter, and the local APIC's timer, which counts
//! others.
//!
//! Neither counter says how fast it runs, so both are compared with the one
//! clock of a PC whose rate is known, the 8254. The hard thing is to be right
//! although something may disturb the comparison (a virtual CPU can lose its host
//! CPU between any two instructions). The readings are nested, timer outside
//! counter outside 8254, so that a disturbance can only make both seem
//! *faster*; of three short comparisons the slowest is the best.
//! Source: Intel 8254 data sheet; port 0x61 of the PC/AT.

use crate::machine::smp::lapic;
use crate::machine::x86::{Port, rdtsc};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

// SAFETY: (48) ports of the 8254 and of its gate; neither touches memory.
const CHANNEL_2: Port = unsafe { Port::new(0x42) };
// SAFETY: (49) as above.
const COMMAND: Port = unsafe { Port::new(0x43) };
// SAFETY: (50) as above.
const GATE: Port = unsafe { Port::new(0x61) };

const PIT_HZ: u64 = 1_193_182;
/// Length of one comparison in ticks of the 8254: 0.1 ms.
const WINDOW: u16 = 119;
const ROUNDS: u32 = 3;
/// How often to poll the gate before concluding that there is no 8254.
const PATIENCE: u32 = 10_000_000;

/// How fast this machine's counters run.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Ticks of the time-stamp counter in a second.
    pub tsc_hz: u64,
    /// Ticks of the local APIC's timer in a second.
    pub apic_hz: u64,
}

/// Ticks of the time-stamp counter in a microsecond, rounded up.
static TICKS_PER_US: AtomicU32 = AtomicU32::new(1);
/// Ticks of the APIC's timer in `1 << RATE_SHIFT` of the time-stamp counter.
static TIMER_RATE: AtomicU32 = AtomicU32::new(0);
const RATE_SHIFT: u32 = 24;
/// The timer is never started for longer: the product with the rate fits a word of 64
/// bits.
const LONGEST: u64 = 1 << 35;

/// Measures both counters, a few times.
pub fn calibrate() -> Rates {
    let mut best = compare();
    for _ in 1..ROUNDS {
        let round = compare();
        best.tsc_hz = best.tsc_hz.min(round.tsc_hz);
        best.apic_hz = best.apic_hz.min(round.apic_hz);
    }
    TICKS_PER_US.store(ratio(best.tsc_hz + 999_999, 1_000_000), Relaxed);
    TIMER_RATE.store(ratio(best.apic_hz << RATE_SHIFT, best.tsc_hz), Relaxed);
    best
}

fn ratio(dividend: u64, divisor: u64) -> u32 {
    u32::try_from(dividend / divisor.max(1))
        .unwrap_or(u32::MAX)
        .max(1)
}

fn compare() -> Rates {
    let gate = GATE.read() & !0x03;
    GATE.write(gate); // speaker off, counting stopped
    COMMAND.write(0xb0); // channel 2, two bytes, mode 0: rises at the end
    CHANNEL_2.write(WINDOW as u8);
    CHANNEL_2.write((WINDOW >> 8) as u8);
    lapic::arm_timer(u32::MAX);
    let apic = lapic::timer_left();
    let tsc = rdtsc();
    GATE.write(gate | 1);
    for _ in 0..PATIENCE {
        if GATE.read() & 0x20 != 0 {
            let tsc = rdtsc().wrapping_sub(tsc);
            let apic = u64::from(apic.wrapping_sub(lapic::timer_left()));
            lapic::arm_timer(0);
            GATE.write(gate);
            return Rates {
                tsc_hz: tsc * PIT_HZ / u64::from(WINDOW),
                apic_hz: apic * PIT_HZ / u64::from(WINDOW),
            };
        }
    }
    panic!("the 8254 timer does not count");
}

/// The time as the core gets it: the time-stamp counter. Converting it to
/// nanoseconds would cost more than the shortest system calls.
#[inline(always)]
pub fn ticks() -> u64 {
    rdtsc()
}

impl Rates {
    /// How many [`ticks`] there are in `microseconds`, rounded down.
    pub fn ticks(&self, microseconds: u32) -> u64 {
        self.tsc_hz * u64::from(microseconds) / 1_000_000
    }
}

/// Makes this CPU's timer interrupt once, after so many [`ticks`], or before if that is
/// longer than the timer can count: then the core starts it again.
pub fn start_timer(ticks: u64) {
    let rate = u64::from(TIMER_RATE.load(Relaxed));
    let product = (ticks.min(LONGEST) * rate) >> RATE_SHIFT;
    let ticks = u32::try_from(product).unwrap_or(u32::MAX);
    // 0 would stop it.
    lapic::arm_timer(ticks.max(1));
}

/// Stops this CPU's timer.
#[inline(always)]
pub fn stop_timer() {
    lapic::arm_timer(0);
}

/// How many [`ticks`] there are in `microseconds`, at least.
pub fn ticks_in(microseconds: u32) -> u64 {
    u64::from(microseconds) * u64::from(TICKS_PER_US.load(Relaxed))
}

/// Waits for a fixed time.
pub fn wait_us(microseconds: u32) {
    wait_until(microseconds, || false);
}

/// Waits until `done`, or until the time is up; returns whether it is done.
pub fn wait_until(microseconds: u32, mut done: impl FnMut() -> bool) -> bool {
    let end = ticks() + ticks_in(microseconds);
    loop {
        if done() {
            return true;
        }
        if ticks() >= end {
            return done();
        }
        core::hint::spin_loop();
    }
}
