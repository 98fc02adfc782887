//! The one way into the kernel proper, and the one function that does to the
//! machine what the kernel proper decided.
//!
//! Every entry takes the big lock, makes one step of the state machine,
//! performs the step's effects, settles, lets the lock go. The hard thing is
//! the order: a frame that the step freed may be used again only when no CPU
//! can reach it, so this CPU's page tables change first, then the other CPU's,
//! then the kernel settles; and the console, which is slow, is written last,
//! without the lock.

use crate::address_space;
use crate::console::{self, uart::COM1};
use crate::phys::DirectMap;
use crate::power;
use crate::smp::{self, ThisCpu, clock};
use crate::x86;
use abi::TrapFrame;
use biglock::{BigLock, Guard, Serviced, Target};
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use kcore::{Effects, Event, Kernel, Remote, Resume, Step};

/// The kernel proper on this machine.
pub type Core = Kernel<'static, DirectMap>;

/// The kernel proper, while this CPU holds the big lock.
type CoreGuard = Guard<'static, MaybeUninit<Core>>;

/// What a CPU leaves behind when it is made to give up its environment.
pub type Parked = (TrapFrame, Event);

static KERNEL: BigLock<MaybeUninit<Core>> = BigLock::new(MaybeUninit::uninit());

/// Whether [`KERNEL`] holds one. Only panics ask.
static INSTALLED: AtomicBool = AtomicBool::new(false);

/// The number of the call that is answered before the lock; of no call while
/// that is off. `getenvid` has the same number in every personality.
static ANSWERED_CALL: AtomicU32 = AtomicU32::new(u32::MAX);
const GETENVID: u32 = 2;

/// Puts the kernel in its place, before any CPU enters.
///
/// # Safety
/// Called once, before [`enter`].
pub unsafe fn install(kernel: Core, answer_before_lock: bool) {
    KERNEL.lock(|| {}).write(kernel);
    INSTALLED.store(true, Relaxed);
    if answer_before_lock {
        ANSWERED_CALL.store(GETENVID, Relaxed);
    }
}

/// How a CPU goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// In the environment that it came from.
    Same,
    /// In the environment whose registers are in the frame now.
    Switched,
    /// Waiting for an interrupt.
    Idle,
}

impl Leave {
    /// How it goes on after another entry that came to `later`.
    pub fn then(self, later: Leave) -> Leave {
        if later == Leave::Same { self } else { later }
    }
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
        Some(guard) => match step(cpu, event(), guard, frame) {
            (left, None) => left,
            (left, Some(event)) => left.then(enter(cpu, event, frame)),
        },
        None => enter(cpu, event(), frame),
    }
}

/// As [`enter_inlined`], for those who are in no hurry. Enters again as often
/// as the kernel asks for it.
#[inline(never)]
pub fn enter(cpu: ThisCpu, event: Event, frame: &mut TrapFrame) -> Leave {
    let mut event = event;
    let mut left = Leave::Same;
    loop {
        let guard = KERNEL.lock(|| {
            if answer(cpu, event, frame) && is_of_environment(event) {
                event = Event::Wake; // that one went with the environment
            }
        });
        let (later, again) = step(cpu, event, guard, frame);
        left = left.then(later);
        match again {
            Some(next) => event = next,
            None => return left,
        }
    }
}

/// One step of the kernel proper, and its effects: every entry comes through
/// here. Returns how this CPU goes on, or else with what event it has to enter
/// again at once.
#[inline(always)]
fn step(
    cpu: ThisCpu,
    event: Event,
    mut guard: CoreGuard,
    frame: &mut TrapFrame,
) -> (Leave, Option<Event>) {
    // SAFETY: `install` ran before any CPU could come here.
    let kernel = unsafe { guard.assume_init_mut() };
    let step = kernel.step(cpu.id(), clock::now(), event, frame);
    if step.effects.is_empty() && step.resume == Resume::Same {
        kernel.settle();
        return (Leave::Same, None);
    }
    perform(cpu, guard, step)
}

/// Does what a step asks for, settles, and lets the lock go.
fn perform(cpu: ThisCpu, mut guard: CoreGuard, step: Step) -> (Leave, Option<Event>) {
    let Step { resume, effects } = step;
    let left = resume_on(cpu, resume);
    // SAFETY: `install` ran before any CPU could come here.
    let kernel = unsafe { guard.assume_init_mut() };
    if effects.contains(Effects::FLUSH) {
        x86::invlpg(kernel.outbox().flush);
    }
    if effects.contains(Effects::TIMER) {
        clock::start_quantum();
    }
    if effects.intersects(Effects::REMOTE | Effects::WAKE) {
        tell_others(&mut guard, effects);
    }
    // SAFETY: as above.
    let kernel = unsafe { guard.assume_init_mut() };
    kernel.settle();
    if effects.intersects(Effects::CONSOLE | Effects::AGAIN | Effects::END) {
        return (left, finish(guard, left, effects));
    }
    (left, None)
}

