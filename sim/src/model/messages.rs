//! Messages: an inbox for one message, and a queue of waiting senders.
//!
//! The hard thing is when a page is checked: for a send that waits, both when the
//! wait begins and when the message is delivered.

use super::pages::check_va;
use super::{Expected, Letter, Life, Model, Outcome};
use abi::Error;
use abi::layout::UTOP;

impl Model {
    /// The senders that wait for `id`, the one that came first first.
    pub(super) fn senders(&self, id: u32) -> Vec<u32> {
        let waiting = self
            .envs
            .iter()
            .filter(|(_, env)| env.life == Life::Sends(id));
        let mut waiting: Vec<(u64, u32)> =
            waiting.map(|(&id, env)| (env.waits_since, id)).collect();
        waiting.sort_unstable();
        waiting.into_iter().map(|(_, id)| id).collect()
    }

    /// Ends the wait of a sender, or for a word, with this result.
    pub(super) fn serve(&mut self, id: u32, result: Result<(), Error>) {
        let env = self.env(id);
        let waited = match env.life {
            Life::Watches(_) => "futex_wait, waited",
            Life::Expects(..) => {
                (env.message.1, env.message.2) = (0, 0);
                "ipc_recv_from, waited"
            }
            _ => "ipc_send, waited",
        };
        env.life = Life::Runs;
        env.frame.regs.eax = env.result_of(result);
        let code = result.map_or_else(|error| error as u32, |()| 0);
        self.served.push((waited, code));
    }

    pub(super) fn ipc_try_send(
        &mut self,
        caller: u32,
        [id, value, va, perm, _]: [u32; 5],
    ) -> Outcome {
        let id = self.any(caller, id)?;
        if !self.takes(id, caller) {
            return Err(Error::IpcNotRecv);
        }
        self.give(caller, id, (value, va, perm), 0)?;
        Ok(Expected::Value(0))
    }

    pub(super) fn ipc_send(&mut self, caller: u32, arguments: [u32; 5]) -> Outcome {
        let [id, value, va, perm, _] = arguments;
        let id = self.any(caller, id)?;
        if id == caller {
            return Err(Error::Inval);
        }
        if self.takes(id, caller) {
            return self.ipc_try_send(caller, arguments);
        }
        self.wait_to_send(caller, id, (value, va, perm))?;
        let env = self.env(caller);
        (env.second, env.wants_reply) = (0, false);
        Ok(Expected::Leaves)
    }

    pub(super) fn wait_to_send(
        &mut self,
        caller: u32,
        id: u32,
        letter: Letter,
    ) -> Result<(), Error> {
        let (_, va, perm) = letter;
        if va < UTOP {
            check_va(va)?;
            self.offered(caller, va, perm)?;
        }
        self.begin_wait(caller)?;
        self.events += 1;
        let waits_since = self.events;
        let env = self.env(caller);
        env.letter = letter;
        env.waits_since = waits_since;
        env.life = Life::Sends(id);
        Ok(())
    }

    pub(super) fn ipc_recv(&mut self, caller: u32, [va, ..]: [u32; 5]) -> Outcome {
        if va < UTOP {
            check_va(va)?;
        }
        if let [first, _, ..] = self.senders(caller)[..]
            && first == self.env(caller).message.1
        {
            self.events += 1;
            self.env(first).waits_since = self.events;
        }
        for sender in self.senders(caller) {
            let letter = self.envs[&sender].letter;
            let result = self.deliver(sender, caller, letter, va);
            self.taken(caller, sender, result);
            if result.is_ok() {
                return Ok(Expected::Value(0));
            }
        }
        self.begin_wait(caller)?;
        self.env(caller).life = Life::Receives(va);
        Ok(Expected::Leaves)
    }

    pub(super) fn ipc_recv_from(&mut self, caller: u32, [id, va, ..]: [u32; 5]) -> Outcome {
        let from = self.any(caller, id)?;
        if from == caller {
            return Err(Error::Inval);
        }
        if va < UTOP {
            check_va(va)?;
        }
        if self.envs[&from].life == Life::Sends(caller) {
            let letter = self.envs[&from].letter;
            let result = self.deliver(from, caller, letter, va);
            self.taken(caller, from, result);
            if result.is_ok() {
                return Ok(Expected::Value(0));
            }
        }
        self.begin_wait(caller)?;
        self.env(caller).life = Life::Expects(from, va);
        Ok(Expected::Leaves)
    }

    /// Those who wait for a message of `id` alone.
    pub(super) fn expect(&self, id: u32) -> Vec<u32> {
        let expects = |life| matches!(life, Life::Expects(one, _) if one == id);
        let envs = self.envs.iter().filter(|(_, env)| expects(env.life));
        envs.map(|(&id, _)| id).collect()
    }

    /// Delivers a letter, unless something is wrong with it.
    pub(super) fn deliver(
        &mut self,
        from: u32,
        to: u32,
        (value, va, perm): Letter,
        wanted: u32,
    ) -> Result<(), Error> {
        let mut received = 0;
        if va < UTOP {
            check_va(va)?;
            let page = self.offered(from, va, perm)?;
            if wanted < UTOP {
                self.shareable(to, wanted, page)?;
                self.map(to, wanted, page);
                received = perm;
            }
        }
        self.env(to).message = (value, from, received);
        Ok(())
    }
}
