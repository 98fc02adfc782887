//! The whole machine, with programs of a few instructions.
//!
//! The real programs are run by the tool's conformance tests; these need no guest build.

mod history;
mod runs;
