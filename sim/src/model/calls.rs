//! Calls between environments: a request and its reply, in registers.
//!
//! The hard thing is who gets what. A message takes the form for which its receiver
//! waits, whichever way it was sent.

use super::{Expected, Letter, Life, Model, Outcome};
use abi::Error;
use abi::layout::{PGSIZE, UTOP};

/// A page is wanted.
const WANTS_PAGE: u32 = 8;

impl Model {
    /// The environments that wait for the reply of `id`.
    pub(super) fn clients(&self, id: u32) -> Vec<u32> {
        let waits = |life| life == Life::Awaits(id);
        let clients = self.envs.iter().filter(|(_, env)| waits(env.life));
        clients.map(|(&client, _)| client).collect()
    }

    pub(super) fn receives(&self, id: u32) -> bool {
        matches!(self.envs[&id].life, Life::Receives(_) | Life::Requests(_))
    }

    /// Whether `id` receives from `from`, which asks for a reply.
    fn receives_from(&self, id: u32, from: u32) -> bool {
        self.receives(id) || matches!(self.envs[&id].life, Life::Expects(one, _) if one == from)
    }

    /// Whether a message that `from` sends now is taken at once; it may be a reply.
    pub(super) fn takes(&self, id: u32, from: u32) -> bool {
        self.receives_from(id, from) || self.envs[&id].life == Life::Awaits(from)
    }

    pub(super) fn ipc_call(&mut self, caller: u32, arguments: [u32; 5]) -> Outcome {
        let (window, letter, second) = decode(arguments)?;
        let to = self.any(caller, arguments[0])?;
        if to == caller {
            return Err(Error::Inval);
        }
        let is_taken = self.receives_from(to, caller);
        if is_taken {
            self.give(caller, to, letter, second)?;
            self.begin_wait(caller)?;
        } else {
            self.wait_to_send(caller, to, letter)?;
        }
        let env = self.env(caller);
        (env.window, env.second, env.wants_reply) = (window, second, true);
        if is_taken {
            env.life = Life::Awaits(to);
        }
        Ok(Expected::Leaves)
    }

    pub(super) fn ipc_reply(&mut self, caller: u32, arguments: [u32; 5]) -> Outcome {
        let (window, letter, second) = decode(arguments)?;
        if arguments[0] != 0 {
            let to = self.any(caller, arguments[0])?;
            if self.envs[&to].life != Life::Awaits(caller) {
                return Err(Error::IpcNotRecv);
            }
            self.give(caller, to, letter, second)?;
            self.env(caller).frame.regs.edx = 0;
        }
        for sender in self.senders(caller) {
            let result = self.give_page(sender, caller, self.envs[&sender].letter, window);
            let (value, ..) = self.envs[&sender].letter;
            let second = self.envs[&sender].second;
            self.taken(caller, sender, result);
            if result.is_ok() {
                let regs = &mut self.env(caller).frame.regs;
                (regs.ebx, regs.edi) = (value, second);
                return Ok(Expected::Value(sender));
            }
        }
        self.begin_wait(caller)?;
        self.env(caller).life = Life::Requests(window);
        Ok(Expected::Leaves)
    }

    /// Gives a letter to `to`, which waits for one, and goes on.
    pub(super) fn give(
        &mut self,
        from: u32,
        to: u32,
        letter: Letter,
        second: u32,
    ) -> Result<(), Error> {
        let result = match self.envs[&to].life {
            Life::Requests(window) => {
                self.give_page(from, to, letter, window)?;
                from
            }
            Life::Awaits(_) => {
                self.give_page(from, to, letter, self.envs[&to].window)?;
                0
            }
            Life::Receives(window) | Life::Expects(_, window) => {
                self.deliver(from, to, letter, window)?;
                let env = self.env(to);
                env.frame.regs.eax = 0;
                env.life = Life::Runs;
                return Ok(());
            }
            other => panic!("{other:?} waits for no message"),
        };
        let env = self.env(to);
        let regs = &mut env.frame.regs;
        (regs.eax, regs.ebx, regs.edi) = (result, letter.0, second);
        env.life = Life::Runs;
        Ok(())
    }

    /// The public table shows a message in registers only if a page was wanted.
    fn give_page(&mut self, from: u32, to: u32, letter: Letter, window: u32) -> Result<(), Error> {
        let before = self.envs[&to].message;
        self.deliver(from, to, letter, window)?;
        if window >= UTOP {
            self.env(to).message = before;
        }
        Ok(())
    }

    /// A sender's letter was taken, or could not be.
    pub(super) fn taken(&mut self, by: u32, sender: u32, result: Result<(), Error>) {
        if result.is_ok() && self.envs[&sender].wants_reply {
            self.env(sender).life = Life::Awaits(by);
        } else {
            self.serve(sender, result);
        }
    }
}

/// The window, the letter and its second word.
fn decode([_, place, value, second, wanted]: [u32; 5]) -> Result<(u32, Letter, u32), Error> {
    let window = match place & WANTS_PAGE {
        0 => UTOP,
        _ if wanted < UTOP && !wanted.is_multiple_of(PGSIZE) => return Err(Error::Inval),
        _ => wanted,
    };
    let perm = (place % PGSIZE) & !WANTS_PAGE;
    let va = match perm {
        0 => UTOP,
        _ => place - place % PGSIZE,
    };
    Ok((window, (value, va, perm), second))
}
