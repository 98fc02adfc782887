//! Runs programs under many schedules, to find one under which they fail.
//!
//! A concurrency bug needs an unlucky order of events. Here the order is chosen: at each
//! [decision](pc::plan::Chosen) of a machine, which CPU goes on, whether its timer
//! rings, whether a store becomes visible. First [at random](random), then
//! [all with few pre-emptions](bounded); a schedule that fails is made
//! [as short as possible](shrink) and can be [written down](schedule) and
//! [told as a story](timeline).
//!
//! The hard thing is that CPUs meet at every instruction, which nobody can search. So
//! decisions are only where they can notice each other: at entries to the kernel, and
//! at accesses to memory that others use. What that leaves out is listed in
//! `docs/schedules.md`, under "What is not covered".
//!
//! | module | what |
//! |---|---|
//! | [`failure`] | what counts as failing |
//! | [`trial`] | one run, from the boot |
//! | [`random`] | random priorities (PCT) |
//! | [`bounded`] | everything with few pre-emptions |
//! | [`shrink`] | the fewest choices that still fail |
//! | [`schedule`] | a failing run as a file |
//! | [`timeline`] | who did what |

#![forbid(unsafe_code)]

pub mod bounded;
pub mod failure;
pub mod random;
pub mod schedule;
pub mod shrink;
pub mod timeline;
pub mod trial;

pub use failure::{Criteria, Failure};
pub use schedule::Schedule;
pub use shrink::Effort;
pub use trial::{Outcome, Trials};

/// What is remarkable about a schedule: choices by the number of the decision.
pub type Choices = Vec<(u64, pc::plan::Choice)>;
