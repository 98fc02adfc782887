//! How a program finds out which kernel it is on: its numbering of the calls, and
//! its extensions.
//!
//! Lab 4 and lab 5 number their calls differently from 9 upward. Number 11 with a
//! first argument that is no environment's id is `ipc_try_send` on lab 4, which
//! answers `E_BAD_ENV`, and `yield` on lab 5 and later, which does not: it
//! answers 0, or leaves the register as it is.
//!
//! The hard thing is to ask without side effects, also on kernels that students
//! wrote. `ipc_recv` with an unaligned address would tell the numberings apart
//! too. But some kernels mark the caller as receiving before they check the
//! address, and the next message would then go to a program that does not wait
//! for one. The probe passes valid arguments, because some kernels check them
//! before the id.

use crate::call::{FEATURES, common_number};
use crate::layout::UTOP;
use crate::{Call, Error};

/// The number that means different calls.
const PROBE: u32 = 11;
/// An id that no environment has: all are 0x1000 or more, and 0 is the caller.
const NOBODY: u32 = 1;

/// The number of [`Call::Features`].
const FEATURES_CALL: u32 = common_number(Call::Features).expect("all extensions have one");

/// What a program found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whether the numbering is that of lab 5 and later labs, not lab 4's.
    pub later: bool,
    /// The extensions that may be used, as bits of [`Call::Features`]'s answer.
    pub features: u32,
}

/// Finds out by making calls. `ask` makes a call with four arguments, by `int`,
/// which every kernel has, and returns its result.
pub fn find(mut ask: impl FnMut(u32, [u32; 4]) -> i32) -> Found {
    let answer = ask(PROBE, [NOBODY, 0, UTOP, 0]);
    // A JOS kernel does not know this number, and returns an error.
    let features = ask(FEATURES_CALL, [0; 4]);
    Found {
        later: answer != -(Error::BadEnv as i32),
        features: u32::try_from(features).unwrap_or(0) & FEATURES,
    }
}
