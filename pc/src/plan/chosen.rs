//! What somebody chose, and nothing else.
//!
//! The machine does as little as it can on its own: the CPU that moved last goes on as
//! long as it can, then the next one by number. Choices are the exceptions: at the
//! decision with that number, another CPU moves, a timer rings, a store becomes
//! visible. So a schedule is as short as what is remarkable about it, and a search
//! counts pre-emptions by counting choices.
//!
//! The hard thing is a program that waits in a loop. Nobody would come to end its
//! waiting; so a CPU that went on for [`PATIENCE`] instructions is interrupted by its
//! timer, and the next one has its turn.

use super::{Move, View};
use kcore::CpuId;
use std::rc::Rc;

/// How many instructions a CPU may execute while others could move.
pub const PATIENCE: u64 = 1000;

/// An exception from what the machine does on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Choice {
    /// This CPU goes on, not the one that moved last.
    Switch(CpuId),
    /// The timer of this CPU rings.
    Ring(CpuId),
    /// The oldest store of this CPU reaches memory.
    Drain(CpuId),
}

/// The plan.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// By the number of the decision, ascending.
    choices: Rc<[(u64, Choice)]>,
    /// How many of them were looked at.
    used: usize,
    /// How many decisions there were.
    decision: u64,
    current: CpuId,
    /// What `current` has executed since it was chosen.
    spent: u64,
    /// Its patience is at an end: after the timer, the next CPU.
    leaves: bool,
}

impl Chosen {
    /// Chooses this, by the number of the decision, ascending.
    pub fn new(choices: &[(u64, Choice)]) -> Chosen {
        Chosen {
            choices: choices.into(),
            used: 0,
            decision: 0,
            current: CpuId(0),
            spent: 0,
            leaves: false,
        }
    }

    /// The number of the next decision.
    pub fn decision(&self) -> u64 {
        self.decision
    }

    /// The CPU that goes on if nobody chooses another.
    pub fn current(&self) -> CpuId {
        self.current
    }

    /// Whether the current CPU has lost its patience: left alone, it is interrupted now,
    /// and the next one goes on.
    pub fn is_tired(&self) -> bool {
        self.leaves || self.spent >= PATIENCE
    }

    /// Chooses for the next decision, and nothing for those after it.
    pub fn choose(&mut self, choice: Choice) {
        self.choose_all(&[(self.decision, choice)]);
    }

    /// From here on, chooses this, by the number of the decision, ascending.
    pub fn choose_all(&mut self, choices: &[(u64, Choice)]) {
        self.choices = choices.into();
        self.used = 0;
    }

    pub(super) fn spent(&mut self, instructions: u64) {
        self.spent += instructions;
    }

    pub(super) fn next(&mut self, view: &View<'_, '_>) -> Move {
        let number = self.decision;
        self.decision += 1;
        if let Some(choice) = self.take(number)
            && let Some(made) = self.obey(choice, view)
        {
            return made;
        }
        if self.spent >= PATIENCE {
            self.spent = 0;
            self.leaves = true;
            // Its stores are seen one day, whatever it waits for.
            if view.in_ring3(self.current) {
                return Move::Ring(self.current);
            }
        }
        if self.leaves || !view.can_move(self.current) {
            self.turn_to(self.successor(view));
        }
        self.turn()
    }

    /// The choice for the decision with this number.
    fn take(&mut self, number: u64) -> Option<Choice> {
        while let Some(&(at, choice)) = self.choices.get(self.used) {
            if at > number {
                return None;
            }
            self.used += 1;
            if at == number {
                return Some(choice);
            }
        }
        None
    }

    /// The move that was chosen, if it is possible.
    fn obey(&mut self, choice: Choice, view: &View<'_, '_>) -> Option<Move> {
        let (Choice::Switch(cpu) | Choice::Ring(cpu) | Choice::Drain(cpu)) = choice;
        if u64::from(cpu.0) >= view.cpus() {
            return None;
        }
        match choice {
            Choice::Switch(cpu) if view.can_move(cpu) => {
                self.turn_to(cpu);
                Some(self.turn())
            }
            Choice::Ring(cpu) if view.in_ring3(cpu) => Some(Move::Ring(cpu)),
            Choice::Drain(cpu) if !view.stores[cpu.0 as usize].is_empty() => Some(Move::Drain(cpu)),
            _ => None,
        }
    }

    /// The next CPU by number that can move; the same one if no other can.
    fn successor(&self, view: &View<'_, '_>) -> CpuId {
        let cpus = view.cpus() as u8;
        let mut others = (1..=cpus).map(|distance| CpuId((self.current.0 + distance) % cpus));
        let next = others.find(|&cpu| view.can_move(cpu));
        next.unwrap_or(CpuId((self.current.0 + 1) % cpus))
    }

    fn turn_to(&mut self, cpu: CpuId) {
        (self.current, self.spent, self.leaves) = (cpu, 0, false);
    }

    fn turn(&self) -> Move {
        Move::Turn {
            cpu: self.current,
            length: PATIENCE - self.spent.min(PATIENCE - 1),
        }
    }
}
