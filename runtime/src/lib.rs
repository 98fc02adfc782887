//! The few symbols that a freestanding i386 link needs.
//!
//! The prebuilt `core` calls the C memory functions and names the unwinder's
//! entry points, and nothing else in a `no_std` link defines them. Both the
//! kernel and the programs link this crate (`use runtime as _;`).
//!
//! The hard thing: an optimiser recognises a copying loop and replaces it by
//! a call to `memcpy`, which never ends inside `memcpy` itself. The functions here
//! are naked, so the compiler does not look into their bodies.

#![no_std]

mod memory;
mod unwind;
