//! Time: sleeping, and deadlines.
//!
//! The hard thing is to say when a wait ends, for time passes while nobody calls. The
//! driver lets the model know when a timer has rung: then all are woken whose time has
//! come.

use super::{Env, Expected, Life, Model};
use abi::Error;

impl Model {
    /// Microseconds since boot.
    fn microseconds(&self) -> u64 {
        self.now / 1000
    }

    /// Refuses to let `caller` wait if its deadline has passed; then it has none any more.
    pub(super) fn begin_wait(&mut self, caller: u32) -> Result<(), Error> {
        let time = self.microseconds();
        let env = self.env(caller);
        if env.deadline == 0 || env.deadline > time {
            return Ok(());
        }
        env.deadline = 0;
        Err(Error::TimedOut)
    }

    pub(super) fn time_usec(&mut self, caller: u32) -> Expected {
        let time = self.microseconds();
        let regs = &mut self.env(caller).frame.regs;
        (regs.ebx, regs.edi) = (time as u32, (time >> 32) as u32);
        Expected::Value(0)
    }

    pub(super) fn env_set_deadline(&mut self, caller: u32, arguments: [u32; 5]) -> Expected {
        self.env(caller).deadline = time_of(arguments);
        Expected::Value(0)
    }

    pub(super) fn sleep_until(&mut self, caller: u32, arguments: [u32; 5]) -> Expected {
        let until = time_of(arguments);
        if until <= self.microseconds() {
            return Expected::Value(0);
        }
        self.env(caller).life = Life::Sleeps(until);
        Expected::Leaves
    }

    /// A timer has rung.
    pub fn timer_rang(&mut self, now: u64) {
        self.now = now;
        let time = self.microseconds();
        let late = |env: &Env| match env.life {
            Life::Sleeps(until) => until <= time,
            Life::Unborn | Life::Runs | Life::Stopped => false,
            _ => env.deadline != 0 && env.deadline <= time,
        };
        let woken = self.envs.iter().filter(|(_, env)| late(env));
        for id in woken.map(|(&id, _)| id).collect::<Vec<_>>() {
            self.readers.retain(|&reader| reader != id);
            let env = self.env(id);
            if let Life::Sleeps(_) = env.life {
                env.frame.regs.eax = 0;
            } else {
                env.frame.regs.eax = env.result_of(Err(Error::TimedOut));
                env.deadline = 0;
            }
            if let Life::Receives(_) | Life::Expects(..) = env.life {
                (env.message.1, env.message.2) = (0, 0);
            }
            env.life = Life::Runs;
        }
    }
}

fn time_of([low, high, ..]: [u32; 5]) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}
