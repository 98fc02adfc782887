//! Small programs, one behaviour each: `src/bin`.
//!
//! This library holds what only the attacking ones need. They are the only
//! ones with `unsafe` in them; all others forbid it.

#![no_std]

pub mod attack;
