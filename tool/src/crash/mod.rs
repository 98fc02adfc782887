//! A crash explains itself: what `run` says on standard error of programs that were ended
//! for what they did, and of those that wait for ever.
//!
//! | module | what |
//! |---|---|
//! | [`death`] | what the console tells of an end, as a value |
//! | [`heard`] | the console, heard for that |
//! | [`again`] | the same run on the simulated machine, which can be looked at |
//! | [`scene`], [`calls`], [`walk`] | what is seen there: the stack, the page tables |
//! | [`cause`] | the likely cause, in a sentence |
//! | [`stuck`] | who waits for whom |
//! | [`repeated`] | the commands that are shown |
//! | [`told`] | the lines |
//! | [`panicked`] | what is said of a kernel that panicked |
//!
//! The hard thing is that the machine is gone by then. The console has the registers,
//! which is enough for a place and a guess; all else is found by running the same again
//! where every position can be looked at, if it happens again there.

pub mod again;
pub mod calls;
pub mod cause;
pub mod death;
mod entered;
pub mod heard;
pub mod panicked;
pub mod repeated;
pub mod scene;
pub mod stuck;
pub mod told;
pub mod walk;
