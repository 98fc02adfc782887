//! Waiting for words of memory.
//!
//! The hard thing is which word it is: that of a page, wherever it is mapped, as long as
//! the one who waits has that page where it had it.

use super::{Env, Expected, Given, Life, Model, Outcome, Word};
use abi::Error;
use abi::layout::PGSIZE;

impl Model {
    pub(super) fn futex_wait(
        &mut self,
        caller: u32,
        [va, expected, owner, ..]: [u32; 5],
        words: Given,
    ) -> Outcome {
        let (content, _) = word_at(&self.envs[&caller], va).ok_or(Error::Inval)?;
        if words[0] != expected {
            return Ok(Expected::Value(1));
        }
        if owner != 0 {
            self.any(caller, owner)?;
        }
        self.begin_wait(caller)?;
        self.events += 1;
        let waits_since = self.events;
        let env = self.env(caller);
        env.waits_since = waits_since;
        env.life = Life::Watches(Word { va, content, owner });
        Ok(Expected::Leaves)
    }

    pub(super) fn futex_wake(
        &mut self,
        caller: u32,
        [va, count, hand_over, ..]: [u32; 5],
    ) -> Outcome {
        let word = word_at(&self.envs[&caller], va).ok_or(Error::Inval)?;
        let waits = |env: &Env| match env.life {
            Life::Watches(Word { va, content, .. }) => {
                word_at(env, va) == Some(word) && content == word.0
            }
            _ => false,
        };
        let waiting = self.envs.iter().filter(|(_, env)| waits(env));
        let mut waiting: Vec<_> = waiting.map(|(&id, env)| (env.waits_since, id)).collect();
        waiting.sort_unstable();
        let others = waiting.split_off(waiting.len().min(count.min(64) as usize));
        for &(_, id) in &waiting {
            self.serve(id, Ok(()));
        }
        if let Some(&(_, heir)) = waiting.last()
            && hand_over != 0
        {
            for (_, id) in others {
                self.change_owner(id, heir);
            }
        }
        Ok(Expected::Value(waiting.len() as u32))
    }

    /// If `id` depends on an owner of the word that it waits for, that is `heir` now.
    fn change_owner(&mut self, id: u32, heir: u32) {
        if let Life::Watches(word) = &mut self.env(id).life
            && word.owner != 0
        {
            word.owner = heir;
        }
    }

    /// The environments that wait for a word and have named `id` as its owner.
    pub(super) fn owned_by(&self, id: u32) -> Vec<u32> {
        let named = |env: &Env| matches!(env.life, Life::Watches(word) if word.owner == id);
        let named = self.envs.iter().filter(|(_, env)| named(env));
        named.map(|(&id, _)| id).collect()
    }

    /// The frame of a page that was unmapped may be that of the page that is mapped there
    /// now. Then `id` waits for a word of this page, which it cannot tell from the other.
    pub fn frame_came_back(&mut self, id: u32) {
        let env = self.env(id);
        if let Life::Watches(word) = env.life
            && let Some((content, _)) = word_at(env, word.va)
        {
            self.env(id).life = Life::Watches(Word { content, ..word });
        }
    }
}

/// Which word `env` has at `va`: its page, and where in that page.
fn word_at(env: &Env, va: u32) -> Option<(u64, u32)> {
    let offset = va % PGSIZE;
    let page = env.pages.get(&(va - offset))?;
    va.is_multiple_of(4).then_some((page.content, offset))
}
