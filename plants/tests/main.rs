//! Do the tests of the core bite? Here they meet a kernel with a plant awake.
//!
//! The ordinary tests that these borrow from run here too, with none awake: a
//! kernel with every plant in it is as good as one without.

#[path = "../environments.rs"]
mod environments;
mod explorer;
#[path = "../heap.rs"]
mod heap;
#[path = "../jobs.rs"]
mod jobs;
#[path = "../limits.rs"]
mod limits;
#[path = "../replay.rs"]
mod logs;
mod ordinary;
mod random;
mod replay;
mod shortcut;
#[path = "../strangers.rs"]
mod strangers;
