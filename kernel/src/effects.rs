//! The one function that does to the machine what the kernel proper decided.
//!
//! The hard thing is the order. A frame that the step freed may be used again
//! only when no CPU can reach it: so this CPU's page tables change first, then
//! the other CPU's, then the kernel settles. The console, which is slow, is
//! written last, without the lock.
//!
//! A breakpoint is the one effect that keeps the lock for as long as a person
//! likes. The other CPUs go on in user mode and wait when they enter, as JOS's
//! do. Stopping them would need their answers, and what is looked at, the
//! kernel's state, stands still anyway. Nobody asks anything of this CPU
//! meanwhile, as only the lock's holder may; and an NMI, a panic's included,
//! waits for no lock.

use crate::address_space;
use crate::console::{self, uart::COM1};
use crate::enter::Leave;
use crate::monitor;
use crate::plant::{self, Fault};
use crate::power;
use crate::proper::Holder;
use crate::smp::{self, ThisCpu, clock, data_segments, fpu};
use crate::x86;
use abi::{EnvId, TrapFrame};
use core::sync::atomic::Ordering::Relaxed;
use kcore::{Effects, Event, Remote, Resume, Step};

/// Does what a step asks for, settles, and lets the lock go. Returns how this
/// CPU goes on, and with what event it has to enter again at once, if so.
#[inline(always)]
pub fn perform(
    cpu: ThisCpu,
    mut holder: Holder,
    step: Step,
    frame: &mut TrapFrame,
) -> (Leave, Option<Event>) {
    let left = perform_locked(cpu, &mut holder, step);
    let last = Effects::CONSOLE | Effects::END | Effects::BREAK;
    let again = if step.effects.intersects(last) {
        finish(cpu, holder, step.effects, frame)
    } else {
        drop(holder);
        None
    };
    if left == Leave::Idle && step.effects.contains(Effects::AGAIN) {
        return (Leave::Again, again);
    }
    (left, again)
}

/// The effects that have to be done before the lock is let go, but for those
/// that may keep it long.
#[inline(always)]
fn perform_locked(cpu: ThisCpu, holder: &mut Holder, step: Step) -> Leave {
    let Step { resume, effects } = step;
    let left = resume_on(cpu, holder, resume);
    if effects.contains(Effects::NEW) {
        forget_slot(if plant::is(Fault::ForgetWhoLeft) {
            EnvId(cpu.area().env.load(Relaxed) as i32)
        } else {
            holder.outbox().id
        });
    }
    if effects.contains(Effects::FLUSH) {
        x86::invlpg(holder.outbox().flush);
    }
    if effects.contains(Effects::FLUSH_ALL) {
        // SAFETY: (25) the directory in use, again.
        unsafe { x86::load_cr3(x86::cr3()) };
    }
    if effects.contains(Effects::REMOTE) {
        make_obey(holder);
    }
    if effects.contains(Effects::WAKE) {
        holder.outbox().wake.iter().for_each(smp::interrupt);
    }
    if effects.contains(Effects::TIMER) {
        start_quantum(cpu);
    }
    if left == Leave::Idle && cpu.is_first() {
        console::new_quantum();
    }
    if effects.contains(Effects::SETTLE) {
        holder.settle();
    }
    left
}

/// [`perform`] for a step that does no more than switch.
#[inline(always)]
pub fn switch(cpu: ThisCpu, mut holder: Holder, resume: Resume) -> Leave {
    let left = resume_on(cpu, &mut holder, resume);
    start_quantum(cpu);
    drop(holder);
    left
}

/// What a step may ask for that changed a page of the environment that made it.
pub const OF_OWN_PAGES: Effects = Effects::FLUSH.union(Effects::SETTLE);

/// [`perform`] for a step that asks for no more than [`OF_OWN_PAGES`].
#[inline(always)]
pub fn settle_own_pages(mut holder: Holder, effects: Effects) {
    if effects.contains(Effects::FLUSH) {
        x86::invlpg(holder.outbox().flush);
    }
    if effects.contains(Effects::SETTLE) {
        holder.settle();
    }
}

