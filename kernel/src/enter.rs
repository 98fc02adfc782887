//! The one way into the core.
//!
//! Every entry takes the big lock, makes one step of the state machine, and
//! performs the step's effects. The hard thing is the path of a system call that
//! changes nothing for this CPU. It is the most frequent by far, so it is compiled
//! into the entry points of both kinds of call, with the event as a constant; all
//! other entries share one copy.

use crate::effects::{self, Leave};
use crate::locked::{KERNEL, KernelGuard};
use crate::machine::smp::{ThisCpu, clock};
use crate::mail;
use abi::{Call, TrapFrame};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use kcore::{Event, Step};

/// The call that the stubs may answer before the lock: the id cannot change while its
/// environment runs. It has the same number in every personality.
pub const GETENVID: u32 = 2;

/// Whether they do.
pub static ANSWERS: AtomicBool = AtomicBool::new(false);

/// Whether a CPU may have to give its environment up to one that outranks it.
static RANKS: AtomicBool = AtomicBool::new(false);

/// From now on a CPU that is interrupted looks whether its environment is outranked.
pub fn look_for_rank() {
    RANKS.store(true, Relaxed);
}

/// The event of a CPU that was interrupted and keeps its environment. Without ranks it has
/// nothing to enter for.
pub fn for_rank() -> Option<Event> {
    RANKS.load(Relaxed).then_some(Event::Wake)
}

/// From now on `getenvid` is answered before the lock.
pub fn answer_before_lock() {
    ANSWERS.store(true, Relaxed);
}

/// Enters the kernel, and returns how to leave it. A function makes the event, so
/// that it is a constant on both paths from here.
#[inline(always)]
pub fn enter_inlined(cpu: ThisCpu, event: impl Fn() -> Event, frame: &mut TrapFrame) -> Leave {
    match KERNEL.lock_at_once() {
        Some(holder) => step(cpu, event, holder, frame),
        None => enter(cpu, event(), frame),
    }
}

/// Like [`enter_inlined`], but not compiled into its caller.
#[inline(never)]
pub fn enter(cpu: ThisCpu, event: Event, frame: &mut TrapFrame) -> Leave {
    let (holder, event) = wait_for_lock(cpu, event, frame);
    step_apart(cpu, event, holder, frame)
}

/// Enters the kernel for what is probably a certain call, which has a quick way. Returns
/// how to leave it, or nothing if the caller goes on with its registers as they came, but
/// for results.
#[inline(always)]
pub fn enter_quickly(
    cpu: ThisCpu,
    call: Call,
    event: impl Fn() -> Event,
    frame: &mut TrapFrame,
) -> Option<Leave> {
    match KERNEL.lock_at_once() {
        Some(holder) => step_quickly(cpu, call, event, holder, frame),
        None => enter_quickly_later(cpu, call, event(), frame),
    }
}

/// [`enter_quickly`] when others are there. The longer way would be right too. But what it
/// has in addition it does with the lock, when others wait: two CPUs that only make the
/// cheapest call get three times as much done this way.
#[cold]
#[inline(never)]
fn enter_quickly_later(
    cpu: ThisCpu,
    call: Call,
    event: Event,
    frame: &mut TrapFrame,
) -> Option<Leave> {
    let (holder, kept) = wait_for_lock(cpu, event, frame);
    if kept == event {
        step_quickly(cpu, call, || event, holder, frame)
    } else {
        Some(step_apart(cpu, kept, holder, frame))
    }
}

/// One step of the core by the quick way of `call`, if it has one that applies, and its
/// effects.
#[inline(always)]
fn step_quickly(
    cpu: ThisCpu,
    call: Call,
    event: impl Fn() -> Event,
    mut holder: KernelGuard,
    frame: &mut TrapFrame,
) -> Option<Leave> {
    let Some(step) = holder.quick_step(call, cpu.id(), event(), frame) else {
        return Some(step_apart(cpu, event(), holder, frame));
    };
    let lends_quantum = matches!(call, Call::IpcCall | Call::IpcReply);
    match step {
        Step::Resume(to) if to.is_empty() => None,
        Step::Switch(to) if to.is_empty() && lends_quantum => Some(effects::hand_over(cpu, holder)),
        step => Some(finish(cpu, holder, step, frame)),
    }
}

/// Waits for the lock, and answers mail meanwhile. If the environment is taken away,
/// returns the event that this CPU keeps.
fn wait_for_lock(cpu: ThisCpu, event: Event, frame: &TrapFrame) -> (KernelGuard, Event) {
    let mut event = event;
    let holder = KERNEL.lock(|| event = mail::answer(cpu, event, frame).unwrap_or(event));
    (holder, event)
}

/// One step of the core and its effects, with short ways for the usual ones.
#[inline(always)]
fn step(
    cpu: ThisCpu,
    event: impl Fn() -> Event,
    mut holder: KernelGuard,
    frame: &mut TrapFrame,
) -> Leave {
    match holder.quiet_step(cpu.id(), clock::ticks(), event(), frame) {
        Some(step) => finish(cpu, holder, step, frame),
        None => long_step(cpu, event(), holder, frame),
    }
}

/// The effects of a step, with short ways for the usual ones.
#[inline(always)]
fn finish(cpu: ThisCpu, holder: KernelGuard, step: Step, frame: &mut TrapFrame) -> Leave {
    match step {
        Step::Resume(to) if to.is_empty() => Leave::Same,
        Step::Switch(to) if to.is_empty() => effects::switch(cpu, holder),
        Step::Resume(to) if effects::OF_OWN_PAGES.contains(to) => {
            effects::settle_own_pages(holder, to);
            Leave::Same
        }
        step => perform_all(cpu, holder, step, frame),
    }
}

/// [`step`], but not compiled into its caller.
#[inline(never)]
fn step_apart(cpu: ThisCpu, event: Event, holder: KernelGuard, frame: &mut TrapFrame) -> Leave {
    step(cpu, || event, holder, frame)
}

/// A step for which the core has no short way.
#[inline(never)]
fn long_step(cpu: ThisCpu, event: Event, mut holder: KernelGuard, frame: &mut TrapFrame) -> Leave {
    match holder.step(cpu.id(), clock::ticks(), event, frame) {
        Step::Resume(to) if to.is_empty() => Leave::Same,
        step => perform_all(cpu, holder, step, frame),
    }
}

/// Performs a step's effects, and enters again as often as they ask for it.
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
