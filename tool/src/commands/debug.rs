//! `jostle debug`: what `run --machine sim` would run, with its whole history, under
//! gdb or a small debugger of our own.
//!
//! The hard thing is that the machine is in this process and gdb is not: gdb is watched
//! by a thread, and when it ends, for whatever reason, there is nobody left to serve.

mod gdb;
mod script;

use std::path::Path;

use pc::plan::{Chosen, Plan};
use sim::machine::Store;

use crate::boot::Asked;
use crate::cli::{Debug, MachineKind};
use crate::commands::gdb::check_script;
use crate::debug::programs::Programs;
use crate::debug::scheduled;
use crate::debug::session::Session;
use crate::external;
use crate::host::Host;
use crate::report::note;
use crate::simulated::boot::setup_of;
use crate::status::usage;
use crate::workspace::Workspace;

/// Runs and debugs.
pub fn debug(options: &Debug) -> anyhow::Result<u8> {
    check(options)?;
    let opened = scheduled::open(options)?;
    let options = opened.as_ref().map_or(options, |(_, asked)| asked);
    let workspace = Workspace::locate();
    let asked = Asked::check(&workspace, &options.run)?;
    let script = script::of(options)?;
    let debugger = match (&script, options.batch.is_some()) {
        (None, true) => Some(external::GDB.find_or_obtain()?.path),
        (None, false) => external::GDB.find().map(|found| found.path),
        (Some(_), _) => None,
    };
    let host = Host::without_emulator()?;
    let boot = asked.build(&host)?;
    boot.announce(false);
    let (folder, machine) = (workspace.root(), &boot.machine);
    let setup = setup_of(folder, machine, opened.is_some())?;
    let config = options.run.simulation().unwrap_or_default();
    let plan = match &opened {
        None => config.plan(),
        Some((schedule, _)) => {
            scheduled::check(schedule, &setup)?;
            Plan::Chosen(Chosen::new(&schedule.choices))
        }
    };
    let mut store = Store::new(&setup.spec());
    let mut session = Session::new(&mut store, &setup, plan, config.store_buffers);
    // The copy with planted bugs first: it is below the tree.
    let roots = [workspace.planted().root(), folder].map(Path::to_path_buf);
    let programs = Programs::new(&session.pc, folder, roots.to_vec(), &machine.modules);
    match (script, debugger) {
        (Some(script), _) => script::run(options, script, &mut session, &programs),
        (None, Some(path)) => gdb::run(options, &path, &mut session, &programs),
        (None, None) => {
            note("gdb is not installed; this is the small debugger (`jostle setup gdb` gets gdb)");
            script::run(options, script::terminal(), &mut session, &programs)
        }
    }
}

/// Refuses what makes no sense here.
fn check(options: &Debug) -> anyhow::Result<()> {
    let run = &options.run;
    if run.machine != Some(MachineKind::Sim) {
        return Err(usage(
            "debug is for the simulated machine; `jostle gdb` is for QEMU",
        ));
    }
    let refused = [
        (run.record.is_some(), "--record"),
        (run.trace.is_some(), "--trace"),
        (run.verbose, "--verbose"),
    ];
    if let Some((_, option)) = refused.iter().find(|(given, _)| *given) {
        return Err(usage(format_args!(
            "debug knows no {option}: its run goes back and forth"
        )));
    }
    if let Some(script) = &options.batch {
        check_script(script)?;
    }
    Ok(())
}
