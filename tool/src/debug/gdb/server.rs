//! One session with gdb, from its first word to its last.
//!
//! The hard thing is to hear Ctrl-C while the machine goes on or back: between two
//! stretches the connection is looked at, and a byte there ends the way.

use std::io::{self, ErrorKind};
use std::marker::PhantomData;

use anyhow::{Context, anyhow};
use gdbstub::common::Signal;
use gdbstub::conn::{Connection, ConnectionExt};
use gdbstub::stub::run_blocking::{BlockingEventLoop, Event, WaitForStopReasonError};
use gdbstub::stub::{GdbStub, MultiThreadStopReason};
use gdbstub::target::ext::base::reverse_exec::ReplayLogPosition;

use super::breakpoints::to_gdb;
use super::{Debugged, thread};
use crate::debug::stops::Hit;
use crate::debug::travel::{Goal, Stop};

type Reason = MultiThreadStopReason<u32>;

/// Serves gdb at this connection until it leaves.
pub fn serve<'s, 't, C>(debugged: &mut Debugged<'s, 't>, connection: C) -> anyhow::Result<()>
where
    C: ConnectionExt<Error = io::Error>,
{
    let stub = GdbStub::new(connection);
    match stub.run_blocking::<Loop<'s, 't, C>>(debugged) {
        Ok(_) => Ok(()),
        // gdb was killed, or closed the connection without a word.
        Err(error) if error.is_connection_error() => Ok(()),
        Err(error) => Err(anyhow!("{error}")).context("gdb"),
    }
}

struct Loop<'s, 't, C>(PhantomData<(Debugged<'s, 't>, C)>);

impl<'s, 't, C> BlockingEventLoop for Loop<'s, 't, C>
where
    C: ConnectionExt<Error = io::Error>,
{
    type Target = Debugged<'s, 't>;
    type Connection = C;
    type StopReason = Reason;

    fn wait_for_stop_reason(
        target: &mut Debugged<'s, 't>,
        connection: &mut C,
    ) -> Result<Event<Reason>, WaitForStopReasonError<io::Error, <C as Connection>::Error>> {
        let mut heard = Ok(None);
        let stop = target.go(&mut || {
            heard = connection.peek();
            !matches!(heard, Ok(None))
        });
        let shown = target.show_news();
        shown.map_err(WaitForStopReasonError::Target)?;
        if stop == Stop::Interrupted {
            heard.map_err(WaitForStopReasonError::Connection)?;
            let byte = connection.read();
            let byte = byte.map_err(WaitForStopReasonError::Connection)?;
            return Ok(Event::IncomingData(byte));
        }
        Ok(Event::TargetStopped(target.reason(stop)))
    }

    fn on_interrupt(target: &mut Debugged<'s, 't>) -> Result<Option<Reason>, io::Error> {
        Ok(Some(MultiThreadStopReason::SignalWithThread {
            tid: thread(target.session.focus),
            signal: Signal::SIGINT,
        }))
    }
}

impl Debugged<'_, '_> {
    /// Does what gdb has asked for.
    fn go(&mut self, interrupted: &mut dyn FnMut() -> bool) -> Stop {
        let asked = self.asked;
        let goal = asked.goal.unwrap_or(Goal::Nowhere);
        let removed = std::mem::take(&mut self.removed);
        let session = &mut *self.session;
        if asked.backwards {
            return session.behind(goal, interrupted);
        }
        if let Goal::Instruction(cpu) = goal {
            session.focus = cpu;
            session.stops.for_others = asked.alone.then_some((cpu, removed));
        }
        let stop = session.ahead(goal, interrupted);
        session.stops.for_others = None;
        stop
    }

    fn reason(&mut self, stop: Stop) -> Reason {
        let session = &mut *self.session;
        if let Stop::Hit(Hit::Watch(watch)) = stop
            && let Some(slot) = session.pc.machine.kernel.envs().find(watch.env)
            && let Some(cpu) = session.pc.machine.kernel.envs()[slot].on_cpu
        {
            // There gdb finds what has changed.
            session.focus = cpu;
        }
        let tid = thread(session.focus);
        let end = |pos| MultiThreadStopReason::ReplayLog {
            tid: Some(tid),
            pos,
        };
        match stop {
            Stop::Hit(Hit::Break(address)) if self.hardware.contains(&address) => {
                MultiThreadStopReason::HwBreak(tid)
            }
            Stop::Hit(Hit::Break(_)) => MultiThreadStopReason::SwBreak(tid),
            Stop::Hit(Hit::Watch(watch)) => MultiThreadStopReason::Watch {
                tid,
                kind: to_gdb(watch.kind),
                addr: watch.va,
            },
            Stop::Beginning => end(ReplayLogPosition::Begin),
            Stop::End => end(ReplayLogPosition::End),
            Stop::Hit(Hit::Crash(_)) => MultiThreadStopReason::SignalWithThread {
                tid,
                signal: Signal::SIGSEGV,
            },
            Stop::There | Stop::Interrupted | Stop::Hit(Hit::Runs(_)) => {
                MultiThreadStopReason::SignalWithThread {
                    tid,
                    signal: Signal::SIGTRAP,
                }
            }
        }
    }

    /// Shows what was printed for the first time.
    pub(crate) fn show_news(&mut self) -> io::Result<()> {
        let news = self.session.news();
        let shown = self
            .console
            .write_all(&news)
            .and_then(|()| self.console.flush());
        match shown {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}
