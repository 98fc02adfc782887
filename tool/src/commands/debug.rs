//! `jostle debug`: what `run --machine sim` would run, with its whole history, under
//! gdb or a small debugger of our own.
//!
//! The hard thing is that the machine is in this process and gdb is not: gdb is watched
//! by a thread, and when it ends, for whatever reason, there is nobody left to serve.

mod gdb;
mod script;

use std::sync::Arc;
use std::time::Instant;

use pc::boot::Setup;
use pc::ide::Ide;
use pc::typing::Typing;
use sim::machine::Store;

use crate::boot::{Asked, roots};
use crate::cli::{At, Debug, MachineKind, Run};
use crate::commands::gdb::check_script;
use crate::debug::opened::{self, Opened, Source};
use crate::debug::programs::Programs;
use crate::debug::scheduled;
use crate::debug::session::{Session, Start};
use crate::debug::travel::{Goal, Stop};
use crate::external;
use crate::host::Host;
use crate::plants;
use crate::report::note;
use crate::simulated::Image;
use crate::simulated::boot::setup_of;
use crate::status::{self, usage};
use crate::workspace::Workspace;

/// Runs and debugs.
pub fn debug(options: &Debug) -> anyhow::Result<u8> {
    check(options)?;
    let workspace = Workspace::locate();
    let Opened { asked, source } = opened::open(&workspace, options)?;
    let options = &asked;
    check(options)?;
    let request = Asked::check(&workspace, &options.run)?;
    plants::tool::take_over(&workspace, &options.run.append)?;
    let script = script::of(options)?;
    let debugger = match (&script, options.batch.is_some()) {
        (None, true) => Some(external::GDB.find_or_obtain()?.path),
        (None, false) => external::GDB.find().map(|found| found.path),
        (Some(_), _) => None,
    };
    let host = Host::without_emulator()?;
    let boot = request.build(&host)?;
    boot.announce(false);
    let (folder, machine) = (workspace.root(), &boot.machine);
    let mut setup = setup_of(folder, machine, matches!(source, Source::Schedule(_)))?;
    setup.trace = true;
    let disk = machine.disk.as_deref();
    // Whoever goes back and forth would write to the file again and again.
    let disk = disk.map(|path| Image::open(&folder.join(path), true));
    let disk = disk.transpose()?.map(|image| image.contents());
    let begun = Instant::now();
    let limit = options.run.timeout;
    let is_late = || limit.is_some_and(|limit| begun.elapsed() >= limit);
    let Some(start) = start(&options.run, &source, &setup, disk, &is_late)? else {
        note("the time limit was reached before the record was seen to be of this run");
        return Ok(status::TIME_LIMIT);
    };
    let mut store = Store::new(&setup.spec());
    let mut session = Session::new(&mut store, &setup, start);
    let programs = Programs::new(&session.pc, folder, roots(&workspace), &machine.modules);
    if let Some(at) = options.at {
        stand_at(&mut session, at, &is_late);
    }
    let mut options = options.clone();
    options.run.timeout = limit.map(|limit| limit.saturating_sub(begun.elapsed()));
    match (script, debugger) {
        (Some(script), _) => script::run(&options, script, &mut session, &programs),
        (None, Some(path)) => gdb::run(&options, &path, &mut session, &programs),
        (None, None) => {
            note("gdb is not installed; this is the small debugger (`jostle setup gdb` gets gdb)");
            script::run(&options, script::terminal(), &mut session, &programs)
        }
    }
}

/// Goes to where somebody wants to stand at first, or says that the run has no such place.
fn stand_at(session: &mut Session<'_>, at: At, is_late: &dyn Fn() -> bool) {
    let mut interrupted = || is_late();
    let stops = std::mem::take(&mut session.stops);
    let (stop, missed) = match at {
        At::Crash => {
            session.stops.crash = true;
            let missed = "no program is ended for what it did; this is the end of the run".into();
            (session.ahead(Goal::Nowhere, &mut interrupted), missed)
        }
        At::Env(env) => {
            session.stops.runs.insert(env);
            let missed = format!("[{env}] gets no CPU; this is the end of the run");
            (session.ahead(Goal::Nowhere, &mut interrupted), missed)
        }
        At::Position(position) => {
            let missed = "the run is shorter than that; this is its end".into();
            (session.to_what_happens(position, &mut interrupted), missed)
        }
    };
    session.stops = stops;
    if stop == Stop::End {
        note(missed);
    }
}

/// What decides the run, from wherever it comes; nothing, if somebody `is_late` before
/// that is certain.
fn start(
    run: &Run,
    source: &Source,
    setup: &Setup,
    disk: Option<Arc<[u8]>>,
    is_late: &dyn Fn() -> bool,
) -> anyhow::Result<Option<Start>> {
    let config = run.simulation().unwrap_or_default();
    let mut start = Start {
        plan: config.plan(),
        store_buffers: config.store_buffers,
        disk: disk.clone().map(Ide::new),
        typing: Typing::default(),
    };
    match source {
        Source::CommandLine => {}
        Source::Schedule(schedule) => {
            scheduled::check(schedule, setup)?;
            start.plan = scheduled::plan(schedule);
        }
        Source::Record(record) => {
            record.check_files(setup, disk.clone())?;
            if !record.check_run(setup, config, disk, is_late)? {
                return Ok(None);
            }
            start.typing = record.typing();
        }
    }
    Ok(Some(start))
}

/// Refuses what makes no sense here.
fn check(options: &Debug) -> anyhow::Result<()> {
    let run = &options.run;
    if run.machine != Some(MachineKind::Sim) {
        return Err(usage(
            "debug is for the simulated machine; `jostle gdb` is for QEMU",
        ));
    }
    run.refuse_for("debug")?;
    if let Some(script) = &options.batch {
        check_script(script)?;
    }
    Ok(())
}
