//! The one function that does to the machine what the core decided.
//!
//! The hard thing is the order. A frame that the step freed may be used again
//! only when no CPU can reach it: so this CPU's page tables change first, then
//! the other CPU's, then the kernel settles. The console is slow, so output to it
//! comes last, without the lock.
//!
//! A step that only switches frees nothing, so its CPU gives up the lock before it loads
//! the other page directory, which takes longer than all the rest. Until it has *arrived*
//! it still has the old one loaded, and whoever reclaims a dead space waits for that:
//! see [`biglock::arrival`].
//!
//! A breakpoint is the one effect that keeps the lock for as long as a person
//! likes. The other CPUs go on in user mode and wait when they enter, as in JOS.
//! Stopping them would take their cooperation, and the kernel's state, which the
//! person looks at, stands still anyway. No CPU makes requests of this one
//! meanwhile, as only the lock's holder may; and an NMI, a panic's included, waits
//! for no lock.

use crate::locked::KernelGuard;
use crate::machine::address_space::{self, Directory};
use crate::machine::console::{self, uart::Com1};
use crate::machine::phys;
use crate::machine::power;
use crate::machine::smp::{self, ThisCpu, clock, data_segments, fpu};
use crate::machine::x86;
use crate::monitor;
use abi::{EnvId, TrapFrame};
use biglock::arrival;
use kcore::step::FpuLeft;
use kcore::{Common, End, Event, Outbox, Remote, Step, ToResume, ToSwitch};

/// How a CPU goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// In the environment that it came from.
    Same,
    /// In the environment whose registers are in the frame now.
    Switched,
    /// Waiting for an interrupt.
    Idle,
    /// Entering again, after pending interrupts.
    Again,
}

impl Leave {
    /// How a CPU goes on if it entered again and that ended in `later`.
    pub fn then(self, later: Leave) -> Leave {
        if later == Leave::Same { self } else { later }
    }
}

/// Does what a step asks for, settles, and releases the lock. Returns how this CPU
/// goes on, and an event if it must enter again at once.
#[inline(always)]
pub fn perform(
    cpu: ThisCpu,
    mut holder: KernelGuard,
    step: Step,
    frame: &mut TrapFrame,
) -> (Leave, Option<Event>) {
    let clears = step.common().contains(Common::CLEAR);
    let to_clear = clears.then(|| holder.outbox().clear);
    let left = perform_locked(cpu, &mut holder, step);
    let again = finish(cpu, holder, step, frame);
    if let Some(frame) = to_clear {
        phys::clear(frame);
    }
    (left, again)
}

