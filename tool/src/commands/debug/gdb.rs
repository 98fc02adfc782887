//! gdb beside the machine, which is in this process.
//!
//! The hard thing is a gdb that ends before it connects, or while the machine is on its
//! way: nobody may wait for it then.

use std::ffi::OsString;
use std::io::{ErrorKind, stdout};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Stdio;
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use anyhow::{Context, anyhow};
use signal_hook::consts::SIGINT;

use crate::child_process;
use crate::cli::Debug;
use crate::commands::gdb::line::with_path;
use crate::commands::gdb::named;
use crate::commands::gdb::socket::Socket;
use crate::commands::gdb::verdict;
use crate::debug::gdb::{Debugged, serve};
use crate::debug::programs::Programs;
use crate::debug::session::Session;
use crate::qemu::input::{self, TerminalGuard};
use crate::qemu::supervise::{Ending, Limit, Supervisor};

/// Starts gdb at `path` on the session; the exit status is gdb's.
pub fn run(
    options: &Debug,
    path: &Path,
    session: &mut Session<'_>,
    programs: &Programs,
) -> anyhow::Result<u8> {
    let socket = Socket::new()?;
    let listener = UnixListener::bind(socket.path()).context("a socket for gdb")?;
    let mut command = child_process::command(path);
    // Nobody is asked about anything here, and nothing comes from the network.
    command.env_remove("DEBUGINFOD_URLS");
    let definitions = socket.beside("commands", &named::in_simulation())?;
    command.args(arguments(options, socket.path(), &definitions, programs));
    if options.batch.is_some() {
        command.stdin(Stdio::null());
    }
    let terminal = TerminalGuard::new(input::choose().0);
    let supervisor = Supervisor::default();
    // What is typed at gdb's terminal is gdb's.
    supervisor.catch_signals(if options.batch.is_none() {
        &[SIGINT]
    } else {
        &[]
    })?;
    let limit = options.run.timeout.map(Limit::Wall);
    let mut debugged = Debugged::new(session, programs, Box::new(stdout()));
    debugged.show_news()?;
    let ending = std::thread::scope(|scope| {
        let gdb = scope.spawn(move || supervisor.attend(&mut command, limit));
        let served = accept(&listener, &gdb).and_then(|stream| match stream {
            Some(stream) => serve(&mut debugged, stream),
            None => Ok(()),
        });
        let ending = gdb.join().map_err(|_| anyhow!("gdb's watcher failed"))?;
        served.and(ending)
    })?;
    drop(terminal);
    Ok(verdict(&ending))
}

/// The connection from gdb; none, if it ended without one.
fn accept(
    listener: &UnixListener,
    gdb: &ScopedJoinHandle<'_, anyhow::Result<Ending>>,
) -> anyhow::Result<Option<UnixStream>> {
    listener.set_nonblocking(true)?;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(Some(stream));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("a connection from gdb"),
        }
        if gdb.is_finished() {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn arguments(
    options: &Debug,
    socket: &Path,
    definitions: &Path,
    programs: &Programs,
) -> Vec<OsString> {
    // Several sets of symbols would be asked about, and so would the end.
    let mut line: Vec<OsString> = ["--quiet", "-iex", "set confirm off"]
        .map(OsString::from)
        .into();
    if options.batch.is_some() {
        line.push("--batch".into());
    }
    let mut carry_out = |command: OsString| line.extend(["-ex".into(), command]);
    let mut files = programs.files();
    if let Some(first) = files.next() {
        carry_out(with_path("file", first));
    }
    // Programs may share addresses, and of two names for one gdb shows the first file's.
    for file in files {
        carry_out(with_path("add-symbol-file", file));
    }
    carry_out(with_path("target remote", socket));
    carry_out(with_path("source", definitions));
    if let Some(script) = &options.batch {
        line.extend(["-x".into(), script.clone().into()]);
    }
    line
}
