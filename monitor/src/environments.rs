//! Environments, as the monitor shows them.
//!
//! The hard thing is that a slot keeps its last id after its environment has
//! ended. Only living environments are shown.

use crate::session::{Done, Session, Then, say};
use abi::EnvStatus;
use kcore::PhysMem;
use kcore::env::{Env, Wait};

/// `envs`: a line for each living environment.
pub fn list<M: PhysMem>(session: &mut Session<'_, M>, _: &[&str]) -> Done {
    let envs = session.kernel.envs();
    say!(
        session.machine,
        "id       parent   CPU runs       upcall   status"
    );
    for env in envs.used().map(|slot| &envs[slot]) {
        if env.alive {
            say!(
                session.machine,
                "{:08x} {:08x} {:3} {:10} {:08x} {}",
                env.id.0,
                env.parent.0,
                env.cpunum,
                env.runs,
                env.upcall,
                status(env)
            );
        }
    }
    Ok(Then::Prompt)
}

fn status(env: &Env) -> &'static str {
    match (env.status(), env.wait) {
        (_, Wait::Message | Wait::MessageOf(_) | Wait::Request) => "receiving",
        (_, Wait::Reply(_)) => "waits for a reply",
        (_, Wait::Console) => "waits for the console",
        (_, Wait::Alarm) => "sleeps",
        (_, Wait::Word(_)) => "waits for a word",
        (EnvStatus::Free, _) => "free",
        (EnvStatus::Dying, _) => "dying",
        (EnvStatus::Runnable, _) => "runnable",
        (EnvStatus::Running, _) => "running",
        (EnvStatus::NotRunnable, _) => "not runnable",
    }
}
