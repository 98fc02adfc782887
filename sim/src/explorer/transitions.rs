//! What can happen next in a machine, and how it happens.
//!
//! A transition is so small that no other CPU could observe the middle of it. The
//! hard thing is to leave out nothing that hardware may do: a CPU may fetch a
//! translation that its program never asked for, even while it waits for the
//! lock; an interrupt may arrive before any instruction.

use super::program::{self, Op, TYPED, access};
use super::scenarios::Scenario;
use crate::checks::{Verdict, Violation};
use crate::machine::user::Access;
use crate::machine::{Machine, Mode};
use crate::mmu::walk;
use abi::trap::Vector;
use kcore::{CpuId, Event};
use std::fmt;

/// What kind of thing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The program reads or writes a word, through a remembered translation.
    Access,
    /// The CPU fetches the translation of one of the scenario's pages.
    Fill(u8),
    /// The program's access faults; the CPU wants the lock.
    Fault,
    /// The program uses its x87 registers; if that traps, the CPU wants the lock.
    Fpu,
    /// The program makes a call; the CPU wants the lock.
    Call,
    /// The timer interrupts the program, or an idle CPU when it is due; the CPU wants the
    /// lock.
    Timer,
    /// Time passes until the first alarm is due.
    Pass,
    /// A byte is typed that an environment waits for; CPU 0 wants the lock.
    Type,
    /// An inter-processor interrupt arrives.
    Deliver,
    /// The CPU obeys the request in its mail.
    Answer,
    /// The CPU takes the lock, makes its step and performs the effects, unless
    /// it must wait for another CPU.
    Enter,
    /// The other CPU has obeyed: the CPU performs the remaining effects and
    /// releases the lock.
    Finish,
}

/// Something that happens on a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The CPU.
    pub cpu: CpuId,
    /// What happens.
    pub kind: Kind,
}

impl Transition {
    /// Whether it can change the kernel's own state.
    pub const fn enters(self) -> bool {
        matches!(self.kind, Kind::Enter | Kind::Finish)
    }
}

/// Everything that can happen next.
pub fn enabled(machine: &Machine<'_>, scenario: &Scenario, out: &mut Vec<Transition>) {
    out.clear();
    for cpu in machine.cpu_ids() {
        let own = machine.cpu(cpu);
        let mut add = |kind| out.push(Transition { cpu, kind });
        let hears_devices = cpu.0 == 0 && matches!(own.mode, Mode::User | Mode::Idle);
        if hears_devices && !machine.kernel.sched().input.is_empty() && machine.holder.is_none() {
            add(Kind::Type);
        }
        match own.mode {
            Mode::User => {
                in_user_mode(machine, scenario, cpu, &mut add);
                add(Kind::Timer);
                if own.ipi {
                    add(Kind::Deliver);
                }
            }
            Mode::Serving => add(Kind::Answer),
            Mode::Waiting(_) => {
                if own.mail.is_some() {
                    add(Kind::Answer);
                }
                if machine.holder.is_none() {
                    add(Kind::Enter);
                }
            }
            Mode::Performing if machine.is_answered() => add(Kind::Finish),
            Mode::Idle => {
                if own.ipi {
                    add(Kind::Deliver);
                }
                if own.due.is_some_and(|due| due <= machine.now) {
                    add(Kind::Timer);
                }
            }
            Mode::Performing | Mode::Off => {}
        }
        if cpu.0 == 0 && machine.holder.is_none() && first_alarm(machine) > machine.now {
            add(Kind::Pass);
        }
        if own.mode != Mode::Off && own.cr3 != machine.kernel.config().kernel_pgdir {
            fills(machine, scenario, cpu, &mut add);
        }
    }
}

/// When the first alarm is due; 0 if there is none.
fn first_alarm(machine: &Machine<'_>) -> u64 {
    let first = machine.kernel.sched().timers.first();
    first.map_or(0, |slot| machine.kernel.envs()[slot].alarm)
}

fn in_user_mode(
    machine: &Machine<'_>,
    scenario: &Scenario,
    cpu: CpuId,
    add: &mut impl FnMut(Kind),
) {
    let op = program::current(machine, cpu, &scenario.text);
    if let Op::Call(..) = op {
        add(Kind::Call);
    }
    if let Op::Fpu { .. } = op {
        add(Kind::Fpu);
    }
    if let Some((va, write)) = access(op) {
        match machine.access(cpu, va, write) {
            Access::Hit(_) => add(Kind::Access),
            // First the translation is fetched: see below.
            Access::Miss(_) => {}
            Access::Fault => add(Kind::Fault),
        }
    }
}

