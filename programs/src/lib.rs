//! Small programs, one behaviour each: `src/bin`.
//!
//! This library holds what several of them need. Only those that attack have
//! `unsafe` in them; all others forbid it.

#![no_std]

pub mod attack;
pub mod demand;
pub mod measure;
pub mod raw_text;
pub mod sieve;
