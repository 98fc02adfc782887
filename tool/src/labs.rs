//! The course in a box: exercises that are holes in the living tree.
//!
//! A solution is never kept apart. It is the tree itself, where two comments stand around
//! what a student will write ([`markers`]), and `labs/` holds the statement, the hints and
//! the tests that belong to it ([`exercise`]). So an exercise cannot go stale unless a test
//! says so. Exercises of the library are there in C as well ([`language`]).
//!
//! The hard thing is what may count as the student's. A folder that is checked is a whole
//! tree, with tests and all; only its files with holes are taken from it ([`check`]).

mod catalogue;
pub mod check;
pub mod exercise;
pub mod folder;
mod judge;
pub mod language;
pub mod mark;
pub mod markers;
pub mod outcome;

pub use self::catalogue::{Lab, all, find};
