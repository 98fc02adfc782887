//! How the CPUs of the kernel agree: who may change its state, and when.
//!
//! Three protocols and nothing else: the big kernel lock, which hands out the
//! `&mut` to the kernel's state; the rendezvous, by which the CPU that holds the
//! lock makes another one flush its TLB or give up its environment; and arrival, by
//! which a CPU can give up the lock before it has left an address space. They live
//! together because each is part of the others' proof: a CPU that waits for the lock
//! answers the rendezvous meanwhile, otherwise the two CPUs would wait for each other;
//! and nobody waits for an arrival but the holder of the lock.
//!
//! The crate knows nothing of hardware. The kernel, tests on threads and the model
//! checkers (`--cfg loom`, `--cfg shuttle`) differ only in `sync`: in where the
//! atomics come from, and in how long a CPU is patient.
//!
//! | module | what |
//! |---|---|
//! | [`lock`] | [`BigLock`] and its [`Guard`]; the only file with `unsafe` |
//! | [`rendezvous`] | [`Mailbox`], [`Target`] |
//! | [`arrival`] | two functions on a word of each CPU |

#![no_std]
#![deny(unsafe_code)]

pub mod arrival;
pub mod lock;
pub mod rendezvous;
mod sync;

pub use lock::{BigLock, Guard};
pub use rendezvous::{Mailbox, Serviced, Target};
