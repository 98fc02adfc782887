//! Lottery scheduling: each free CPU is raffled among the waiting environments, and each
//! share is a ticket.
//!
//! The hard thing is chance in a state machine. Each draw follows from the state, so a
//! recorded run replays and equal states behave equally. It is made in advance, because
//! the scheduler looks at the next environment before it takes it. Whoever comes later
//! takes the place of the one drawn with the probability of its tickets among all, which
//! is as if the draw had waited for it, and takes no look at the others.

use super::run_queue::RunQueue;
use crate::env::{EnvTable, Queue};
use crate::ids::{Link, Slot};

/// The environments that wait for a CPU, and the one drawn. All-zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lottery {
    waiting: Queue,
    drawn: Link,
    /// The shares of all who wait.
    tickets: u32,
    /// The random number of the last draw.
    chance: u32,
}

impl Lottery {
    /// A ticket of those who wait.
    fn draw_ticket(&mut self) -> u32 {
        // A linear congruential generator with the constants of Numerical Recipes. Its
        // upper bits are the better ones, and decide.
        self.chance = self
            .chance
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        ((u64::from(self.chance) * u64::from(self.tickets)) >> 32) as u32
    }

    /// Draws one of the waiting environments. Takes time linear in their number.
    fn draw(&mut self, envs: &EnvTable<'_>) {
        let mut ticket = self.draw_ticket();
        let winner = self.waiting.iter(envs).find(|&slot| {
            let its = u32::from(envs[slot].shares);
            let wins = ticket < its;
            ticket = ticket.saturating_sub(its);
            wins
        });
        self.drawn = winner.map_or(Link::NONE, Link::to);
    }
}

impl RunQueue for Lottery {
    fn add(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.waiting.push_back(envs, slot);
        let its = u32::from(envs[slot].shares);
        self.tickets = self.tickets.wrapping_add(its);
        if self.draw_ticket() < its {
            self.drawn = Link::to(slot);
        }
    }

    fn next(&self) -> Option<Slot> {
        self.drawn.get()
    }

    fn remove(&mut self, envs: &mut EnvTable<'_>, slot: Slot) {
        self.waiting.remove(envs, slot);
        self.tickets = self.tickets.wrapping_sub(envs[slot].shares.into());
        if self.drawn == Link::to(slot) {
            self.draw(envs);
        }
    }

    fn all(&self) -> &Queue {
        &self.waiting
    }

    /// Whether somebody who waits is drawn, and all tickets are counted.
    fn is_consistent(&self, envs: &EnvTable<'_>) -> bool {
        let waiting = || self.waiting.iter(envs);
        let tickets: u32 = waiting().map(|slot| u32::from(envs[slot].shares)).sum();
        let drawn = match self.drawn.get() {
            Some(drawn) => waiting().any(|slot| slot == drawn),
            None => self.waiting.is_empty(),
        };
        drawn && tickets == self.tickets
    }
}
