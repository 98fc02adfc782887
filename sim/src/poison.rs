//! I11: nobody writes to a frame that is free.
//!
//! Every free frame is filled with a pattern once. If the pattern is broken while
//! the frame is still free, somebody wrote to memory that he does not own. The
//! hard thing is to be cheap enough to run after every call: each check looks at a
//! few words of each frame, and at other words the next time.

use crate::machine::Machine;
use crate::memory::FRAME_WORDS;
use kcore::Pfn;
use std::collections::BTreeSet;
use std::ops::Range;

/// The pattern in a free frame.
const PATTERN: u32 = 0xdead_f4ee;

/// Which frames have been filled.
#[derive(Clone, Debug)]
pub struct Poison {
    first: u32,
    filled: Vec<bool>,
    /// Free frames whose content is known.
    known: BTreeSet<Pfn>,
    /// Which words to look at next.
    turn: usize,
}

/// Words of each frame that are looked at each time.
const SAMPLES: usize = 4;

impl Poison {
    /// Starts with none of these frames filled.
    pub fn new(frames: Range<u32>) -> Poison {
        Poison {
            first: frames.start,
            filled: vec![false; frames.len()],
            known: BTreeSet::new(),
            turn: 0,
        }
    }

    /// Has all free frames filled again: a call may have taken some and given them back.
    pub fn forget(&mut self) {
        self.filled.fill(false);
    }

    /// Leaves alone free frames that the kernel counts on: the audit looks into these.
    fn spare_known(&mut self, machine: &Machine<'_>) {
        self.known.clear();
        self.known.extend(machine.kernel.frames().known());
    }

    /// Fills frames that have become free, and checks those that still are. Fails
    /// with the first frame whose pattern is broken. The machine must be settled.
    pub fn check(&mut self, machine: &mut Machine<'_>) -> Result<(), u32> {
        self.turn = (self.turn + 1) % (FRAME_WORDS / SAMPLES);
        self.spare_known(machine);
        for (frame, filled) in (self.first..).zip(&mut self.filled) {
            if machine.kernel.frames().count(Pfn(frame)) > 0 || self.known.contains(&Pfn(frame)) {
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
