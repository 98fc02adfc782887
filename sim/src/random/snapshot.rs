//! All that a kernel knows, to see whether a call changed any of it.
//!
//! The hard thing is memory, which is large: instead of comparing it, memory is
//! asked whether anything was written.

use crate::machine::Machine;
use kcore::env::Env;
use kcore::frames::Frame;
use kcore::kernel::State;

/// All that a kernel knows, memory left out.
#[derive(PartialEq, Eq)]
pub struct Snapshot {
    state: State,
    frames: Vec<Frame>,
    envs: Vec<Env>,
}

impl Snapshot {
    /// Notes all that the kernel knows; memory notes what is written from now.
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

    /// Whether anything, in the kernel or in memory, is not as it was.
    pub fn has_changed(&self, machine: &mut Machine<'_>) -> bool {
        let mut written = false;
        machine.kernel.mem().take_written(|_, _| written = true);
        written || *self != Snapshot::take(machine)
    }
}
