//! Backwards debugging: the simulated machine, every position of its run, and two ways
//! to ask for them.
//!
//! | module | what |
//! |---|---|
//! | [`session`] | the machine with its history and its console |
//! | [`stops`], [`transition`] | breakpoints and watches, and whether one step of the machine hits them |
//! | [`happened`] | what the kernel says that it did |
//! | [`travel`] | from stop to stop, forwards and backwards |
//! | [`opened`], [`scheduled`], [`recorded`] | what there is to debug: a program, or a file that a run has left |
//! | [`programs`] | which program an environment runs, and its names |
//! | [`commands`], [`plain`], [`shown`] | a small command line |
//! | [`gdb`] | what gdb talks to |
//!
//! The hard thing is to go back. A run is decided by what goes in, so a position is
//! reached again by running again, from a snapshot before it.

pub mod commands;
pub mod gdb;
pub mod happened;
pub mod opened;
pub mod plain;
pub mod programs;
pub mod recorded;
pub mod scheduled;
pub mod session;
pub mod shown;
pub mod stops;
#[cfg(test)]
mod tests;
pub mod transition;
pub mod travel;
