//! Every interleaving of a small multiprocessor history, exhaustively.
//!
//! Under one lock an execution on several CPUs is a sequence of steps, so the
//! ways in which a few small programs can run form a graph that is finite and
//! small enough to be walked whole. Its edges are the machine's smallest moves:
//! one load or store, one fetch of a translation, one interrupt's arrival, the
//! taking of the lock and one kernel step. [`mod@search`] walks it breadth first,
//! so that the first path to a state that must not be is a shortest one.
//!
//! | module | what |
//! |---|---|
//! | [`program`] | the small programs that environments run |
//! | [`scenarios`] | who runs what, and from where on |
//! | [`state`] | snapshots of a whole machine, and their hashes |
//! | [`transitions`] | what can happen next, and making it happen |
//! | [`mod@search`] | the walk, and walking one path again |
//! | [`walk`] | random walks through what is too large |
//! | [`report`] | what a person reads |
//!
//! The hard thing is the number of states: everything that history leaves
//! behind and nobody will ever read (registers of a finished call, the content
//! of free frames, how often somebody ran) is brought to one value before
//! states are compared.
//!
//! Relatives: MOSAIC (ATC 2023) searches an operating-system *model*
//! exhaustively; hv6 and Atmosphere *prove* kernels whose calls end without
//! waiting. Here the kernel itself is searched, as it boots, within small
//! bounds.

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
