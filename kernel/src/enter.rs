//! The one way into the core.
//!
//! Every entry takes the big lock, makes one step of the state machine, and has
//! the step's effects performed. The hard thing is the path of a system call
//! that changes nothing for this CPU: it is the most frequent by far, so it is
//! compiled into each entry that may be one, with the event a constant; all
//! others share one copy.

use crate::effects::{self, Leave};
use crate::locked::{self, KERNEL, KernelGuard};
use crate::machine::smp::{ThisCpu, clock};
use crate::mail;
use abi::TrapFrame;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use kcore::{Event, Step};

/// The number of the call that is answered before the lock; of no call while
/// that is off. `getenvid` has the same number in every personality.
static ANSWERED_CALL: AtomicU32 = AtomicU32::new(u32::MAX);
const GETENVID: u32 = 2;

/// From now on `getenvid` is answered before the lock.
pub fn answer_before_lock() {
    ANSWERED_CALL.store(GETENVID, Relaxed);
}

/// Answers the one call that only reads what cannot change while its
/// environment runs: its id. No lock, no step.
#[inline(always)]
pub fn answered_before_lock(cpu: ThisCpu, frame: &mut TrapFrame) -> bool {
    let answered = frame.regs.eax == ANSWERED_CALL.load(Relaxed);
    if answered {
        frame.regs.eax = cpu.area().env.load(Relaxed);
    }
    answered
}

/// Enters the kernel, and leaves it again. A function makes the event, so that
/// it is a constant on each of the ways from here.
#[inline(always)]
pub fn enter_inlined(cpu: ThisCpu, event: impl Fn() -> Event, frame: &mut TrapFrame) -> Leave {
    match KERNEL.lock_at_once() {
        Some(holder) => step(cpu, event, holder, frame),
        None => enter(cpu, event(), frame),
    }
}

/// As [`enter_inlined`], for those who are in no hurry.
#[inline(never)]
pub fn enter(cpu: ThisCpu, event: Event, frame: &mut TrapFrame) -> Leave {
    let (holder, event) = wait_for_lock(cpu, event, frame);
    step(cpu, || event, holder, frame)
}

/// Waits for the lock, and obeys others meanwhile. Returns what is left of the
/// event if they took the environment away.
fn wait_for_lock(cpu: ThisCpu, event: Event, frame: &TrapFrame) -> (KernelGuard, Event) {
    let mut event = event;
    let holder = KERNEL.lock(|| event = mail::answer(cpu, event, frame).unwrap_or(event));
    (holder, event)
}

/// One step of the core, and its effects.
#[inline(always)]
fn step(
    cpu: ThisCpu,
    event: impl Fn() -> Event,
    mut holder: KernelGuard,
    frame: &mut TrapFrame,
) -> Leave {
    if locked::is_special() {
        return written_step(cpu, event(), holder, frame);
    }
    match holder.plain_step(cpu.id(), clock::ticks(), event(), frame) {
        Step::Resume(to) if to.is_empty() => Leave::Same,
        Step::Switch(to) if to.is_empty() => effects::switch(cpu, holder),
        Step::Resume(to) if effects::OF_OWN_PAGES.contains(to) => {
            effects::settle_own_pages(holder, to);
            Leave::Same
        }
        step => perform_all(cpu, holder, step, frame),
    }
}

/// As [`step`], for a run that is written down, or with programs that have I/O
/// privilege.
#[cold]
fn written_step(
    cpu: ThisCpu,
    event: Event,
    mut holder: KernelGuard,
    frame: &mut TrapFrame,
) -> Leave {
    match holder.written_step(cpu.id(), clock::ticks(), event, frame) {
        Step::Resume(to) if to.is_empty() => Leave::Same,
        step => perform_all(cpu, holder, step, frame),
    }
}

/// Has a step's effects performed. Enters again as often as they ask for it.
#[inline(never)]
fn perform_all(cpu: ThisCpu, holder: KernelGuard, step: Step, frame: &mut TrapFrame) -> Leave {
    let mut left = Leave::Same;
    let mut next = (holder, step);
    loop {
        let (later, again) = effects::perform(cpu, next.0, next.1, frame);
        left = left.then(later);
        let Some(event) = again else {
            return left;
        };
        let (mut holder, event) = wait_for_lock(cpu, event, frame);
        let step = holder.step(cpu.id(), clock::ticks(), event, frame);
        next = (holder, step);
    }
}
