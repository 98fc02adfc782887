//! What every command of the monitor works with, and what its arguments may name.
//!
//! The hard thing is that a slot keeps its last id after its environment has
//! ended: only the id of a living environment is accepted.

use crate::machine::Machine;
use abi::trap::FLAG_TF;
use abi::{EnvId, TrapFrame};
use kcore::PhysMem;
use kcore::env::Slot;
use kcore::paging::Space;
use witness::trace::Traced;

/// Prints a line. If printing fails, there is nowhere to report that.
macro_rules! say {
    ($machine:expr, $($arg:tt)*) => {{
        let _ = writeln!($machine, $($arg)*);
    }};
}
pub(crate) use say;

/// What a command works with.
pub struct Session<'s, M: PhysMem> {
    /// The console, and facts about the machine.
    pub machine: &'s mut dyn Machine,
    /// The kernel's state; a shared reference, so commands cannot change it.
    pub kernel: &'s Traced<'s, M>,
    /// The stopped environment; `None` once nothing is left to run.
    pub stopped: Option<Stopped<'s>>,
}

/// An environment that is at a breakpoint.
pub struct Stopped<'s> {
    /// Its slot.
    pub slot: Slot,
    /// Its registers.
    pub frame: &'s mut TrapFrame,
}

/// What to do after a command.
pub enum Then {
    /// Ask for the next one.
    Prompt,
    /// Let the environment go on.
    Leave,
}

/// Why a command did nothing; printed as a line.
pub type Complaint = &'static str;
/// How a command ended.
pub type Done = Result<Then, Complaint>;

impl<M: PhysMem> Session<'_, M> {
    /// The address space that a command means: that of the environment it names,
    /// else of the stopped one, else the kernel's.
    pub fn space(&self, id: Option<&&str>) -> Result<Space, Complaint> {
        let slot = match id {
            Some(id) => Some(environment(self.kernel, id)?),
            None => self.stopped.as_ref().map(|stopped| stopped.slot),
        };
        Ok(match slot {
            Some(slot) => self.kernel.envs()[slot].space,
            None => Space {
                pgdir: self.kernel.config().kernel_pgdir,
            },
        })
    }

    /// Lets the environment go on, with the trap flag set or clear.
    pub fn leave(&mut self, trap_flag: u32) -> Done {
        let stopped = self.stopped.as_mut().ok_or("No environment is stopped")?;
        stopped.frame.eflags = stopped.frame.eflags & !FLAG_TF | trap_flag;
        Ok(Then::Leave)
    }
}

/// The environment with an id, in hexadecimal.
fn environment<M: PhysMem>(kernel: &Traced<'_, M>, id: &str) -> Result<Slot, Complaint> {
    let id = hexadecimal(id)?;
    let found = kernel.envs().find(EnvId(id.cast_signed()));
    found.ok_or("No such environment")
}

/// A number in hexadecimal, with `0x` or without.
pub fn hexadecimal(word: &str) -> Result<u32, Complaint> {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    u32::from_str_radix(digits, 16).map_err(|_| "Not a hexadecimal number")
}
