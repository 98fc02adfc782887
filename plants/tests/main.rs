//! Do the tests of the core bite? Here they meet a kernel with a plant awake.
//!
//! The ordinary tests that these borrow from run here too, with none awake: a
//! kernel with every plant in it is as good as one without.

#[path = "../sim/tests/calls.rs"]
mod calls;
#[path = "../sim/tests/entries.rs"]
mod entries;
#[path = "../sim/tests/environments.rs"]
mod environments;
mod explorer;
#[path = "../sim/tests/heap.rs"]
mod heap;
#[path = "../sim/tests/heap_pieces.rs"]
mod heap_pieces;
#[path = "../sim/tests/jobs.rs"]
mod jobs;
#[path = "../sim/tests/limits.rs"]
mod limits;
#[path = "../sim/tests/replay.rs"]
mod logs;
mod ordinary;
#[path = "../sim/tests/policies.rs"]
mod policies;
#[path = "../sim/tests/priorities.rs"]
mod priorities;
mod random;
mod replay;
#[path = "../sim/tests/strangers.rs"]
mod strangers;
#[path = "../sim/tests/words.rs"]
mod words;
