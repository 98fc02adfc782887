//! The simulated machine for a browser tab: what its page asks, and the answers.
//!
//! The page is a few hand-written files (`page/web/`); everything that knows the
//! machine is here, in safe Rust that the host tests too. The hard thing is to answer
//! from one machine that moves: a question about another position moves it there and
//! back, and what happened on the way is told only once, the first time.
//!
//! | module | what |
//! |---|---|
//! | [`request`] | what is booted, from the words of a link |
//! | [`session`] | one run: anywhere in it, and what somebody changed by hand |
//! | [`story`] | what happened in it, with positions |
//! | [`steps`] | to the next thing of a kind, and back to the last |
//! | [`state`] | the machine where it stands: CPUs, environments, the last step |
//! | [`code`] | instructions around a place |
//! | [`memory`] | mappings, and the walk of one address |
//! | [`json`] | answers as text |
//! | [`exports`] | the functions that the page calls |

#![deny(unsafe_code)]

pub mod code;
pub mod exports;
pub mod json;
pub mod memory;
pub mod request;
pub mod session;
pub mod state;
pub mod steps;
pub mod story;

pub use request::Request;
pub use session::Session;
