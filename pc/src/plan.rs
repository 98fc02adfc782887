//! Who moves next.
//!
//! A plan decides everything about a run that its programs do not: which CPU goes on
//! and for how long, when a timer rings, when a store leaves its buffer. It is a value
//! like the rest, so a snapshot of a machine holds the future too. The hard thing is
//! that a plan must always come back to everybody: a CPU that is left alone for ever
//! would make a program hang that hangs on no PC.

mod chosen;
mod fair;
mod hostile;

pub use chosen::{Choice, Chosen, Own, PATIENCE};
pub use fair::Fair;
pub use hostile::Hostile;

use crate::stores::Stores;
use kcore::CpuId;
use sim::machine::{Cpu, Machine, Mode};

/// What happens next on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// A CPU has its turn: it does the next thing that it has to do, or executes at
    /// most so many instructions. Time passes as if all CPUs had had such a turn.
    Turn {
        /// Which one.
        cpu: CpuId,
        /// The most instructions; not 0.
        length: u64,
    },
    /// A CPU in ring 3 is interrupted by its timer, after as much time as that needs.
    Ring(CpuId),
    /// The oldest store in a CPU's buffer reaches memory.
    Drain(CpuId),
}

/// What the plans look at.
pub(crate) struct View<'a, 't> {
    pub(crate) machine: &'a Machine<'t>,
    pub(crate) stores: &'a [Stores],
}

impl View<'_, '_> {
    fn cpus(&self) -> u64 {
        self.machine.cpus.len() as u64
    }

    /// Whether a turn of `cpu` would change anything.
    pub(crate) fn can_move(&self, cpu: CpuId) -> bool {
        let own = self.machine.cpu(cpu);
        match own.mode {
            Mode::User | Mode::Serving => true,
            Mode::Waiting(_) => self.machine.holder.is_none() || own.mail.is_some(),
            Mode::Idle => own.ipi || self.machine.uart.busy && cpu.0 == 0 || self.is_rung(cpu),
            Mode::Performing | Mode::Off => false,
        }
    }

    /// Whether the timer of a CPU that idles rings now, or before anything else happens.
    fn is_rung(&self, cpu: CpuId) -> bool {
        let cpus = &self.machine.cpus;
        let sleeps = |cpu: &Cpu| cpu.mode == Mode::Idle && !cpu.ipi;
        let is_next = |due| {
            cpus.iter()
                .filter_map(|cpu| cpu.due)
                .all(|other| due <= other)
        };
        let all_sleep = !self.machine.uart.busy && cpus.iter().all(sleeps);
        let due = self.machine.cpu(cpu).due;
        due.is_some_and(|due| due <= self.machine.now || all_sleep && is_next(due))
    }

    fn in_ring3(&self, cpu: CpuId) -> bool {
        self.machine.cpu(cpu).mode == Mode::User
    }
}

/// A way to decide.
#[derive(Clone, Debug)]
pub enum Plan {
    /// All CPUs at about the same pace.
    Fair(Fair),
    /// One CPU far ahead of the others, interrupts where they hurt.
    Hostile(Hostile),
    /// What somebody chose.
    Chosen(Chosen),
}

impl Plan {
    /// The next move. A machine that is not asleep is asked until it is over.
    pub(crate) fn next(&mut self, view: &View<'_, '_>) -> Move {
        match self {
            Plan::Fair(plan) => plan.next(view),
            Plan::Hostile(plan) => plan.next(view),
            Plan::Chosen(plan) => plan.next(view),
        }
    }

    /// What comes next if nobody chooses; of use for [`Plan::Chosen`].
    pub(crate) fn own(&self, view: &View<'_, '_>) -> Option<Own> {
        match self {
            Plan::Chosen(plan) => Some(plan.own(view)),
            Plan::Fair(_) | Plan::Hostile(_) => None,
        }
    }

    /// Whether turns are narrow: a way through the kernel is one turn, a turn ends with
    /// an access to memory that others see, and timers ring only when the plan says so.
    pub(crate) fn is_narrow(&self) -> bool {
        matches!(self, Plan::Chosen(_))
    }

    /// Tells it how many instructions the last turn had.
    pub(crate) fn spent(&mut self, instructions: u64) {
        if let Plan::Chosen(plan) = self {
            plan.spent(instructions);
        }
    }

    /// Tells it that the program that just executed yields.
    pub(crate) fn yielded(&mut self) {
        if let Plan::Chosen(plan) = self {
            plan.yielded();
        }
    }
}

/// A number below `limit`, which is not 0.
fn below(random: &mut sim::random::Stream, limit: u64) -> u64 {
    u64::from(random.word()) % limit
}