/// Everything that needs the lock, except what may keep it long.
#[inline(always)]
fn perform_locked(cpu: ThisCpu, holder: &mut KernelGuard, step: Step) -> Leave {
    if step.is_first() {
        data_segments::forget(holder.outbox().id);
    }
    let left = match step {
        Step::Resume(to) => resume(cpu, holder, to),
        Step::Switch(to) => {
            if to.contains(ToSwitch::TIMER) {
                clock::start_timer(holder.outbox().timer);
            }
            leave_fpu(holder, step);
            new_quantum(cpu);
            set_out(cpu, holder.outbox()).arrive(cpu)
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

/// [`perform`] for a step that only switches.
#[inline(always)]
pub fn switch(cpu: ThisCpu, holder: KernelGuard) -> Leave {
    new_quantum(cpu);
    hand_over(cpu, holder)
}

/// As [`switch`], but the quantum goes on.
#[inline(always)]
pub fn hand_over(cpu: ThisCpu, mut holder: KernelGuard) -> Leave {
    let destination = set_out(cpu, holder.outbox());
    drop(holder);
    destination.arrive(cpu)
}

/// The effects of a step that only changed pages of the environment that made it.
pub const OF_OWN_PAGES: ToResume = ToResume::FLUSH
    .union(ToResume::SETTLE)
    .union(ToResume::CLEAR);

/// [`perform`] for a step that asks only for [`OF_OWN_PAGES`].
#[inline(always)]
pub fn settle_own_pages(mut holder: KernelGuard, to: ToResume) {
    if to.contains(ToResume::FLUSH) {
        x86::invlpg(holder.outbox().flush);
    }
    if to.contains(ToResume::SETTLE) {
        holder.settle();
    }
    if to.contains(ToResume::CLEAR) {
        let frame = holder.outbox().clear;
        drop(holder);
        phys::clear(frame);
    }
}

/// A quantum begins on this CPU.
#[inline(always)]
fn new_quantum(cpu: ThisCpu) {
    if cpu.is_first() {
        console::new_quantum();
    }
}

/// Prepares the CPU to go on with the same environment.
#[inline(always)]
fn resume(cpu: ThisCpu, holder: &mut KernelGuard, to: ToResume) -> Leave {
    if to.contains(ToResume::FLUSH) {
        x86::invlpg(holder.outbox().flush);
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
    if to.contains(ToResume::TIMER) {
        clock::start_timer(holder.outbox().timer);
        if holder.view().has_begun_quantum(cpu.id()) {
            new_quantum(cpu);
        }
    }
    Leave::Same
}

/// The environment to which a CPU is on its way.
struct Destination {
    id: EnvId,
    directory: Directory,
}

/// Does what the lock is needed for: exchanges the data segments, which the environments
/// have of the CPU beside their frames, and notes where to go.
#[inline(always)]
fn set_out(cpu: ThisCpu, outbox: &Outbox) -> Destination {
    let destination = Destination {
        id: outbox.id,
        directory: Directory::named_in(outbox),
    };
    data_segments::leave(cpu);
    data_segments::arrive(destination.id);
    destination
}

impl Destination {
    #[inline(always)]
    fn arrive(self, cpu: ThisCpu) -> Leave {
        self.directory.enter();
        arrival::arrive(cpu.env(), self.id.0 as u32);
        Leave::Switched
    }
}

/// Prepares the CPU to have no environment.
fn leave_for_none(cpu: ThisCpu, holder: &mut KernelGuard, step: Step, left: Leave) -> Leave {
    leave_fpu(holder, step);
    data_segments::leave(cpu);
    address_space::enter_kernel();
    if step.starts_timer() {
        clock::start_timer(holder.outbox().timer);
    } else {
        clock::stop_timer();
    }
    new_quantum(cpu);
    left
}

/// Saves or resets the x87 and SSE registers of the environment that leaves this CPU,
/// as the step says.
fn leave_fpu(holder: &mut KernelGuard, step: Step) {
    match step.fpu_left() {
        FpuLeft::Clean => {}
        FpuLeft::Save => fpu::save(holder.outbox().fpu),
        FpuLeft::Reset => fpu::reset(),
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

/// The effects that no longer need the lock, or keep it. Returns an event if this CPU
/// must enter again at once.
#[inline(always)]
fn finish(cpu: ThisCpu, holder: KernelGuard, step: Step, frame: &mut TrapFrame) -> Option<Event> {
    if step.ends() {
        end(cpu, holder);
    }
    if step.breaks() {
        stop_at_breakpoint(cpu, holder, step, frame);
    } else if step.common().contains(Common::CONSOLE) {
        return write_chunk(holder);
    }
    None
}

/// The run is over.
#[cold]
fn end(cpu: ThisCpu, mut holder: KernelGuard) -> ! {
    let mut devices = console::devices();
    holder.end();
    match holder.outbox().end {
        End::PowerOff => power::off(),
        End::Monitor => monitor::at_the_end(cpu, &holder, &mut devices),
    }
}

/// Writes a chunk without the lock.
#[cold]
fn write_chunk(mut holder: KernelGuard) -> Option<Event> {
    let chunk = holder.outbox().chunk;
    let devices = console::devices();
    drop(holder);
    let will_interrupt = Com1.write_chunk(chunk.bytes());
    drop(devices);
    (!will_interrupt).then_some(Event::ConsoleReady)
}

/// Enters the monitor for the environment on this CPU, which then goes on with a new
/// quantum.
#[cold]
fn stop_at_breakpoint(cpu: ThisCpu, mut holder: KernelGuard, step: Step, frame: &mut TrapFrame) {
    clock::stop_timer();
    let mut devices = console::devices();
    console::hush();
    print_all(cpu, &mut holder, step, frame);
    monitor::at_breakpoint(cpu, &holder, &mut devices, frame);
    console::listen();
    clock::start_timer(holder.view().config().quantum);
}

/// Writes out all that waits to be printed after this step. It waits for the port, and
/// tells the core here what the port's interrupts would have told. Such an interrupt may
/// still come later, and does no harm.
fn print_all(cpu: ThisCpu, holder: &mut KernelGuard, step: Step, frame: &mut TrapFrame) {
    let mut step = step;
    loop {
        if step.common().contains(Common::CONSOLE) {
            Com1.write_waiting(holder.outbox().chunk.bytes());
        }
        step = holder.step(cpu.id(), clock::ticks(), Event::ConsoleReady, frame);
        perform_locked(cpu, holder, step);
        if !step.common().contains(Common::CONSOLE) {
            return;
        }
    }
}
