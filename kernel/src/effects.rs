//! The one function that does to the machine what the core decided.
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

use crate::locked::KernelGuard;
use crate::machine::address_space;
use crate::machine::console::{self, uart::COM1};
use crate::machine::power;
use crate::machine::smp::{self, ThisCpu, clock, data_segments, fpu};
use crate::monitor;
use abi::{EnvId, TrapFrame};
use core::sync::atomic::Ordering::Relaxed;
use kcore::step::FpuLeft;
use kcore::{Common, End, Event, Remote, Step, ToResume, ToSwitch};

/// How a CPU goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// In the environment that it came from.
    Same,
    /// In the environment whose registers are in the frame now.
    Switched,
    /// Waiting for an interrupt.
    Idle,
    /// Entering again, when those who wanted to interrupt have.
    Again,
}

impl Leave {
    /// How it goes on after another entry that came to `later`.
    pub fn then(self, later: Leave) -> Leave {
        if later == Leave::Same { self } else { later }
    }
}

/// Does what a step asks for, settles, and lets the lock go. Returns how this
/// CPU goes on, and with what event it has to enter again at once, if so.
#[inline(always)]
pub fn perform(
    cpu: ThisCpu,
    mut holder: KernelGuard,
    step: Step,
    frame: &mut TrapFrame,
) -> (Leave, Option<Event>) {
    let left = perform_locked(cpu, &mut holder, step);
    let prints = step.common().contains(Common::CONSOLE);
    if prints || step.breaks() || step.ends() {
        return (left, finish(cpu, holder, step, frame));
    }
    (left, None)
}

/// What has to be done before the lock is let go, but for what may keep it long.
#[inline(always)]
fn perform_locked(cpu: ThisCpu, holder: &mut KernelGuard, step: Step) -> Leave {
    let left = match step {
        Step::Resume(to) => resume(cpu, holder, to),
        Step::Switch(to) => {
            if to.contains(ToSwitch::FIRST) {
                data_segments::forget(holder.outbox().id);
            }
            leave_fpu(holder, step);
            switch_locked(cpu, holder)
        }
        Step::Idle(_) => leave_for_none(cpu, holder, step, Leave::Idle),
        Step::Again(_) => leave_for_none(cpu, holder, step, Leave::Again),
    };
    let common = step.common();
    if common.contains(Common::REMOTE) {
        make_obey(holder);
    }
    if common.contains(Common::WAKE) {
        holder.outbox().wake.iter().for_each(smp::interrupt);
    }
    if common.contains(Common::SETTLE) {
        holder.settle();
    }
    left
}

/// [`perform`] for a step that does no more than switch.
#[inline(always)]
pub fn switch(cpu: ThisCpu, mut holder: KernelGuard) -> Leave {
    let left = switch_locked(cpu, &mut holder);
    drop(holder);
    left
}

/// What a step may ask for that changed a page of the environment that made it.
pub const OF_OWN_PAGES: ToResume = ToResume::FLUSH.union(ToResume::SETTLE);

/// [`perform`] for a step that asks for no more than [`OF_OWN_PAGES`].
#[inline(always)]
pub fn settle_own_pages(mut holder: KernelGuard, to: ToResume) {
    if to.contains(ToResume::FLUSH) {
        address_space::flush(holder.outbox().flush);
    }
    if to.contains(ToResume::SETTLE) {
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

/// Prepares the CPU for going on with the same environment.
#[inline(always)]
fn resume(cpu: ThisCpu, holder: &mut KernelGuard, to: ToResume) -> Leave {
    if to.contains(ToResume::FLUSH) {
        address_space::flush(holder.outbox().flush);
    }
    if to.contains(ToResume::FLUSH_ALL) {
        address_space::flush_all();
    }
    if to.contains(ToResume::FPU) {
        fpu::lend();
        if to.contains(ToResume::FPU_LOAD) {
            fpu::load(holder.outbox().fpu);
        }
    }
    if to.contains(ToResume::QUANTUM) {
        start_quantum(cpu);
    }
    Leave::Same
}

/// Prepares the CPU for another environment. Nobody has its x87 registers.
#[inline(always)]
fn switch_locked(cpu: ThisCpu, holder: &mut KernelGuard) -> Leave {
    let outbox = holder.outbox();
    let env = &cpu.area().env;
    data_segments::leave(EnvId(env.load(Relaxed) as i32));
    address_space::enter_environment(outbox);
    data_segments::arrive(outbox.id);
    env.store(outbox.id.0 as u32, Relaxed);
    start_quantum(cpu);
    Leave::Switched
}

/// Prepares the CPU for having no environment.
fn leave_for_none(cpu: ThisCpu, holder: &mut KernelGuard, step: Step, left: Leave) -> Leave {
    leave_fpu(holder, step);
    data_segments::leave(EnvId(cpu.area().env.load(Relaxed) as i32));
    address_space::enter_kernel();
    clock::stop_quantum();
    if cpu.is_first() {
        console::new_quantum();
    }
    left
}

/// Does what a step says of the x87 and SSE registers of whoever leaves this CPU.
fn leave_fpu(holder: &mut KernelGuard, step: Step) {
    match step.fpu_left() {
        FpuLeft::Clean => {}
        FpuLeft::Save => fpu::save(holder.outbox().fpu),
        FpuLeft::Reset => fpu::take_back(),
    }
}

/// Makes another CPU flush, or give up its environment.
#[cold]
fn make_obey(holder: &mut KernelGuard) {
    match holder.outbox().remote {
        Some(Remote::Flush(cpu)) => {
            let mailbox = &smp::area(cpu).mailbox;
            mailbox.flush(holder, || smp::interrupt(cpu));
        }
        Some(Remote::Stop(cpu)) => {
            let mailbox = &smp::area(cpu).mailbox;
            if let Some((frame, event)) = mailbox.stop(holder, || smp::interrupt(cpu)) {
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
    mut holder: KernelGuard,
    step: Step,
    frame: &mut TrapFrame,
) -> Option<Event> {
    if step.ends() {
        let end = holder.outbox().end;
        let mut devices = console::devices();
        holder.end();
        match end {
            End::PowerOff => power::off(),
            End::Monitor => monitor::at_the_end(cpu, &holder, &mut devices),
        }
    }
    if step.breaks() {
        stop_at_breakpoint(cpu, holder, step, frame);
        return None;
    }
    if step.common().contains(Common::CONSOLE) {
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
fn stop_at_breakpoint(cpu: ThisCpu, mut holder: KernelGuard, step: Step, frame: &mut TrapFrame) {
    clock::stop_quantum();
    let mut devices = console::devices();
    console::hush();
    print_all(cpu, &mut holder, step, frame);
    monitor::at_breakpoint(cpu, &holder, &mut devices, frame);
    console::listen();
    clock::start_quantum();
}

/// Writes out what there is to print, after this step: the port
/// is waited for, and what its interrupts would have told the core, it
/// is told here. Should one of them still come, it tells nothing new.
fn print_all(cpu: ThisCpu, holder: &mut KernelGuard, step: Step, frame: &mut TrapFrame) {
    let mut prints = step.common().contains(Common::CONSOLE);
    loop {
        if prints {
            COM1.write_waiting(holder.outbox().chunk.bytes());
        }
        let step = holder.step(cpu.id(), clock::ticks(), Event::ConsoleReady, frame);
        prints = step.common().contains(Common::CONSOLE);
        perform_locked(cpu, holder, step);
        if !prints {
            return;
        }
    }
}
