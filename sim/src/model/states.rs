//! The state of a stopped child, taken and given back.
//!
//! The hard thing is a child that waits: its call is made again when it goes on, at a time
//! that only the kernel knows. So the driver takes the state of no child that waits, and
//! gives none that begins with a call; tests of their own do that.

use super::{Expected, Given, Life, Model, Outcome, sanitise};
use abi::{EnvState, Error, Personality};

impl Model {
    pub(super) fn env_get_state(&mut self, caller: u32, [id, va, ..]: [u32; 5]) -> Outcome {
        if let Some(bad) = self.first_bad(caller, va, EnvState::SIZE, 2) {
            self.kill_for(caller, bad);
            return Ok(Expected::Leaves);
        }
        let id = self.child(caller, id)?;
        self.events += 1;
        let now = self.events;
        let env = self.env(id);
        match env.life {
            Life::Unborn | Life::Stopped => {}
            Life::Runs => (env.life, env.born) = (Life::Stopped, now),
            other => panic!("the driver leaves out who {other:?}"),
        }
        Ok(Expected::Value(0))
    }

    pub(super) fn env_set_state(
        &mut self,
        caller: u32,
        [id, va, ..]: [u32; 5],
        words: Given,
    ) -> Outcome {
        if let Some(bad) = self.first_bad(caller, va, EnvState::SIZE, 0) {
            self.kill_for(caller, bad);
            return Ok(Expected::Leaves);
        }
        let id = self.child(caller, id)?;
        let state = EnvState::from_words(&words);
        let env = self.env(id);
        if !matches!(env.life, Life::Unborn | Life::Stopped) {
            return Err(Error::Inval);
        }
        let personality = Personality::ALL.get(state.personality as usize);
        let personality = *personality.ok_or(Error::Inval)?;
        let deliverable = [0, 1, 3, 4, 5, 6, 10, 11, 12, 13, 14, 16, 17, 19];
        let foreign = (0..32).filter(|bit| !deliverable.contains(bit));
        let foreign: u32 = foreign.map(|bit| 1 << bit).sum();
        let refused = env.ran && personality != env.personality
            || state.heap_start > state.heap_end
            || state.heap_end > 0x7fff_f000
            || state.exception_mask & foreign != 0
            || state.pending != 0
            || state.env_type != 0
            || state.reserved != 0
            || ![0, 2].contains(&state.float_format);
        if refused {
            return Err(Error::Inval);
        }
        env.personality = personality;
        env.frame = state.frame;
        sanitise(&mut env.frame);
        env.upcall = state.upcall;
        env.exceptions = (state.exception_entry, state.exception_mask);
        (env.heap_start, env.heap_end) = (state.heap_start, state.heap_end);
        env.heap_move = None;
        env.message = (state.value, state.from.0 as u32, state.perm);
        env.fpu = match state.float_format {
            0 => 0,
            _ => state.float[40],
        };
        Ok(Expected::Value(0))
    }

    fn child(&self, caller: u32, id: u32) -> Result<u32, Error> {
        let id = self.own(caller, id)?;
        if id == caller {
            return Err(Error::Inval);
        }
        Ok(id)
    }
}
