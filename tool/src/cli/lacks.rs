//! Options of a run that a command cannot use: they are not in its help, and refused.
//!
//! These commands take what `run` takes, in the same structure. The hard thing is that help
//! and refusal agree; so both are made from one list.

use clap::Arg;

use super::Run;
use crate::status;

/// What only QEMU has.
const OF_QEMU: [&str; 5] = ["nic", "gdb-port", "stopped", "icount", "monitor"];
/// What is for a single run that goes forwards, and is told.
const OF_ONE_RUN: [&str; 4] = ["record", "trace", "verbose", "explain"];
/// What decides a run, where schedules do that; and what a run would leave behind.
const OF_ONE_SCHEDULE: [&str; 4] = ["seed", "pace", "disk", "snapshot"];

/// What this command lacks of the options of `run`.
fn of(command: &str) -> Vec<&'static str> {
    let lists: &[&[&str]] = match command {
        "try" => &[&OF_QEMU, &OF_ONE_RUN, &OF_ONE_SCHEDULE, &["timeout"]],
        "explore" => &[&OF_QEMU, &OF_ONE_RUN, &OF_ONE_SCHEDULE],
        "mem" => &[&OF_QEMU, &OF_ONE_RUN, &["audit", "timeout"]],
        "debug" => &[&OF_QEMU, &OF_ONE_RUN, &["audit"]],
        "gdb" => &[
            // gdb is connected already.
            &["gdb-port", "stopped"],
            &["seed", "pace", "store-buffers", "audit", "explain"],
        ],
        _ => &[],
    };
    lists.concat()
}

/// An argument of this command, hidden if the command cannot use it.
pub fn hidden(command: &str, argument: Arg) -> Arg {
    let lacks = argument
        .get_long()
        .is_some_and(|long| of(command).contains(&long));
    if lacks { argument.hide(true) } else { argument }
}

impl Run {
    /// Refuses what this command cannot use of what was given.
    pub fn refuse_for(&self, command: &str) -> anyhow::Result<()> {
        let lacking = of(command);
        let mut refused = self.given().to_vec();
        refused.retain(|(_, option)| lacking.contains(option));
        status::refuse(command, &refused)
    }

    /// Whether each of the options was given that some command lacks.
    fn given(&self) -> [(bool, &'static str); 16] {
        [
            (self.nic.is_some(), "nic"),
            (self.gdb_port.is_some(), "gdb-port"),
            (self.stopped, "stopped"),
            (self.icount, "icount"),
            (self.monitor, "monitor"),
            (self.record.is_some(), "record"),
            (self.trace.is_some(), "trace"),
            (self.verbose, "verbose"),
            (self.explain == super::Explain::Off, "explain"),
            (self.seed.is_some(), "seed"),
            (self.pace.is_some(), "pace"),
            (self.disk.is_some(), "disk"),
            (self.snapshot, "snapshot"),
            (self.timeout.is_some(), "timeout"),
            (self.store_buffers, "store-buffers"),
            (self.audit, "audit"),
        ]
    }
}
