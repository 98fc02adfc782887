//! Messages that wait: one word from one environment to another.
//!
//! The kernel keeps no queue: a send succeeds only while the receiver waits.
//! The hard thing is therefore the sender's patience, which JOS's library
//! expresses by trying again and yielding in between.

use abi::{EnvId, Error};

use crate::env::Env;
use crate::sys;

/// A received message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who sent it.
    pub from: EnvId,
    /// What was sent.
    pub value: u32,
}

/// Sends `value` to `env`, waiting until it receives.
///
/// # Errors
/// `BadEnv` if there is no such environment, or no longer.
pub fn send(env: EnvId, value: u32) -> Result<(), Error> {
    loop {
        match sys::ipc_try_send(env, value) {
            Err(Error::IpcNotRecv) => sys::yield_now(),
            result => return result,
        }
    }
}

/// Waits for a message from anybody.
///
/// # Errors
/// `Inval` if the wait was cancelled.
pub fn recv() -> Result<Message, Error> {
    sys::ipc_recv()?;
    let this = Env::this();
    Ok(Message {
        from: this.ipc_from(),
        value: this.ipc_value(),
    })
}
