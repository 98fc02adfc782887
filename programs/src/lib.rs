//! Small programs, one behaviour each: `src/bin`.
//!
//! This library holds what several of them need, and what needs `unsafe`: of
//! the programs only those that attack, handle faults, fork by hand, use the x87
//! unit or touch chosen addresses have it, all others forbid it.

#![no_std]

pub mod ata;
pub mod attack;
pub mod blocks;
pub mod demand;
pub mod direction;
pub mod disk_map;
pub mod drilled;
pub mod entry_state;
pub mod fpu;
pub mod frames;
pub mod lives;
pub mod measure;
pub mod mouse;
pub mod raw_text;
pub mod samples;
pub mod selectors;
pub mod sieve;
