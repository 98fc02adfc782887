//! How the CPUs of the kernel agree: who may change its state, and when.
//!
//! Two protocols and nothing else: the big kernel lock, which hands out the
//! `&mut` to the kernel's state, and the rendezvous, by which the CPU that
//! holds the lock makes another one flush its TLB or give up its environment.
//! They live together because each is half of the other's proof: a CPU that
//! waits for the lock answers the rendezvous meanwhile, otherwise the two CPUs
//! would wait for each other.
//!
//! The crate knows nothing of hardware. The kernel, tests on threads and the model
//! checkers (`--cfg loom`, `--cfg shuttle`) differ only in `sync`: in where the
//! atomics come from, and in how long a CPU is patient.
//!
//! | module | what |
//! |---|---|
//! | [`lock`] | [`BigLock`] and its [`Guard`]; the only file with `unsafe` |
//! | [`rendezvous`] | [`Mailbox`], [`Target`] |

#![no_std]
#![deny(unsafe_code)]

pub mod lock;
pub mod rendezvous;
mod sync;

pub use lock::{BigLock, Guard};
pub use rendezvous::{Mailbox, Serviced, Target};
