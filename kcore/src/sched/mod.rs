//! Who runs next.
//!
//! A policy that says who of those that wait for a CPU is next
//! (`round_robin.rs`; another one, as an example, is `lottery.rs`), and a set of CPUs that wait for an environment. How a CPU
//! changes hands is in `switch.rs`, who waits for the console in `waiting.rs`, and
//! what happens when nobody is left in `ending.rs`.
//!
//! The hard thing is the wake-up that must not be lost: whoever makes an
//! environment runnable takes one CPU out of the idle set and sends it an
//! interrupt; a CPU enters the set under the lock, and only then waits, with
//! interrupts held back until the very instruction that waits.

mod ending;
#[cfg(feature = "lottery")]
pub mod lottery;
#[cfg(not(feature = "lottery"))]
pub mod round_robin;
mod switch;
mod waiting;

use crate::env::Queue;
use crate::ids::{CpuSet, Link};
#[cfg(feature = "lottery")]
use lottery::Policy;
#[cfg(not(feature = "lottery"))]
use round_robin::Policy;

/// The scheduler's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sched {
    /// Environments that wait for a CPU.
    pub ready: Policy,
    /// Environments that wait for room in the console.
    pub console: Queue,
    /// Environments that wait for a byte from the console.
    pub input: Queue,
    /// CPUs that wait for an environment, and have not been woken.
    pub idle: CpuSet,
    /// How many environments are on a CPU.
    pub running: u32,
    /// Never-started children of the dead: the first of each family.
    pub doomed: Link,
    /// How many environments are members of jobs whose end has begun.
    pub ending: u32,
    /// The lines that say that all is over have been printed.
    pub ended: bool,
    /// The latest time that `time_msec` told, in its steps.
    pub told: u64,
}

impl Sched {
    /// Whether children of the dead wait for their own end.
    pub(crate) fn has_doomed(&self) -> bool {
        self.doomed != Link::NONE
    }
}
