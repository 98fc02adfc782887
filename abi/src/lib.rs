//! The contract between kernel and user programs: JOS's binary interface.
//!
//! Everything here is compiled into programs that exist already, so nothing
//! may move: the numbers of the calls, the values of the errors, the memory
//! map and the layout of the structures that the kernel shows to users. The
//! one hard thing is that there is not *one* interface but four, see
//! [`Personality`].
//!
//! | module | what |
//! |---|---|
//! | [`layout`] | the memory map, drawn once |
//! | [`call`] | system calls and their numbers, personalities |
//! | [`error`] | error values |
//! | [`perm`] | page permissions |
//! | [`probe`] | how a program finds out which of them it has |
//! | [`trap`] | vectors, segment selectors, flags, [`TrapFrame`], [`UTrapFrame`] |
//! | [`exception`] | exceptions that programs handle themselves |
//! | [`mod@env`] | environment ids, [`PublicEnv`] |
//! | [`page_info`] | the public frame table |
//! | [`page_range`] | an entry of a list of page ranges |
//! | [`scheduling`] | policies, priorities, shares |
//! | [`state`] | all that an environment is, but for its memory |

#![no_std]
#![forbid(unsafe_code)]

pub mod call;
pub mod env;
pub mod error;
pub mod exception;
pub mod layout;
pub mod page_info;
pub mod page_range;
pub mod perm;
pub mod probe;
pub mod scheduling;
pub mod state;
pub mod trap;

pub use call::{Call, Personality};
pub use env::{EnvId, EnvStatus, EnvType, PublicEnv};
pub use error::Error;
pub use exception::ExceptionFrame;
pub use page_info::PageInfo;
pub use page_range::PageRange;
pub use perm::Perm;
pub use state::EnvState;
pub use trap::{PushRegs, TrapFrame, UTrapFrame};
