//! Priorities and shares: who may give how much to whom.
//!
//! The hard thing is that nobody can tell what they do: which environment runs is not
//! for programs to know. So the model knows only who has what.

use super::{Expected, Model, Outcome};
use abi::Error;

impl Model {
    pub(super) fn env_set_scheduling(
        &mut self,
        caller: u32,
        [id, priority, shares, ..]: [u32; 5],
    ) -> Outcome {
        let id = self.own(caller, id)?;
        let (most_urgent, most) = self.envs[&caller].scheduling;
        if priority > most_urgent || !(1..=most).contains(&shares) {
            return Err(Error::Inval);
        }
        self.env(id).scheduling = (priority, shares);
        Ok(Expected::Value(self.policy))
    }
}
