//! Making, starting, stopping, redirecting and ending environments.
//!
//! The hard thing is what an environment takes with it when it ends: children that
//! only it could start, and the calls of those that wait to send to it.

use super::{Env, Expected, Given, Life, Model, Outcome, SLOTS, sanitise};
use abi::{Error, Personality, TrapFrame};
use std::collections::{BTreeMap, BTreeSet};

impl Model {
    pub(super) fn new_env(&mut self, parent: u32, personality: Personality) -> Option<u32> {
        let slot = self.free.pop()?;
        let generation = (self.ids[slot] + 0x1000) & 0x7fff_fc00;
        let id = generation.max(0x1000) | slot as u32;
        self.ids[slot] = id;
        self.events += 1;
        self.made += 1;
        let env = Env {
            parent,
            number: self.made,
            parent_number: self.envs.get(&parent).map_or(0, |parent| parent.number),
            born: self.events,
            life: Life::Unborn,
            personality,
            pages: BTreeMap::new(),
            spans: BTreeSet::new(),
            message: (0, 0, 0),
            letter: (0, 0, 0),
            second: 0,
            wants_reply: false,
            window: 0,
            waits_since: 0,
            heap_start: 0,
            heap_end: 0,
            heap_move: None,
            deadline: 0,
            job: None,
            scheduling: (31, 1000),
            ran: false,
            upcall: 0,
            exceptions: (0, 0),
            fpu: 0,
            frame: TrapFrame::default(),
        };
        self.envs.insert(id, env);
        Some(id)
    }

    /// Ends an environment, and its children that only it could start. The child
    /// that was made or stopped last ends first, together with its own children.
    pub fn kill(&mut self, id: u32) {
        for child in self.end(id) {
            self.kill(child);
        }
    }

    /// Ends an environment, but not its children. Returns those that must end
    /// because of it, in that order.
    pub(super) fn end(&mut self, id: u32) -> Vec<u32> {
        let number = self.envs.remove(&id).map_or(u64::MAX, |env| env.number);
        self.free.push(id as usize % SLOTS);
        self.readers.retain(|&reader| reader != id);
        for sender in self.senders(id) {
            self.serve(sender, Err(Error::BadEnv));
        }
        for waiting in self.dependents(id) {
            self.serve(waiting, Err(Error::BadEnv));
        }
        let stopped = |env: &Env| {
            env.parent_number == number && matches!(env.life, Life::Unborn | Life::Stopped)
        };
        let children = self.envs.iter().filter(|(_, env)| stopped(env));
        let mut children: Vec<(u64, u32)> = children.map(|(&id, env)| (env.born, id)).collect();
        children.sort_unstable();
        children.into_iter().rev().map(|(_, child)| child).collect()
    }

    /// Those whose wait ends when `id` does: for its reply, its message or a word that it
    /// owns.
    pub(super) fn dependents(&self, id: u32) -> Vec<u32> {
        [self.clients(id), self.owned_by(id), self.expect(id)].concat()
    }

    /// Whether its creator is alive.
    fn has_parent(&self, id: u32) -> bool {
        let parent = self.envs[&id].parent_number;
        self.envs.values().any(|env| env.number == parent)
    }

    pub(super) fn exofork(&mut self, caller: u32) -> Outcome {
        let ending = self.envs[&caller].job.is_some_and(|job| job.ending);
        if self.free.is_empty() || ending {
            return Err(Error::NoFreeEnv);
        }
        self.room(1)?;
        let Env {
            personality,
            mut frame,
            heap_start,
            heap_end,
            job,
            scheduling,
            ..
        } = self.envs[&caller];
        let id = self.new_env(caller, personality).ok_or(Error::NoFreeEnv)?;
        frame.regs.eax = 0;
        let child = self.env(id);
        child.frame = frame;
        child.heap_start = heap_start;
        child.heap_end = heap_end;
        child.job = job;
        child.scheduling = scheduling;
        Ok(Expected::Value(id))
    }

    pub(super) fn env_set_status(&mut self, caller: u32, [id, status, ..]: [u32; 5]) -> Outcome {
        let id = self.own(caller, id)?;
        let run = match status {
            2 => true,
            4 => false,
            _ => return Err(Error::Inval),
        };
        let was_stopped = matches!(self.envs[&id].life, Life::Unborn | Life::Stopped);
        if !run && !was_stopped {
            self.events += 1;
            let now = self.events;
            self.env(id).born = now;
        }
        if !run && id == caller && !self.has_parent(id) {
            self.kill(id);
            return Ok(Expected::Leaves);
        }
        let env = self.env(id);
        if let Life::Receives(_) | Life::Expects(..) = env.life {
            env.message.1 = 0;
            env.message.2 = 0;
        }
        if !matches!(env.life, Life::Unborn | Life::Runs | Life::Stopped) {
            env.frame.regs.eax = env.result_of(Err(Error::Inval));
            env.life = Life::Stopped;
            self.readers.retain(|&reader| reader != id);
        }
        let env = self.env(id);
        env.life = match (env.life, run) {
            (Life::Unborn, false) => Life::Unborn,
            (_, true) => Life::Runs,
            (_, false) => Life::Stopped,
        };
        if id == caller && !run {
            Ok(Expected::Leaves)
        } else {
            Ok(Expected::Value(0))
        }
    }

    pub(super) fn env_destroy(&mut self, caller: u32, [id, ..]: [u32; 5]) -> Outcome {
        let id = self.own(caller, id)?;
        self.kill(id);
        if id == caller {
            Ok(Expected::Leaves)
        } else {
            Ok(Expected::Value(0))
        }
    }

    pub(super) fn env_set_pgfault_upcall(
        &mut self,
        caller: u32,
        [id, entry, ..]: [u32; 5],
    ) -> Outcome {
        let id = self.own(caller, id)?;
        self.env(id).upcall = entry;
        Ok(Expected::Value(0))
    }

    pub(super) fn env_set_exception_upcall(
        &mut self,
        caller: u32,
        [id, entry, mask, ..]: [u32; 5],
    ) -> Outcome {
        let id = self.own(caller, id)?;
        let allowed = [0, 1, 3, 4, 5, 6, 10, 11, 12, 13, 14, 16, 17, 19];
        let bits = (0..32).filter(|bit| mask >> bit & 1 != 0);
        if bits.into_iter().any(|bit| !allowed.contains(&bit)) {
            return Err(Error::Inval);
        }
        self.env(id).exceptions = (entry, mask);
        Ok(Expected::Value(0))
    }

    pub(super) fn env_set_personality(
        &mut self,
        caller: u32,
        [id, number, ..]: [u32; 5],
    ) -> Outcome {
        let id = self.own(caller, id)?;
        let personality = Personality::ALL.get(number as usize).ok_or(Error::Inval)?;
        if self.envs[&id].ran {
            return Err(Error::Inval);
        }
        self.env(id).personality = *personality;
        Ok(Expected::Value(0))
    }

    pub(super) fn env_set_trapframe(
        &mut self,
        caller: u32,
        [id, va, ..]: [u32; 5],
        words: Given,
    ) -> Outcome {
        if let Some(bad) = self.first_bad(caller, va, 68, 0) {
            self.kill_for(caller, bad);
            return Ok(Expected::Leaves);
        }
        let id = self.own(caller, id)?;
        if id != caller && self.on_cpus.contains(&id) {
            return Err(Error::Inval);
        }
        let mut frame = TrapFrame::from_words(std::array::from_fn(|index| words[index]));
        sanitise(&mut frame);
        let env = self.env(id);
        env.frame = frame;
        env.heap_move = None;
        Ok(Expected::Value(0))
    }
}
