//! The scheduler: which environment runs next, and on which CPU.
//!
//! A policy chooses among the environments that wait for a CPU: `round_robin.rs`, or
//! one of three others (`ready.rs`). `preempt.rs` takes a CPU away for one who matters
//! more. `switch.rs` puts environments on CPUs
//! and takes them off, `waiting.rs` lets them wait for the console, `alarms.rs` ends
//! waits when their time is up (`timers.rs` is the queue of these), `words.rs` has the
//! queues of those that wait for a word of memory, and `ending.rs` handles the case that
//! none is left.
//!
//! The hard thing is that no wake-up may be lost. A step that makes an environment
//! runnable takes one CPU out of the idle set and sends it an interrupt. A CPU enters
//! that set under the lock and only then waits, with interrupts disabled until the
//! very instruction that waits.

mod alarms;
mod by_policy;
mod ending;
pub(crate) mod exchange;
pub mod lottery;
mod preempt;
pub mod priority;
pub mod ready;
pub mod round_robin;
pub(crate) mod run_queue;
pub mod stride;
mod switch;
pub mod timers;
mod waiting;
pub mod words;

use crate::env::Queue;
use crate::ids::{CpuSet, Link};
use abi::scheduling::Policy;
use ready::Ready;
use timers::Timers;
use words::Words;

/// The scheduler's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sched {
    /// Environments that wait for a CPU.
    pub ready: Ready,
    /// Environments that wait for room in the console.
    pub console: Queue,
    /// Environments that wait for a byte from the console.
    pub input: Queue,
    /// CPUs that wait for an environment and have not been woken.
    pub idle: CpuSet,
    /// The number of environments on CPUs.
    pub running: u32,
    /// Stopped children of dead parents: a list of the first child of each parent.
    pub doomed: Link,
    /// Dead environments for which others still wait: a list.
    pub mourned: Link,
    /// The number of environments marked by the end of their job.
    pub ending: u32,
    /// Slots below this one may have such environments that wait and are still to be
    /// woken; 0 if none is marked.
    pub unswept: u16,
    /// The run's last lines have been printed.
    pub ended: bool,
    /// Environments whose alarm is set.
    pub timers: Timers,
    /// The latest time that any program can know, in microseconds since boot.
    pub told: u64,
    /// Environments that wait for a word of memory.
    pub words: Words,
}

impl Sched {
    /// The state at boot.
    pub(crate) fn new(policy: Policy, quantum: u64) -> Sched {
        Sched {
            ready: Ready::new(policy, quantum),
            ..Sched::default()
        }
    }

    /// A marked environment has died. With the last of them there is nobody to be woken.
    pub(crate) fn one_less_to_end(&mut self) {
        self.ending = self.ending.wrapping_sub(1);
        if self.ending == 0 {
            self.unswept = 0;
        }
    }

    /// Whether stopped children of dead parents are still to be ended, or those who wait for
    /// the dead to be told.
    pub(crate) fn has_dead(&self) -> bool {
        self.doomed.bits() | self.mourned.bits() != 0
    }
}
