//! What can be told of the kernel core, by somebody who only looks.
//!
//! The core decides; nothing in here does. A [`trace`] is made of the facts that
//! the core tells its [watcher](kcore::watch), the [`record`] of a run of what
//! goes into its entry points and comes out, a [`digest`] of its state as anybody
//! can read it. The core knows none of them, and none of them can change it: all
//! that they get is values and shared references. So whoever asks what the kernel
//! *means* need not read this crate.
//!
//! The hard thing is where it runs: in the kernel too, at every step while a log
//! is kept. So nothing here allocates, waits or can fail.
//!
//! | module | what |
//! |---|---|
//! | [`trace`] | records of what happened, the ring that they are kept in, and how they read |
//! | [`record`] | the log from which a run is replayed |
//! | [`digest`] | a state as a number |
//! | [`log_memory`] | the head of the memory that either goes to |

#![no_std]
#![forbid(unsafe_code)]

pub mod digest;
pub mod log_memory;
pub mod record;
pub mod trace;
