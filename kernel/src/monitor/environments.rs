//! Environments, as the monitor shows and names them.
//!
//! The hard thing is that a slot's last id outlives its environment: only ids
//! of the living name one.

use super::{Complaint, Done, Session, Then};
use crate::console::say;
use crate::proper::Core;
use abi::{EnvId, EnvStatus};
use kcore::env::{Env, Slot, Wait};

/// The environment with an id, in hexadecimal.
pub fn named(core: &Core, id: &str) -> Result<Slot, Complaint> {
    let id = super::memory::hexadecimal(id)?;
    let found = core.envs().find(EnvId(id.cast_signed()));
    found.ok_or("No such environment")
}

/// `envs`: a line for each.
pub fn list(session: &mut Session<'_>, _: &[&str]) -> Done {
    let envs = session.core.envs();
    say!("id       parent   CPU runs       upcall   status");
    for env in envs.used().map(|slot| &envs[slot]) {
        if env.is_alive() {
            say!(
                "{:08x} {:08x} {:3} {:10} {:08x} {}",
                env.id().0,
                env.parent().0,
                env.cpunum().0,
                env.runs(),
                env.upcall(),
                status(env)
            );
        }
    }
    Ok(Then::Prompt)
}

fn status(env: &Env) -> &'static str {
    match (env.status(), env.wait()) {
        (_, Wait::Message) => "receiving",
        (_, Wait::Console) => "waits for the console",
        (EnvStatus::Free, _) => "free",
        (EnvStatus::Dying, _) => "dying",
        (EnvStatus::Runnable, _) => "runnable",
        (EnvStatus::Running, _) => "running",
        (EnvStatus::NotRunnable, _) => "not runnable",
    }
}
