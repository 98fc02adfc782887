//! The one function that does to the machine what the kernel proper decided.
//!
//! The hard thing is the order. A frame that the step freed may be used again
//! only when no CPU can reach it: so this CPU's page tables change first, then
//! the other CPU's, then the kernel settles. The console, which is slow, is
//! written last, without the lock.

use crate::address_space;
use crate::console::uart::COM1;
use crate::enter::Leave;
use crate::power;
use crate::proper::Holder;
use crate::smp::{self, ThisCpu, clock, fpu};
use crate::x86;
use core::sync::atomic::Ordering::Relaxed;
use kcore::{Effects, Event, Remote, Resume, Step};

/// Does what a step asks for, settles, and lets the lock go. Returns how this
/// CPU goes on, and with what event it has to enter again at once, if so.
#[inline(always)]
pub fn perform(cpu: ThisCpu, mut holder: Holder, step: Step) -> (Leave, Option<Event>) {
    let Step { resume, effects } = step;
    let left = resume_on(cpu, resume);
    if effects.contains(Effects::FLUSH) {
        x86::invlpg(holder.outbox().flush);
    }
    if effects.contains(Effects::REMOTE) {
        make_obey(&mut holder);
    }
    if effects.contains(Effects::WAKE) {
        holder.outbox().wake.iter().for_each(smp::interrupt);
    }
    if effects.contains(Effects::TIMER) {
        clock::start_quantum();
    }
    if effects.contains(Effects::SETTLE) {
        holder.settle();
    }
    if effects.intersects(Effects::CONSOLE | Effects::AGAIN | Effects::END) {
        return (left, finish(holder, left, effects));
    }
    (left, None)
}

/// [`perform`] for a step that does no more than switch.
#[inline(always)]
pub fn switch(cpu: ThisCpu, holder: Holder, resume: Resume) -> Leave {
    let left = resume_on(cpu, resume);
    clock::start_quantum();
    drop(holder);
    left
}

/// Prepares the CPU for what it resumes.
#[inline(always)]
fn resume_on(cpu: ThisCpu, resume: Resume) -> Leave {
    match resume {
        Resume::Same => Leave::Same,
        Resume::Switch { pgdir, id } => {
            fpu::leave(cpu);
            // SAFETY: (22) every environment's directory has the kernel's entries.
            unsafe { x86::load_cr3(pgdir.address()) };
            x86::reset_fs_gs();
            cpu.area().env.store(id.0 as u32, Relaxed);
            Leave::Switched
        }
        Resume::Idle => {
            fpu::leave(cpu);
            address_space::enter();
            clock::stop_quantum();
            Leave::Idle
        }
    }
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
fn finish(mut holder: Holder, left: Leave, effects: Effects) -> Option<Event> {
    let chunk = holder.outbox().chunk;
    if effects.contains(Effects::END) {
        let end = holder.outbox().end;
        holder.end();
        power::end(end);
    }
    drop(holder);
    if effects.contains(Effects::CONSOLE) && !COM1.write_chunk(chunk.bytes()) {
        return Some(Event::ConsoleReady);
    }
    let again = left == Leave::Idle && effects.contains(Effects::AGAIN);
    again.then_some(Event::Wake)
}
