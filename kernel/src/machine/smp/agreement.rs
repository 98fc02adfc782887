//! One time for all CPUs: CPU 0 compares their time-stamp counters with its own,
//! and sets those that differ.
//!
//! Each CPU tells programs the time by its own counter, and firmware does not
//! always start the counters together. The hard thing is not to blame a counter
//! for a disturbance (a virtual CPU can lose its host CPU between any two
//! instructions). So nothing is estimated: CPU 0 reads its counter, then the other
//! CPU reads its own, then CPU 0 reads again, and only readings out of sequence
//! prove that the counters differ. And no command may be left in doubt, least of all
//! the last one, which lets a CPU in: either the CPU carries it out, or CPU 0 takes it
//! back.
//! Source: Intel SDM volume 3, "Time-stamp counter".

use crate::machine::smp::clock;
use crate::machine::x86;
use core::cmp::Ordering::{Equal, Greater, Less};
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use kcore::CpuId;

const TIME_STAMP_COUNTER: u32 = 0x10;
/// Comparisons for each CPU; any of them may find a difference.
const ROUNDS: u32 = 8;
/// How far out of sequence a reading may be, as the processor may reorder it.
const TOLERANCE_US: u32 = 1;

/// CPU 0's command: what to do in the upper half, and which CPU must do it in the lower.
/// That CPU replaces what to do with [`DONE`].
static COMMAND: AtomicU32 = AtomicU32::new(0);
/// What was read, or must be added: the lower half, then the upper. (A 64-bit
/// atomic would be accessed through x87 registers on this target.)
static VALUE: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

const DONE: u32 = 0;
const READ: u32 = 1;
const ADD: u32 = 2;
/// The other CPU comes in.
const JOIN: u32 = 3;
const STAY_OUT: u32 = 4;
/// Where a command has what to do, and the CPU.
const WHAT_SHIFT: u32 = 16;
const CPU: u32 = 0xffff;

/// For CPU 0: makes the CPU's counter agree with its own, and lets the CPU in. After
/// an error the CPU stays out.
pub fn reach(cpu: CpuId) -> Result<(), Differs> {
    let agreed = compare(cpu).or_else(|differs| {
        let Differs::By(ticks) = differs else {
            return Err(differs);
        };
        set_value(ticks);
        command(cpu, ADD)?;
        compare(cpu)
    });
    if agreed.is_err() {
        give(cpu, STAY_OUT);
        return agreed;
    }
    command(cpu, JOIN)
}

/// For the other CPU: obeys CPU 0. False if this CPU must stay out.
pub fn obey(cpu: CpuId) -> bool {
    let own = u32::from(cpu.0);
    loop {
        let command = COMMAND.load(Acquire);
        // CPUs are started in turn: CPU 0 may not have come to this one yet, or have
        // given it up.
        let what = match (command & CPU).cmp(&own) {
            Less => DONE,
            Equal => command >> WHAT_SHIFT,
            Greater => STAY_OUT,
        };
        match what {
            DONE => {
                core::hint::spin_loop();
                continue;
            }
            READ => set_value(own_time()),
            ADD => {
                let time = own_time().wrapping_add(value());
                // SAFETY: (105) every processor with a time-stamp counter has it, and
                // nothing on this CPU measures yet.
                unsafe { x86::wrmsr(TIME_STAMP_COUNTER, time) };
            }
            JOIN => {}
            _ => return false,
        }
        // If it fails, CPU 0 took the command back just now.
        if replace(command, DONE) && what == JOIN {
            return true;
        }
    }
}

/// Why a CPU does not agree with CPU 0.
pub enum Differs {
    /// Its counter is behind by this many ticks.
    By(u64),
    /// The CPU did not obey in time.
    NoAnswer,
}

fn compare(cpu: CpuId) -> Result<(), Differs> {
    let tolerance = clock::ticks_in(TOLERANCE_US);
    for _ in 0..ROUNDS {
        let before = clock::ticks();
        command(cpu, READ)?;
        let after = clock::ticks();
        let theirs = value();
        if theirs + tolerance < before || theirs > after + tolerance {
            let ours = before + (after - before) / 2;
            return Err(Differs::By(ours.wrapping_sub(theirs)));
        }
    }
    Ok(())
}

/// Gives a command, and waits until it is carried out. If that takes too long, takes it
/// back: the CPU stays out.
fn command(cpu: CpuId, what: u32) -> Result<(), Differs> {
    let command = give(cpu, what);
    let done = clock::wait_until(1_000_000, || COMMAND.load(Acquire) != command)
        || !replace(command, STAY_OUT);
    done.then_some(()).ok_or(Differs::NoAnswer)
}

fn give(cpu: CpuId, what: u32) -> u32 {
    let command = what << WHAT_SHIFT | u32::from(cpu.0);
    COMMAND.store(command, Release);
    command
}

/// Changes what the command says to do; false if the command has changed meanwhile.
fn replace(command: u32, what: u32) -> bool {
    let new = what << WHAT_SHIFT | command & CPU;
    let replaced = COMMAND.compare_exchange(command, new, AcqRel, Acquire);
    replaced.is_ok()
}

fn value() -> u64 {
    let [low, high] = &VALUE;
    u64::from(low.load(Relaxed)) | u64::from(high.load(Relaxed)) << 32
}

fn set_value(value: u64) {
    let [low, high] = &VALUE;
    low.store(value as u32, Relaxed);
    high.store((value >> 32) as u32, Relaxed);
}

/// This CPU's counter. No emulator has CPUs whose counters differ, so a test
/// changes what this returns.
fn own_time() -> u64 {
    clock::ticks()
}
