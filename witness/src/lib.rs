//! Everything that observes the kernel core without taking part in it.
//!
//! The core decides; nothing in here does. A [`trace`] is made from the facts that
//! the core tells its [watcher](kcore::watch), the [`record`] of a run from what
//! goes into its entry points and comes out, a [`digest`] from its state, which
//! anybody can read. The core knows none of them, and none of them can change it:
//! they get only values and shared references. So you need not read this crate to
//! learn what the kernel *means*.
//!
//! The hard thing is where this code runs: in the kernel too, at every step while
//! a log is kept. So nothing here allocates, waits or can fail.
//!
//! | module | what |
//! |---|---|
//! | [`trace`] | records of what happened, the ring that holds them, and how they are printed |
//! | [`record`] | the log from which a run is replayed |
//! | [`asked`] | what a record of a simulated run has beside that, to make the run again |
//! | [`digest`] | a state as a number |
//! | [`log_memory`] | the header of the memory that a trace or a record goes to |

#![no_std]
#![forbid(unsafe_code)]

pub mod asked;
pub mod digest;
pub mod log_memory;
pub mod record;
pub mod trace;