/// Offers the translations that the page tables have and the CPU does not.
fn fills(machine: &Machine<'_>, scenario: &Scenario, cpu: CpuId, add: &mut impl FnMut(Kind)) {
    let own = machine.cpu(cpu);
    for (index, &page) in scenario.pages.iter().enumerate() {
        let Some(granted) = walk(machine.kernel.memory(), own.cr3, page) else {
            continue;
        };
        let known = own.tlb.get(page);
        if known.is_none_or(|known| granted.writeable && !known.writeable) {
            add(Kind::Fill(index as u8));
        }
    }
}

/// Makes an enabled transition, and checks what the program observes.
pub fn apply(machine: &mut Machine<'_>, scenario: &Scenario, transition: Transition) -> Verdict {
    let Transition { cpu, kind } = transition;
    match kind {
        Kind::Access => {
            make_access(machine, scenario, cpu)?;
            machine.cpu_mut(cpu).frame.eip += 1;
        }
        Kind::Fill(index) => machine.fill(cpu, scenario.pages[usize::from(index)]),
        Kind::Fault => {
            if let Some((va, write)) = access(program::current(machine, cpu, &scenario.text)) {
                machine.page_fault(cpu, va, write);
            }
        }
        Kind::Call => {
            if let Op::Call(call, arguments) = program::current(machine, cpu, &scenario.text) {
                program::begin_call(machine, cpu, call, arguments);
                machine.trap(cpu, Event::Syscall);
            }
        }
        Kind::Fpu => use_fpu(machine, scenario, cpu)?,
        Kind::Timer => {
            let own = machine.cpu_mut(cpu);
            if own.mode == Mode::User {
                own.frame.trapno = Vector::TIMER.0;
            }
            machine.wait(cpu, Event::Timer);
        }
        Kind::Pass => machine.now = first_alarm(machine),
        Kind::Type => {
            machine.cpu_mut(cpu).mode = Mode::Waiting(Event::ConsoleInput { byte: TYPED });
        }
        Kind::Deliver => machine.deliver(cpu),
        Kind::Answer => machine.answer(cpu),
        Kind::Enter => machine.enter(cpu),
        Kind::Finish => machine.finish(),
    }
    program::go_on(machine, &scenario.text)
}

fn use_fpu(machine: &mut Machine<'_>, scenario: &Scenario, cpu: CpuId) -> Verdict {
    let Op::Fpu { want, leave } = program::current(machine, cpu, &scenario.text) else {
        return Ok(());
    };
    match machine.use_fpu(cpu, leave) {
        None => Ok(()),
        Some(value) if value == want => {
            machine.cpu_mut(cpu).frame.eip += 1;
            Ok(())
        }
        Some(value) => Err(Violation::Registers { cpu, value }),
    }
}

fn make_access(machine: &mut Machine<'_>, scenario: &Scenario, cpu: CpuId) -> Verdict {
    let op = program::current(machine, cpu, &scenario.text);
    let Some((va, write)) = access(op) else {
        return Ok(());
    };
    if let Access::Hit(translation) = machine.access(cpu, va, write) {
        machine.check_access(cpu, va, translation.frame, write)?;
        if write {
            // Each CPU writes its own value, so that stores can be told apart.
            machine.store(cpu, va, 0x100 + u32::from(cpu.0));
        }
    }
    Ok(())
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            Kind::Access => "uses memory",
            Kind::Fill(_) => "fetches a translation",
            Kind::Fault => "faults",
            Kind::Fpu => "uses its x87 registers",
            Kind::Call => "makes a call",
            Kind::Timer => "is interrupted by its timer",
            Kind::Pass => "sees time pass until somebody's wait ends",
            Kind::Type => "is interrupted: a byte was typed",
            Kind::Deliver => "is interrupted by another CPU",
            Kind::Answer => "obeys",
            Kind::Enter => "takes the lock and makes its step",
            Kind::Finish => "sees that it was obeyed, settles, lets the lock go",
        };
        write!(f, "CPU {} {what}", self.cpu.0)
    }
}
