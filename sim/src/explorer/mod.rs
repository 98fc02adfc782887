//! Every interleaving of a small multiprocessor history, exhaustively.
//!
//! Under one lock an execution on several CPUs is a sequence of steps, so the
//! ways in which a few small programs can run form a graph that is finite and
//! small enough to be walked whole. Its edges are the machine's smallest moves:
//! one load or store, one fetch of a translation, one interrupt's arrival, the
//! taking of the lock and one kernel step. [`mod@search`] walks it breadth first,
//! so the first path to a forbidden state is a shortest one.
//!
//! | module | what |
//! |---|---|
//! | [`program`] | the small programs that environments run |
//! | [`scenarios`] | which environments run which programs, and the initial states |
//! | [`state`] | snapshots of a whole machine, and their hashes |
//! | [`transitions`] | what can happen next, and how it happens |
//! | [`mod@search`] | the search, and walking one path again |
//! | [`walk`] | random walks through histories that are too large to search |
//! | [`report`] | tables and paths, printed for people |
//!
//! The hard thing is the number of states. Past events leave values behind that
//! nothing will ever read: registers of a finished call, the content of free
//! frames, how often an environment ran. Each of these is set to one fixed value
//! before states are compared.
//!
//! Relatives: MOSAIC (ATC 2023) searches an operating-system *model*
//! exhaustively; hv6 and Atmosphere *prove* kernels whose calls end without
//! waiting. Here the search runs the kernel itself, the code that boots, within
//! small bounds.

pub mod program;
pub mod report;
pub mod scenarios;
pub mod search;
pub mod state;
pub mod transitions;
pub mod walk;

pub use scenarios::Scenario;
pub use search::{Outcome, Trail, search};
pub use transitions::{Kind, Transition};
