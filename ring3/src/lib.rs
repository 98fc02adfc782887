//! Ring 3 of a 32-bit x86 processor.
//!
//! It executes the instructions of unmodified program files, one at a time and the
//! same every time, and returns to the machine around it when the kernel has to be
//! entered: for an exception, a system call, or after so many instructions. No
//! `unsafe`, no clock, no allocation but for the cache of decoded instructions.
//!
//! The hard thing is to be exact: flags, error codes, the eip that a fault leaves,
//! and that an instruction that faults has changed nothing. What is not implemented
//! raises an invalid-opcode exception; `docs/simulated-machine.md` lists it.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
// Unit tests take in a file of the other tests, to which this crate is another.
#[cfg(test)]
extern crate self as ring3;

mod arithmetic;
mod bits;
pub mod bus;
pub mod cache;
pub mod decode;
pub mod flags;
#[cfg(test)]
#[path = "../tests/common/flat.rs"]
mod flat;
pub mod float;
mod jump;
mod memory;
mod multiply;
mod operand;
pub mod processor;
mod quick;
pub mod registers;
mod run;
mod segment;
mod shift;
mod stack;
mod string;
mod system;
mod transfer;
pub mod trap;
mod unit;
mod way;

pub use bus::{Access, Bus, PageFault};
pub use cache::Cache;
pub use processor::{Model, Processor};
pub use registers::{Registers, Segment};
pub use trap::Trap;
