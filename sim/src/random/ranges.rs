//! Lists for `page_ranges`, from random words.
//!
//! The hard thing is to stay within what one step does, because the model knows no
//! steps. So ranges are short; that long ones are divided is tested elsewhere.

use super::choice::border_page;
use super::{Driver, Words, sensible_page};
use abi::layout::{PGSIZE, USTACKTOP, UTOP};
use abi::{EnvId, PageRange, Perm};

/// The most entries of a random list.
const ENTRIES: usize = 4;

impl Driver<'_> {
    /// The place and length of a list, mostly valid. What may be divided into steps is on
    /// the stack, which no entry replaces: the model reads a list only once.
    pub(super) fn choose_list(&self, caller: u32, words: Words) -> [u32; 5] {
        let [_, _, w2, w3, w4, w5, w6, w7] = words;
        // The last words of the stack may hold an argument.
        let room = PGSIZE - ENTRIES as u32 * PageRange::SIZE - 16;
        let stack = USTACKTOP - PGSIZE;
        let has_stack = self.model.envs[&caller].pages.contains_key(&stack);
        let (list, most) = match w7 / 4 % 8 {
            0 => (self.mapped_page(caller, caller, w3) + w4 % PGSIZE, 1),
            _ if has_stack => ((stack + w4 % room) & !3, ENTRIES as u32),
            _ => {
                let page = self.mapped_page(caller, caller, w3);
                ((page + w4 % room) & !3, 1)
            }
        };
        let length = match w7 / 64 % 32 {
            0 => 33 + w2 % 3,
            1 => w2 | 1 << 30,
            _ => w2 % (most + 1),
        };
        [list, length, w5, w6, w7]
    }

    /// The words of the entries of a list.
    pub(super) fn choose_ranges(
        &self,
        caller: u32,
        words: Words,
    ) -> [[u32; PageRange::WORDS]; ENTRIES] {
        let [list, ..] = self.choose_list(caller, words);
        let on_stack = list - list % PGSIZE == USTACKTOP - PGSIZE;
        std::array::from_fn(|index| {
            let turned = words.map(|word| word.rotate_left(index as u32 * 7));
            let mut range = self.choose_range(caller, turned);
            // Now and then all of memory; twice could be too much for a step.
            if index == 0 && words[5].is_multiple_of(16) && range.action & 0xff == PageRange::SHARE
            {
                (range.source, range.source_va, range.target_va) = (EnvId(0), 0, 0);
                range.pages = UTOP / PGSIZE;
            }
            if !on_stack {
                range.pages = range.pages.min(1);
            }
            range.words()
        })
    }

    fn choose_range(&self, caller: u32, words: Words) -> PageRange {
        let [w0, w1, w2, w3, w4, w5, w6, w7] = words;
        let action = match w0 % 16 {
            0..=3 => PageRange::SHARE,
            4..=6 => PageRange::SHARE | PageRange::BOTH | PageRange::REST,
            7 => PageRange::SHARE | PageRange::BOTH,
            8 => PageRange::SHARE | PageRange::REST,
            9..=11 => PageRange::COPY,
            12 | 13 => PageRange::ALLOC,
            14 => PageRange::UNMAP,
            _ => w0 / 16 % 0x400,
        };
        let takes = matches!(action & 0xff, PageRange::SHARE | PageRange::COPY);
        let fork = w6.is_multiple_of(3);
        let [any, none, clear, set] = match action {
            PageRange::ALLOC => [0, 0, 0, if w6.is_multiple_of(8) { w6 >> 8 } else { 7 }],
            PageRange::UNMAP => [0, 0, 0, 0],
            _ if fork => [0x802, 0x400, 0x002, 0x800],
            _ => [w6 >> 4, w6 >> 16, w7 >> 4 & !5, w7 >> 16].map(|mask| mask & 0xe07),
        };
        let odd = u32::from(w7.is_multiple_of(64));
        PageRange {
            action,
            source: EnvId(self.choose_env(caller, w1) as i32),
            source_va: range_start(w2) + odd,
            target: EnvId(self.choose_env(caller, w3) as i32),
            target_va: range_start(if takes && fork { w2 } else { w4 }),
            pages: match w5 % 32 {
                0 => w5,
                _ => w5 / 32 % 8,
            },
            any: any as u16,
            none: none as u16,
            clear: clear as u16,
            set: (set & !(w0 >> 20 & Perm::W.bits())) as u16,
            done: if w5 / 256 % 16 == 0 { w5 >> 20 } else { 0 },
            result: 0,
        }
    }
}

/// Where a range begins: now and then shortly before something ends.
fn range_start(word: u32) -> u32 {
    match word % 8 {
        0 => border_page(word / 8) - word / 256 % 4 * PGSIZE,
        _ => sensible_page(word / 8),
    }
}
