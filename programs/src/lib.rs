//! Small programs, one behaviour each: `src/bin`.
//!
//! This library holds what several of them need, most of it for those that
//! attack. Only those have `unsafe` in them; all others forbid it.

#![no_std]

pub mod attack;
pub mod demand;
pub mod raw_text;