/// A full quantum begins on this CPU.
#[inline(always)]
fn start_quantum(cpu: ThisCpu) {
    clock::start_quantum();
    if cpu.is_first() {
        console::new_quantum();
    }
}

/// Prepares the CPU for what it resumes.
#[inline(always)]
fn resume_on(cpu: ThisCpu, holder: &mut Holder, resume: Resume) -> Leave {
    match resume {
        Resume::Same => Leave::Same,
        Resume::Switch => {
            let outbox = holder.outbox();
            fpu::leave(cpu);
            data_segments::leave(cpu);
            // SAFETY: (26) every environment's directory has the kernel's entries.
            unsafe { x86::load_cr3(outbox.pgdir.address()) };
            data_segments::arrive(outbox.id);
            cpu.area().env.store(outbox.id.0 as u32, Relaxed);
            Leave::Switched
        }
        Resume::Idle => {
            fpu::leave(cpu);
            data_segments::leave(cpu);
            address_space::enter();
            clock::stop_quantum();
            Leave::Idle
        }
    }
}

/// What the machine kept for this environment's slot was another's.
#[cold]
fn forget_slot(id: EnvId) {
    fpu::forget(id);
    data_segments::forget(id);
}

/// Makes another CPU flush, or give up its environment.
#[cold]
fn make_obey(holder: &mut Holder) {
    match holder.outbox().remote {
        Some(Remote::Flush(cpu)) => {
            let mailbox = &smp::area(cpu).mailbox;
            mailbox.flush(holder, || smp::interrupt(cpu), || {});
        }
        Some(Remote::Stop(cpu)) => {
            let mailbox = &smp::area(cpu).mailbox;
            if let Some((frame, event)) = mailbox.stop(holder, || smp::interrupt(cpu), || {}) {
                holder.parked(cpu, &frame, event);
            }
        }
        None => {}
    }
}

/// The effects that need the lock no more, or for good. Returns the event to
/// enter again with, if that has to be at once.
#[cold]
fn finish(
    cpu: ThisCpu,
    mut holder: Holder,
    effects: Effects,
    frame: &mut TrapFrame,
) -> Option<Event> {
    if effects.contains(Effects::END) {
        let end = holder.outbox().end;
        let mut devices = console::devices();
        holder.end();
        power::end(cpu, end, &holder, &mut devices);
    }
    if effects.contains(Effects::BREAK) {
        stop_at_breakpoint(cpu, holder, effects, frame);
        return None;
    }
    if effects.contains(Effects::CONSOLE) {
        let chunk = holder.outbox().chunk;
        let devices = console::devices();
        drop(holder);
        let will_interrupt = COM1.write_chunk(chunk.bytes());
        drop(devices);
        return (!will_interrupt).then_some(Event::ConsoleReady);
    }
    None
}

/// Enters the monitor, with the environment on this CPU. Its quantum begins
/// anew when it goes on.
fn stop_at_breakpoint(cpu: ThisCpu, mut holder: Holder, effects: Effects, frame: &mut TrapFrame) {
    clock::stop_quantum();
    let mut devices = console::devices();
    console::hush();
    print_all(cpu, &mut holder, effects, frame);
    monitor::at_breakpoint(cpu, &holder, &mut devices, frame);
    console::listen();
    clock::start_quantum();
}

/// Writes out what there is to print, after a step with these effects: the port
/// is waited for, and what its interrupts would have told the kernel proper, it
/// is told here. Should one of them still come, it tells nothing new.
fn print_all(cpu: ThisCpu, holder: &mut Holder, effects: Effects, frame: &mut TrapFrame) {
    let mut effects = effects;
    loop {
        if effects.contains(Effects::CONSOLE) {
            COM1.write_waiting(holder.outbox().chunk.bytes());
        }
        let step = holder.any_step(cpu.id(), clock::ticks(), Event::ConsoleReady, frame);
        effects = step.effects;
        perform_locked(cpu, holder, step);
        if !effects.contains(Effects::CONSOLE) {
            return;
        }
    }
}
