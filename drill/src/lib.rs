//! Many thousand generated instructions, each with registers, flags and memory to
//! start from, and a digest of what a processor makes of them.
//!
//! The same generator runs in a guest program, on whatever processor is there, and
//! on the host, on the interpreter `ring3`; equal digests mean equal processors. The
//! hard thing is what a processor is free to do: flags that the manual leaves
//! undefined do not count, and each instruction says which those are. Everything
//! else counts: all registers, all other flags, all memory.
//!
//! `digests.txt` holds what QEMU made of it.

#![no_std]
#![forbid(unsafe_code)]

pub mod case;
mod code;
mod digest;
pub mod groups;
pub mod layout;
mod operand;
mod random;
mod text;

use case::{Case, State};
use digest::Digest;
use groups::Group;

pub use text::{case_line, line};

/// What QEMU printed; how it was made is said there.
pub const DIGESTS: &str = include_str!("../digests.txt");

/// A processor with the memory of [`layout`].
pub trait Machine {
    /// Executes the case's code from the state given there, with the case's memory.
    /// Returns the state at the exit, and leaves the memory in the case.
    fn run(&mut self, case: &mut Case) -> State;
}

/// What became of one case.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Registers, and those flags that are defined.
    pub state: State,
    /// Of the state and the memory.
    pub digest: u64,
}

/// Runs all cases of a group and returns their digest. `each` sees every case, with
/// the memory as the processor left it.
pub fn run<M: Machine>(
    group: &Group,
    machine: &mut M,
    mut each: impl FnMut(u32, &Case, &Outcome),
) -> u64 {
    let mut whole = Digest::default();
    for number in 0..group.cases {
        let mut case = group.case(number);
        let mut state = machine.run(&mut case);
        state.flags &= !case.undefined;
        let mut digest = Digest::default();
        state.general.into_iter().for_each(|word| digest.add(word));
        digest.add(state.flags);
        digest.add_bytes(&case.memory);
        let outcome = Outcome {
            state,
            digest: digest.value(),
        };
        whole.add(outcome.digest as u32);
        whole.add((outcome.digest >> 32) as u32);
        each(number, &case, &outcome);
    }
    whole.value()
}
