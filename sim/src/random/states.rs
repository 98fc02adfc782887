//! States for `env_set_state`, from random words, and what `env_get_state` must write.
//!
//! The hard thing is that most fields make a state invalid if they are random. So a state
//! is one that fits the child, with one field wrong now and then.

use super::choice::readable_window;
use super::{Driver, ENTRY, Mismatch, Words};
use crate::model::Life;
use abi::exception::DELIVERABLE;
use abi::layout::{PGSIZE, UTOP};
use abi::{Call, EnvId, EnvState, TrapFrame};

/// Fields that are wrong now and then, as words of the structure: a pending entry, the
/// mask of exceptions, the heap, the personality, the type, the format, the reserved word.
const FIELDS: [usize; 8] = [17, 21, 22, 23, 24, 25, 30, 31];

impl Driver<'_> {
    /// Whether a call is one that the model cannot follow: it would stop a child that
    /// waits.
    pub(super) fn rewinds(&self, call: Call, caller: u32, id: u32) -> bool {
        let Some(env) = self.model.envs.get(&id) else {
            return false;
        };
        let calm = matches!(env.life, Life::Unborn | Life::Stopped | Life::Runs);
        call == Call::EnvGetState && id != caller && !calm
    }

    /// The place of a state: mostly in a page that the caller may write.
    pub(super) fn choose_state_place(&self, caller: u32, words: Words) -> [u32; 5] {
        let [_, _, w2, w3, w4, w5, w6, w7] = words;
        let pages = self.model.envs[&caller].pages.iter();
        let pages: Vec<u32> = pages
            .filter(|(_, page)| page.perm & 2 != 0)
            .map(|(&va, _)| va)
            .collect();
        let page = match pages.get(w3 as usize % pages.len().max(1)) {
            Some(&page) if !(w7 / 64).is_multiple_of(16) => page,
            _ => self.mapped_page(caller, caller, w3),
        };
        let last = PGSIZE - EnvState::SIZE;
        let offset = match w4 % 16 {
            0 => last + 1 + w4 / 16 % (EnvState::SIZE - 1),
            _ => w4 / 16 % (last / 4) * 4,
        };
        let child = match w2 % 4 {
            0 => self.choose_env(caller, w2 / 4),
            _ => self.choose_env(caller, (w2 / 4) << 4 | 6),
        };
        [child, readable_window(page + offset), w4, w5, w6]
    }

    /// A state for the child `id`, nearly always one that fits.
    pub(super) fn choose_state(&self, id: u32, words: Words) -> [u32; EnvState::WORDS] {
        let register = |index: usize| words[index % words.len()].rotate_left(index as u32);
        let [_, _, w2, w3, w4, w5, w6, w7] = words;
        let personality = self
            .model
            .envs
            .get(&id)
            .map_or(0, |env| env.personality as u32);
        let heap = 0x40_0000 + w2 % 0x3000;
        let state = EnvState {
            frame: TrapFrame::from_words(std::array::from_fn(register)),
            upcall: ENTRY + w3 % PGSIZE,
            exception_entry: ENTRY + w4 % PGSIZE,
            exception_mask: w5 & DELIVERABLE,
            heap_start: heap,
            heap_end: heap + w6 % 0x3000,
            personality,
            dstva: UTOP,
            value: w2,
            from: EnvId(w3 as i32),
            perm: w4,
            float_format: w7 / 2 % 2 * EnvState::FXSAVE,
            float: std::array::from_fn(|index| match index {
                0 => 0x37f,
                EnvState::MXCSR => 0x1f80 | w5 & 0xffff_0000,
                7 => 0xffff,
                40 => w6,
                _ => 0,
            }),
            ..EnvState::default()
        };
        let mut words = state.words();
        if (w7 / 32).is_multiple_of(4) {
            let field = FIELDS[w7 as usize / 128 % FIELDS.len()];
            words[field] = match w6 % 3 {
                0 => w5,
                1 => w5 % 8,
                _ => 0x7fff_f000 + w5 % 3,
            };
            // Such a state would have a call made, or an exception, of which the model
            // knows nothing.
            if field == 17 && (1..4).contains(&words[field]) {
                words[field] = 4;
            }
        }
        words
    }

    /// Checks what `env_get_state` wrote about a child.
    pub(super) fn check_state(&self, caller: u32, [id, va, ..]: [u32; 5]) -> Result<(), Mismatch> {
        let state = EnvState::from_words(&self.words_at(caller, va));
        let Some(env) = self.model.envs.get(&id) else {
            return Ok(());
        };
        let heap_end = env.heap_move.map_or(env.heap_end, |(before, _)| before);
        let found = (
            (state.upcall, state.exception_entry, state.exception_mask),
            (state.heap_start, state.heap_end, state.personality),
            (state.value, state.from.0 as u32, state.perm),
            (state.env_type, state.reserved),
        );
        let wanted = (
            (env.upcall, env.exceptions.0, env.exceptions.1),
            (env.heap_start, heap_end, env.personality as u32),
            env.message,
            (0, 0),
        );
        let number = match state.float_format {
            EnvState::NO_FLOAT => 0,
            _ => state.float[40],
        };
        if found == wanted && number == env.fpu {
            return Ok(());
        }
        Err(Mismatch::State(format!(
            "the state of {id:08x} is {found:x?} {number:#x}, not {wanted:x?} {:#x}",
            env.fpu
        )))
    }
}
