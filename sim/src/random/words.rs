//! Which words of memory environments wait for, and wake.
//!
//! The hard thing is that two must mean the same word. So most are in pages that several
//! environments have, at one of a few places, and have the value that is there.

use super::choice::page;
use super::{Driver, Words};
use crate::model::{Life, Page, Word};
use abi::Call;
use abi::layout::PGSIZE;

impl Driver<'_> {
    /// Mostly a word of a page that the caller shares, and mostly the value that it has.
    pub(super) fn choose_word(&self, caller: u32, call: Call, words: Words) -> [u32; 5] {
        let [_, _, w2, w3, w4, w5, w6, w7] = words;
        let page = match w2 % 16 {
            0 => page(w2 / 16),
            1..=4 => self.mapped_page(caller, caller, w2 / 16),
            _ => self.common_page(caller, w2 / 16),
        };
        let offset = match w3 % 16 {
            0 => w3 / 16 % PGSIZE,
            _ => [0, 4, 8, PGSIZE - 4][w3 as usize / 16 % 4],
        };
        let va = match self.watched_word(caller) {
            Some(va) if call == Call::FutexWake && !w7.is_multiple_of(4) => va,
            _ => page.wrapping_add(offset),
        };
        if call == Call::FutexWake {
            return [va, w4 % 4, w4 / 4 % 2, w5, w6];
        }
        let [value] = self.words_at(caller, va);
        let owner = match w5 % 4 {
            0 | 1 => 0,
            2 => self.choose_env(caller, w5 / 4),
            _ => self.choose_env(caller, (w5 / 4) << 4 | 6),
        };
        let expected = if w4.is_multiple_of(4) { w4 } else { value };
        [va, expected, owner, w6, w7]
    }

    /// A page of the caller's that others have too, if there is one.
    fn common_page(&self, caller: u32, word: u32) -> u32 {
        let counts = self.model.counts();
        let pages = self.model.envs.get(&caller).map(|env| &env.pages);
        let common = |page: &Page| counts[&page.content] > 1;
        let common: Vec<u32> = (pages.into_iter().flatten())
            .filter(|(_, page)| common(page))
            .map(|(&va, _)| va)
            .collect();
        let index = word as usize % common.len().max(1);
        let mapped = || self.mapped_page(caller, caller, word);
        common.get(index).copied().unwrap_or_else(mapped)
    }

    /// Where `caller` has a word that somebody waits for.
    pub(super) fn watched_word(&self, caller: u32) -> Option<u32> {
        self.model.envs.values().find_map(|env| match env.life {
            Life::Watches(word) => {
                let page = self.same_page(caller, word)?;
                Some(page + word.va % PGSIZE)
            }
            _ => None,
        })
    }

    /// Where `caller` has the page in which `word` is.
    fn same_page(&self, caller: u32, word: Word) -> Option<u32> {
        let mut pages = self.model.envs.get(&caller)?.pages.iter();
        pages.find_map(|(&va, page)| (page.content == word.content).then_some(va))
    }
}
