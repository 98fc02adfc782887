//! The heap, whose end one call moves.
//!
//! The hard thing is a call over many pages, which is made in pieces while other
//! environments make calls of their own. How long the pieces are is the kernel's
//! affair: the model is told how far a heap has got. It knows that the frames for
//! the rest of the way are nobody else's.

use super::{Env, Expected, Model, Outcome};
use abi::Error;
use abi::layout::{PGSIZE, PTSIZE};
use std::collections::BTreeSet;
use std::ops::Range;

/// The pages of the heap below `end`, and those that it would have below `new`.
fn tops(end: u32, new: u32) -> (u64, u64) {
    let first_beyond = |end: u32| u64::from(end).div_ceil(PGSIZE.into());
    (first_beyond(end), first_beyond(new))
}

fn addresses(pages: Range<u64>) -> impl Iterator<Item = u32> {
    pages.map(|number| (number * u64::from(PGSIZE)) as u32)
}

/// How many frames it may take to grow from `had` pages to `has`.
fn needed(env: &Env, (had, has): (u64, u64)) -> usize {
    let spans: BTreeSet<u32> = addresses(had..has).map(|va| va / PTSIZE).collect();
    addresses(had..has).count() + spans.difference(&env.spans).count()
}

/// How many frames are kept for a call of `env` that has begun.
pub(super) fn frames_kept(env: &Env) -> usize {
    let goal = env.heap_move.map(|(_, goal)| goal);
    goal.map_or(0, |goal| needed(env, tops(env.heap_end, goal)))
}

impl Model {
    /// Begins to move the end of the heap; [`Model::heap_got_to`] says how far that
    /// comes.
    pub(super) fn sbrk(&mut self, caller: u32, [increment, ..]: [u32; 5]) -> Outcome {
        let env = &self.envs[&caller];
        let old = env.heap_end;
        let new = i64::from(old) + i64::from(increment.cast_signed());
        let new = u32::try_from(new).map_err(|_| Error::Inval)?;
        let (had, has) = tops(old, new);
        if new < env.heap_start || new > 0x7fff_f000 || had.abs_diff(has) > 1024 {
            return Err(Error::Inval);
        }
        let needed = needed(env, (had, has));
        if needed > 0 {
            self.room(needed)?;
        }
        self.env(caller).heap_move = Some((old, new));
        Ok(Expected::Moves(old))
    }

    /// The heap of `id` has got to `end`, if it is on its way. If that is where it will
    /// end, the call is over.
    pub fn heap_got_to(&mut self, id: u32, end: u32) {
        let env = self.env(id);
        let Some((old, goal)) = env.heap_move else {
            return;
        };
        let (had, has) = tops(env.heap_end, end);
        for va in addresses(has..had) {
            env.pages.remove(&va);
        }
        for va in addresses(had..has) {
            if !self.envs[&id].pages.contains_key(&va) {
                self.map_new(id, va, 7);
            }
        }
        let env = self.env(id);
        env.heap_end = end;
        if end == goal {
            env.heap_move = None;
            env.frame.regs.eax = old;
        }
    }
}
