//! What somebody chose, and nothing else.
//!
//! The machine does as little as it can on its own: the CPU that moved last goes on as
//! long as it can, then the next one by number. Choices are the exceptions: at the
//! decision with that number, another CPU moves, a timer rings, a store becomes
//! visible. So a schedule is as short as what is remarkable about it, and a search
//! counts pre-emptions by counting choices.
//!
//! The hard thing is a program that waits in a loop. Nobody would come to end its
//! waiting; so when a program yields, or a CPU went on for [`PATIENCE`] instructions and
//! is interrupted by its timer, the next CPU has its turn.

use super::{Move, View};
use kcore::CpuId;
use std::hash::Hash;
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

/// What the machine does on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// The current CPU goes on.
    GoesOn,
    /// The timer of the current CPU rings, and then it is left.
    IsInterrupted,
    /// This CPU goes on; the current one, if no other can.
    Leaves(CpuId),
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
    /// What `current` has executed since it was chosen, or since its timer rang.
    spent: u64,
    /// Its patience is at an end, or its program yields: the next CPU goes on.
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

    /// What it remembers that decides what comes next, if nobody chooses.
    pub fn memory(&self) -> impl Hash + use<> {
        (self.current, self.spent, self.leaves)
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

    pub(super) fn yielded(&mut self) {
        self.leaves = true;
    }

    pub(super) fn next(&mut self, view: &View<'_, '_>) -> Move {
        let number = self.decision;
        self.decision += 1;
        if let Some(choice) = self.take(number)
            && let Some(made) = self.obey(choice, view)
        {
            return made;
        }
        match self.own(view) {
            Own::GoesOn => {}
            Own::IsInterrupted => {
                (self.spent, self.leaves) = (0, true);
                return Move::Ring(self.current);
            }
            Own::Leaves(successor) => self.turn_to(successor),
        }
        self.turn()
    }

    /// What comes next if nobody chooses. A CPU that leaves ring 3 empties its store
    /// buffer: so its stores are seen one day, whatever it waits for.
    pub(crate) fn own(&self, view: &View<'_, '_>) -> Own {
        let is_impatient = self.spent >= PATIENCE;
        if is_impatient && view.in_ring3(self.current) {
            Own::IsInterrupted
        } else if is_impatient || self.leaves || !view.can_move(self.current) {
            Own::Leaves(self.successor(view))
        } else {
            Own::GoesOn
        }
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
                match cpu == self.current && self.spent < PATIENCE {
                    // It yielded. Its patience does not begin anew.
                    true => self.leaves = false,
                    false => self.turn_to(cpu),
                }
                Some(self.turn())
            }
            Choice::Ring(cpu) if view.in_ring3(cpu) => {
                if cpu == self.current {
                    self.spent = 0;
                }
                Some(Move::Ring(cpu))
            }
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
