//! Everything that a kernel knows, to see whether a call changed any of it.
//!
//! The hard thing is memory, which is large. Instead of comparing it, a snapshot
//! asks the memory whether anything was written.

use crate::machine::Machine;
use kcore::env::Env;
use kcore::frames::Frame;
use kcore::kernel::State;

/// Everything that a kernel knows, without memory.
#[derive(PartialEq, Eq)]
pub struct Snapshot {
    state: State,
    frames: Vec<Frame>,
    envs: Vec<Env>,
}

impl Snapshot {
    /// Copies what the kernel knows; from now on memory notes what is written.
    pub fn take(machine: &mut Machine<'_>) -> Snapshot {
        let kernel = &mut machine.kernel;
        kernel.mem().take_written(|_, _| {});
        let state = kernel.state();
        let used = kernel.envs().used().count();
        let tables = kernel.tables();
        Snapshot {
            state,
            frames: tables.frames.to_vec(),
            envs: tables.envs[..used].to_vec(),
        }
    }

    /// Whether anything in the kernel or in memory has changed since.
    pub fn has_changed(&self, machine: &mut Machine<'_>) -> bool {
        let mut written = false;
        machine.kernel.mem().take_written(|_, _| written = true);
        written || *self != Snapshot::take(machine)
    }
}
