//! I11: nobody writes to a frame that is free.
//!
//! Every free frame is filled with a pattern once; if the pattern is broken
//! while the frame is still free, somebody wrote where nothing belongs to him.
//! The hard thing is cost, so that it can be done after every call: a few words
//! of each frame are looked at, other ones each time.

use crate::machine::Machine;
use crate::memory::FRAME_WORDS;
use kcore::Pfn;
use std::ops::Range;

/// What a free frame is filled with.
const PATTERN: u32 = 0xdead_f4ee;

/// Which frames have been filled.
#[derive(Clone, Debug)]
pub struct Poison {
    first: u32,
    filled: Vec<bool>,
    /// Which words to look at next.
    turn: usize,
}

/// Words of each frame that are looked at each time.
const SAMPLES: usize = 4;

impl Poison {
    /// None of these frames has been filled.
    pub fn new(frames: Range<u32>) -> Poison {
        Poison {
            first: frames.start,
            filled: vec![false; frames.len()],
            turn: 0,
        }
    }

    /// Fills what has become free, and checks what still is; gives the first
    /// frame whose pattern is broken. The machine is settled.
    pub fn check(&mut self, machine: &mut Machine<'_>) -> Result<(), u32> {
        self.turn = (self.turn + 1) % (FRAME_WORDS / SAMPLES);
        for (frame, filled) in (self.first..).zip(&mut self.filled) {
            if machine.kernel.frames().count(Pfn(frame)) > 0 {
                *filled = false;
                continue;
            }
            let memory = machine.kernel.mem();
            if !*filled {
                *filled = true;
                memory.restore(Pfn(frame)).fill(PATTERN);
                continue;
            }
            let start = self.turn * SAMPLES;
            let words = &memory.frame(Pfn(frame))[start..start + SAMPLES];
            if words.iter().any(|&word| word != PATTERN) {
                return Err(frame);
            }
        }
        Ok(())
    }
}
