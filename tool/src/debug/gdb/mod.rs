//! What gdb talks to: the simulated machine in gdb's remote protocol, which the crate
//! `gdbstub` speaks.
//!
//! A CPU is a thread. The hard thing is that gdb believes to decide which threads run,
//! while here the run is what it is: so a step of one thread lets the others go on as
//! they do in this run, and gdb is told what happened to them.

mod breakpoints;
mod i386;
mod memory;
mod resume;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use abi::EnvId;
use gdbstub::common::Tid;
use gdbstub::target::Target;
use gdbstub::target::ext::base::BaseOps;
use gdbstub::target::ext::breakpoints::BreakpointsOps;
use gdbstub::target::ext::monitor_cmd::{ConsoleOutput, MonitorCmd, MonitorCmdOps};
use kcore::CpuId;

use self::i386::I386;
use super::commands::{Command, Place, parse};
use super::plain::Plain;
use super::programs::Programs;
use super::session::Session;
use super::travel::Goal;

pub use self::server::serve;

/// A session that gdb rules.
pub struct Debugged<'s, 't> {
    session: &'s mut Session<'t>,
    programs: &'s Programs,
    /// Where the guest's console goes.
    console: Box<dyn Write + 's>,
    /// Breakpoints that gdb has inserted, by kind.
    software: BTreeSet<u32>,
    hardware: BTreeSet<u32>,
    /// Those that it has removed since the machine was last going.
    removed: BTreeSet<u32>,
    /// Whose memory a watch is for, by address and length: the environment that was in
    /// focus when gdb first asked for it, as gdb removes and inserts them all the time.
    watched: BTreeMap<(u32, u32), EnvId>,
    /// What to do when gdb lets the machine go.
    asked: Asked,
}

/// What gdb wants.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    goal: Option<Goal>,
    backwards: bool,
    /// It wants one thread to move alone, past a breakpoint that is not there for it.
    alone: bool,
}

impl<'s, 't> Debugged<'s, 't> {
    /// gdb's view of a session.
    pub fn new(
        session: &'s mut Session<'t>,
        programs: &'s Programs,
        console: Box<dyn Write + 's>,
    ) -> Debugged<'s, 't> {
        Debugged {
            session,
            programs,
            console,
            software: BTreeSet::new(),
            hardware: BTreeSet::new(),
            removed: BTreeSet::new(),
            watched: BTreeMap::new(),
            asked: Asked::default(),
        }
    }
}

/// The thread that a CPU is.
fn thread(cpu: CpuId) -> Tid {
    Tid::MIN.saturating_add(cpu.0.into())
}

/// The CPU that a thread is; the last one, if it is none.
fn cpu(thread: Tid) -> CpuId {
    CpuId(u8::try_from(thread.get() - 1).unwrap_or(u8::MAX))
}

impl Target for Debugged<'_, '_> {
    type Arch = I386;
    type Error = std::io::Error;

    fn base_ops(&mut self) -> BaseOps<'_, I386, Self::Error> {
        BaseOps::MultiThread(self)
    }

    fn support_breakpoints(&mut self) -> Option<BreakpointsOps<'_, Self>> {
        Some(self)
    }

    fn support_monitor_cmd(&mut self) -> Option<MonitorCmdOps<'_, Self>> {
        Some(self)
    }
}

/// The commands of the small debugger that only look, and what gdb has no word to stop for.
impl MonitorCmd for Debugged<'_, '_> {
    fn handle_monitor_cmd(
        &mut self,
        line: &[u8],
        mut out: ConsoleOutput<'_>,
    ) -> Result<(), Self::Error> {
        let mut text = Vec::new();
        let asked = parse(&String::from_utf8_lossy(line));
        let done = asked.and_then(|command| match command {
            Some(
                command @ (Command::Where
                | Command::Cpus
                | Command::Envs
                | Command::Registers
                | Command::Print(..)
                | Command::Output
                | Command::Break(None | Some(Place::Crash | Place::Runs(_)))),
            ) => {
                let mut plain = Plain {
                    session: self.session,
                    programs: self.programs,
                    interrupted: &mut || false,
                };
                plain.look(&command, &mut text)
            }
            _ => Err(
                "there are: where, cpus, env, regs, print, output, break crash, break env ID"
                    .into(),
            ),
        });
        match done {
            Ok(()) => out.write_raw(&text),
            Err(error) => out.write_raw(format!("{error}\n").as_bytes()),
        }
        Ok(())
    }
}
