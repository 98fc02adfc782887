//! The queues of those that wait for a word of memory.
//!
//! Any word of any page can be waited for, and hardly any ever is. So there are a few
//! queues, and the word's physical address says in which one its waiters are. The hard
//! thing is that waiters for other words stand in the same queue: whoever wakes must look
//! at each, and passes at most as many as there are environments.

use crate::env::Queue;
use abi::layout::PGSHIFT;

/// The number of queues.
const QUEUES: usize = 16;

/// Environments that wait for words, by the words' physical addresses. All-zero is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Words([Queue; QUEUES]);

impl Words {
    /// The queue in which those are that wait for the word at physical address `pa`.
    pub fn queue(&self, pa: u32) -> Queue {
        self.0[place(pa)]
    }

    /// All queues; for the audit.
    pub fn all(&self) -> &[Queue] {
        &self.0
    }

    /// As [`Words::queue`], to change.
    pub(crate) fn queue_mut(&mut self, pa: u32) -> &mut Queue {
        &mut self.0[place(pa)]
    }
}

/// Neighbouring words, and the same word of neighbouring pages, have different places.
fn place(pa: u32) -> usize {
    (pa >> 2 ^ pa >> PGSHIFT) as usize % QUEUES
}
