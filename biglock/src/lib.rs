//! What the CPUs of the kernel say to each other.
//!
//! Two protocols and nothing else: the big kernel lock, which hands out the
//! `&mut` to the kernel's state, and the rendezvous, by which the CPU that
//! holds the lock makes another one flush its TLB or give up its environment.
//! They live together because each is half of the other's proof: a CPU that
//! waits for the lock answers the rendezvous while it waits, or else the two
//! would wait for each other.
//!
//! The crate has no idea of hardware. What differs between the kernel, tests
//! on threads and the model checkers (`--cfg loom`, `--cfg shuttle`) is in
//! `sync`, and is only where the atomics come from.
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