/// Prepares the CPU for what it resumes.
#[inline(always)]
fn resume_on(cpu: ThisCpu, resume: Resume) -> Leave {
    match resume {
        Resume::Same => Leave::Same,
        Resume::Switch { pgdir, id } => {
            // SAFETY: every environment's directory has the kernel's entries.
            unsafe { x86::load_cr3(pgdir.address()) };
            x86::reset_fs_gs();
            cpu.area().env.store(id.0 as u32, Relaxed);
            Leave::Switched
        }
        Resume::Idle => {
            address_space::enter();
            clock::stop_quantum();
            Leave::Idle
        }
    }
}

/// The effects that need the lock no more, or for good. Returns the event to
/// enter again with, if that has to be at once.
#[cold]
fn finish(mut guard: CoreGuard, left: Leave, effects: Effects) -> Option<Event> {
    // SAFETY: `install` ran before any CPU could come here.
    let kernel = unsafe { guard.assume_init_mut() };
    if effects.contains(Effects::END) {
        power::end(kernel);
    }
    let chunk = kernel.outbox().chunk;
    drop(guard);
    if effects.contains(Effects::CONSOLE) && !COM1.write_chunk(chunk.bytes()) {
        return Some(Event::ConsoleReady);
    }
    let again = left == Leave::Idle && effects.contains(Effects::AGAIN);
    again.then_some(Event::Wake)
}

/// Makes another CPU obey, and wakes those that idle.
#[cold]
fn tell_others(guard: &mut CoreGuard, effects: Effects) {
    // SAFETY: `install` ran before any CPU could come here.
    let outbox = *unsafe { guard.assume_init_ref() }.outbox();
    if effects.contains(Effects::REMOTE) {
        match outbox.remote {
            Some(Remote::Flush(cpu)) => {
                smp::area(cpu)
                    .mailbox
                    .flush(guard, || smp::interrupt(cpu), || {});
            }
            Some(Remote::Stop(cpu)) => {
                let parked = smp::area(cpu)
                    .mailbox
                    .stop(guard, || smp::interrupt(cpu), || {});
                if let Some((frame, event)) = parked {
                    // SAFETY: `install` ran before any CPU could come here.
                    unsafe { guard.assume_init_mut() }.parked(cpu, &frame, event);
                }
            }
            None => {}
        }
    }
    if effects.contains(Effects::WAKE) {
        outbox.wake.iter().for_each(smp::interrupt);
    }
}

/// This CPU, asked to obey while `event` waits to be handled.
struct Obey<'f> {
    cpu: ThisCpu,
    event: Event,
    frame: &'f TrapFrame,
}

impl Target for Obey<'_> {
    type Parked = Parked;

    fn flush(&mut self) {
        // SAFETY: the directory in use, again.
        unsafe { x86::load_cr3(x86::cr3()) };
    }

    fn stop(&mut self) -> Parked {
        address_space::enter();
        self.cpu.area().env.store(0, Relaxed);
        let event = if is_of_environment(self.event) {
            self.event
        } else {
            Event::Wake
        };
        (*self.frame, event)
    }
}

/// Whether an event is the environment's own affair, and goes where it goes.
/// What a device says stays with the CPU that heard it.
fn is_of_environment(event: Event) -> bool {
    !matches!(event, Event::ConsoleReady | Event::ConsoleInput { .. })
}

/// Looks into this CPU's mail while `event` waits. Returns whether the
/// environment was taken away, and the event with it.
fn answer(cpu: ThisCpu, event: Event, frame: &TrapFrame) -> bool {
    match cpu.area().mailbox.service(&mut Obey { cpu, event, frame }) {
        Serviced::Nothing | Serviced::Flushed => false,
        Serviced::Stopped => true,
        Serviced::Halt => x86::halt_forever(),
    }
}

/// The interrupt by which others say that there is mail. `None` if there was
/// nothing that makes this CPU enter the kernel.
pub fn answer_mail(cpu: ThisCpu, frame: &mut TrapFrame) -> Option<Leave> {
    answer(cpu, Event::Wake, frame).then(|| enter(cpu, Event::Wake, frame))
}

/// For a panic: writes out what the kernel had printed.
pub fn flush_console() {
    if INSTALLED.load(Relaxed) {
        // SAFETY: all other CPUs have been stopped, and this one never goes
        // back to what it was doing. `install` ran. The ring's state is plain
        // numbers, and whatever they are, safe code bounds them.
        let kernel = unsafe { (*KERNEL.force()).assume_init_mut() };
        console::flush(kernel.console());
    }
}
