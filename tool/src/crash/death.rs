//! A program's end as a value: what the console told of it.
//!
//! The hard thing is whose it was. The kernel prints the registers as JOS does, without
//! a name; the id comes from the line before or after.

use abi::EnvId;
use abi::trap::Vector;

use crate::debug::programs::Lineage;

/// A program that was ended for what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Whose, if that is known.
    pub env: Option<EnvId>,
    /// The environment of the beginning that it descends from, or itself, if that is known.
    pub ancestor: Option<EnvId>,
    /// What it did.
    pub what: What,
    /// The line at the prompt by which it ran, if there is one and it is known.
    pub entered: Option<String>,
}

/// What a program did, as far as the console tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// An exception that nobody handled.
    Trap(Trap),
    /// It panicked.
    Panic(Panic),
    /// It passed the kernel this address, or its exception stack is there.
    BadAddress(u32),
}

/// The registers at an exception, as far as they explain something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trap {
    /// The exception.
    pub vector: Vector,
    /// Its error code.
    pub error: u32,
    /// The instruction.
    pub eip: u32,
    /// The stack pointer.
    pub esp: u32,
    /// Of a page fault, the address.
    pub cr2: Option<u32>,
}

/// A panic's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    /// Where: `FILE:LINE`.
    pub place: String,
    /// Why.
    pub message: String,
}

/// Whoever was between it and its ancestor may be forgotten.
impl Lineage for Death {
    fn parent(&self, env: EnvId) -> Option<EnvId> {
        let ancestor = self.ancestor.filter(|_| self.env == Some(env));
        ancestor.filter(|ancestor| *ancestor != env)
    }
}

impl Death {
    /// Where its last instruction is, if the console tells.
    pub fn eip(&self) -> Option<u32> {
        match &self.what {
            What::Trap(trap) => Some(trap.eip),
            What::Panic(_) | What::BadAddress(_) => None,
        }
    }
}
