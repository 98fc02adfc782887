//! Priority and shares: how urgent an environment is, and how much of the CPUs it gets.
//!
//! What they do depends on the policy that the kernel was booted with (`sched=` on its
//! command line); under round robin, nothing. The hard thing is that there is no way back:
//! nobody can give more than it has, itself included. So whoever wants to stay ahead of
//! its children lowers them, and never itself.

use abi::call::FEATURE_SCHEDULING;
use abi::scheduling::{DEFAULT_PRIORITY, DEFAULT_SHARES, MAX_PRIORITY, MAX_SHARES};
use abi::{EnvId, Error};

use crate::interface::Interface;
use crate::sys;

pub use abi::scheduling::Policy;

/// Both numbers of an environment. A child begins with its parent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheduling {
    /// Up to 31; under `sched=priority` the highest goes first.
    pub priority: u8,
    /// 1 to 1000; under `sched=stride` time is divided by them, under `sched=lottery` by
    /// chance.
    pub shares: u16,
}

impl Scheduling {
    /// The most there is. Programs that are made at boot have it.
    pub const MOST: Scheduling = Scheduling {
        priority: MAX_PRIORITY,
        shares: MAX_SHARES,
    };
    /// What a prompt gives to what it starts.
    pub const USUAL: Scheduling = Scheduling {
        priority: DEFAULT_PRIORITY,
        shares: DEFAULT_SHARES,
    };

    /// Gives both to the caller (0) or a child of it. Returns the policy in force.
    ///
    /// # Errors
    /// `BadEnv`; `Inval` for more than the caller has, or no shares; `NotSupp` where the
    /// kernel has no such call.
    pub fn give(self, env: EnvId) -> Result<Policy, Error> {
        if !Interface::get().offers(FEATURE_SCHEDULING) {
            return Err(Error::NotSupp);
        }
        let number = sys::env_set_scheduling(env, self.priority, self.shares)?;
        Policy::from_number(number).ok_or(Error::NotSupp)
    }
}
