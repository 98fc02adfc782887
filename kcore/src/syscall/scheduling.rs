//! `env_set_scheduling`: the two numbers by which policies tell environments apart.
//!
//! The hard thing is that nobody may gain by it. An environment can give no more than it
//! has, to itself or to a child. So it can only give up what it has, and whoever keeps the
//! most for itself, as a prompt does, cannot be pushed aside by what it has started.

use super::{CallResult, Caller, Outcome};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::watch::Watcher;
use abi::{Error, TrapFrame};

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// Sets priority and shares, under every policy, and returns which is in force.
    pub(super) fn sys_env_set_scheduling(
        &mut self,
        caller: Caller,
        frame: &mut TrapFrame,
    ) -> CallResult {
        let [id, priority, shares, ..] = frame.arguments();
        let slot = self.own_env(caller, id)?;
        let own = &self.envs[caller.slot];
        let priority = u8::try_from(priority).map_err(|_| Error::Inval)?;
        let shares = u16::try_from(shares).map_err(|_| Error::Inval)?;
        if priority > own.priority || shares == 0 || shares > own.shares {
            return Err(Error::Inval);
        }
        self.set_scheduling(slot, priority, shares);
        Ok(Outcome::Done(self.config.policy as u32))
    }
}
