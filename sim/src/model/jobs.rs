//! Jobs: environments that are ended together.
//!
//! The hard thing is that one call ends only a limited number of members, at most
//! one of them on another CPU, and leaves out those that will end by themselves
//! because their parents died in the same call.

use super::{Expected, Job, Model, Outcome};
use abi::Error;
use std::collections::BTreeSet;

/// The most members that one call ends.
const BATCH: usize = 8;

impl Model {
    /// The living members of a job that `caller` made, by slot.
    pub(super) fn members(&self, caller: u32, job: u32) -> Vec<u32> {
        let owner = self.envs.get(&caller).map_or(0, |env| env.number);
        let is_member = |member: Job| (member.id, member.owner) == (job, owner);
        let envs = self.envs.iter();
        let mut members: Vec<u32> = envs
            .filter(|(_, env)| env.job.is_some_and(is_member))
            .map(|(&id, _)| id)
            .collect();
        members.sort_unstable_by_key(|id| id % 1024);
        members
    }

    pub(super) fn job_create(&mut self, caller: u32, [id, ..]: [u32; 5]) -> Outcome {
        let id = self.own(caller, id)?;
        if id == caller || self.envs[&id].ran || self.envs[&caller].job.is_some() {
            return Err(Error::Inval);
        }
        let owner = self.envs[&caller].number;
        self.env(id).job = Some(Job {
            id,
            owner,
            ending: false,
        });
        Ok(Expected::Value(0))
    }

    pub(super) fn job_destroy(&mut self, caller: u32, [job, ..]: [u32; 5]) -> Outcome {
        let members = self.members(caller, job);
        let mut families: Vec<Vec<u32>> = Vec::new();
        let mut doomed: BTreeSet<u32> = BTreeSet::new();
        let (mut ended, mut left, mut stopped_a_cpu) = (0, 0, false);
        for id in members {
            let elsewhere = self.on_cpus.contains(&id);
            // To tell those whose wait ends with it takes as long as to end many.
            let cost = match self.dependents(id).is_empty() {
                true => 1,
                false => BATCH,
            };
            if ended + cost > BATCH || doomed.contains(&id) || elsewhere && stopped_a_cpu {
                left += 1;
                if let Some(job) = &mut self.env(id).job {
                    job.ending = true;
                }
                continue;
            }
            stopped_a_cpu |= elsewhere;
            ended += cost;
            let children = self.end(id);
            doomed.extend(&children);
            families.push(children);
        }
        // Children of the parent that died last come first.
        for child in families.into_iter().rev().flatten() {
            if self.envs.contains_key(&child) {
                self.kill(child);
            }
        }
        Ok(Expected::Value(left))
    }

    /// Ends the rest of a job. In which order its members end is not known here, so
    /// `free` gives the free slots afterwards, the next one to be used first.
    pub fn end_rest(&mut self, caller: u32, job: u32, free: &[usize]) {
        while let Some(&id) = self.members(caller, job).first() {
            self.kill(id);
        }
        let was_used = |slot: &usize| self.ids[*slot] != 0;
        let (mut used, mut all): (Vec<usize>, Vec<usize>) =
            self.free.iter().copied().partition(was_used);
        all.extend(free.iter().rev());
        used.sort_unstable();
        let mut same = free.to_vec();
        same.sort_unstable();
        assert_eq!(used, same, "the same slots are free");
        self.free = all;
    }
}
