//! Runs the emulator, passes on its output, and is there when it must stop.
//!
//! Three things can end a run besides the guest itself: the clock, a signal,
//! and a reader who went away. All arrive as events on one channel, so the
//! watching thread sleeps until something happens and then knows what.
//! Whatever it was, the child has been waited for when `run` returns.

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::fair_clock::{self, FairClock};

/// How long a child that was asked to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(2);
/// The same for one that ends by itself: so long that it says how, also on a
/// busy machine.
const LONG_GRACE: Duration = Duration::from_secs(60);
/// Ctrl-C reaches the emulator and the tool at once. When the emulator ends
/// without a verdict, the tool's own signal is given this long to arrive.
const SIGNAL_RACE: Duration = Duration::from_millis(100);

/// How long a run may take.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// By the clock on the wall: what a person asks for.
    Wall(Duration),
    /// By a [`FairClock`]: for whoever can wait until a busy machine gets to it.
    Fair(Duration),
}

/// A limit that runs.
enum Alarm {
    Never,
    At(Instant),
    After(Box<FairClock>, Duration),
}

impl Alarm {
    fn set(limit: Option<Limit>, child: u32) -> Self {
        match limit {
            None => Self::Never,
            Some(Limit::Wall(limit)) => Instant::now()
                .checked_add(limit)
                .map_or(Self::Never, Self::At),
            Some(Limit::Fair(limit)) => Self::After(Box::new(FairClock::of(child)), limit),
        }
    }

    /// How long to wait until it rings or has to be looked at; if it is not never.
    fn left(&mut self) -> Option<Duration> {
        match self {
            Self::Never => None,
            Self::At(deadline) => Some(deadline.saturating_duration_since(Instant::now())),
            Self::After(clock, limit) => {
                let left = limit.saturating_sub(clock.read());
                Some(left.min(fair_clock::INTERVAL))
            }
        }
    }
}

/// Why a run is over.
#[derive(Debug)]
pub enum Ending {
    /// The child ended by itself.
    Exited(ExitStatus),
    /// The time limit was reached.
    TimeLimit,
    /// The tool received this signal.
    Signal(i32),
    /// Nobody reads the output any more.
    OutputClosed,
    /// The output could not be written for another reason.
    OutputFailed(io::Error),
    /// The guest asks for input, and there is no more.
    InputOver,
}

enum Event {
    /// The child has ended, or has closed its output and is about to.
    End,
    OutputClosed,
    OutputFailed(io::Error),
    InputOver,
    Signal(i32),
}

/// Watches one child.
pub struct Supervisor {
    sender: Sender<Event>,
    events: Receiver<Event>,
}

impl Default for Supervisor {
    fn default() -> Self {
        let (sender, events) = mpsc::channel();
        Self { sender, events }
    }
}

impl Supervisor {
    /// From now on, the signals that ask the tool to stop end the run instead
    /// of the tool, which then ends in an orderly way. Those that are `left`
    /// to the child do neither.
    pub fn catch_signals(&self, left: &'static [i32]) -> anyhow::Result<()> {
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT])?;
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            for signal in signals.forever().filter(|signal| !left.contains(signal)) {
                // Nobody listens any more once the run is over.
                let _ = sender.send(Event::Signal(signal));
            }
        });
        Ok(())
    }

    /// What whoever feeds the child calls when it asks for more than there is.
    pub fn input_is_over(&self) -> impl FnOnce() + Send + 'static {
        let sender = self.sender.clone();
        move || {
            // Nobody listens any more once the run is over.
            let _ = sender.send(Event::InputOver);
        }
    }

    /// Starts `command`, copies its standard output to `output` as it comes,
    /// and returns when it has ended or had to be ended.
    pub fn run(
        self,
        command: &mut Command,
        output: impl Write + Send + 'static,
        limit: Option<Limit>,
    ) -> anyhow::Result<Ending> {
        let mut child = spawn(command.stdout(Stdio::piped()))?;
        let pipe = child.stdout.take().context("the child has no output")?;
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            // The watcher may have stopped listening; then there is nothing to tell.
            let _ = sender.send(copy(pipe, output));
        });
        self.watch(&mut child, limit)
    }

    /// The same for a child that has the tool's own output, a terminal maybe.
    pub fn attend(self, command: &mut Command, limit: Option<Limit>) -> anyhow::Result<Ending> {
        let mut child = spawn(command)?;
        let id = Pid::from_child(&child);
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            // Waits, but leaves its status to be collected. It fails if that
            // was done already, and then nobody listens either.
            let _ = waitid(
                WaitId::Pid(id),
                WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
            );
            let _ = sender.send(Event::End);
        });
        self.watch(&mut child, limit)
    }

    /// Returns when the child has ended or had to be ended.
    fn watch(&self, child: &mut Child, limit: Option<Limit>) -> anyhow::Result<Ending> {
        let mut alarm = Alarm::set(limit, child.id());
        match self.next(&mut alarm) {
            Some(Event::End) => self.finish(child),
            Some(Event::OutputClosed) => self.stop(child, Ending::OutputClosed),
            Some(Event::OutputFailed(error)) => self.stop(child, Ending::OutputFailed(error)),
            Some(Event::InputOver) => self.stop(child, Ending::InputOver),
            Some(Event::Signal(signal)) => self.stop(child, Ending::Signal(signal)),
            None => self.stop(child, Ending::TimeLimit),
        }
    }

    /// The next event, or nothing when the alarm rang first.
    fn next(&self, alarm: &mut Alarm) -> Option<Event> {
        loop {
            let Some(left) = alarm.left() else {
                // The sender in `self` is alive, so receiving cannot fail.
                return self.events.recv().ok();
            };
            match self.events.recv_timeout(left) {
                Ok(event) => return Some(event),
                Err(_) if left.is_zero() => return None,
                Err(_) => {}
            }
        }
    }

    /// The child has ended, or nearly: collect its status.
    fn finish(&self, child: &mut Child) -> anyhow::Result<Ending> {
        let status = match wait_for(child, LONG_GRACE)? {
            Some(status) => status,
            None => {
                child.kill()?;
                child.wait()?
            }
        };
        if status.success()
            && let Ok(Event::Signal(signal)) = self.events.recv_timeout(SIGNAL_RACE)
        {
            return Ok(Ending::Signal(signal));
        }
        Ok(Ending::Exited(status))
    }

    /// Ends the child: politely, so that it can restore the terminal, then not.
    fn stop(&self, child: &mut Child, ending: Ending) -> anyhow::Result<Ending> {
        if child.try_wait()?.is_none() {
            // It may end by itself in between: then there is nothing to signal.
            let _ = kill_process(Pid::from_child(child), Signal::TERM);
            if wait_for(child, GRACE)?.is_none() {
                child.kill()?;
                child.wait()?;
            }
        }
        // Let the last bytes through, unless the reader of them is stuck.
        while let Ok(event) = self.events.recv_timeout(GRACE / 10) {
            if !matches!(event, Event::Signal(_)) {
                break;
            }
        }
        Ok(ending)
    }
}

fn spawn(command: &mut Command) -> anyhow::Result<Child> {
    command
        .spawn()
        .with_context(|| format!("cannot start {:?}", command.get_program()))
}

fn copy(mut from: impl Read, mut to: impl Write) -> Event {
    let mut buffer = [0; 16 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Event::End,
            Ok(count) => {
                let written = to.write_all(&buffer[..count]).and_then(|()| to.flush());
                match written {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                        return Event::OutputClosed;
                    }
                    Err(error) => return Event::OutputFailed(error),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Event::End,
        }
    }
}

/// Waits at most `limit` for the child's end.
fn wait_for(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// An output that fails in this way.
    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn shell(script: &str) -> Command {
        let mut command = crate::child_process::command("sh");
        command.args(["-c", script]).stdin(Stdio::null());
        command
    }

    fn run(script: &str, limit: Option<Limit>) -> (Ending, Vec<u8>, Duration) {
        let output = Shared::default();
        let start = Instant::now();
        let ending = Supervisor::default()
            .run(&mut shell(script), output.clone(), limit)
            .expect("runs");
        let bytes = output.0.lock().expect("not poisoned").clone();
        (ending, bytes, start.elapsed())
    }

    fn failing(kind: io::ErrorKind) -> Ending {
        Supervisor::default()
            .run(&mut shell("echo x; exec sleep 60"), Failing(kind), None)
            .expect("runs")
    }

    #[test]
    fn output_and_status_come_through() {
        let (ending, bytes, _) = run("printf 'a\\0b'; exit 33", None);
        assert_eq!(bytes, b"a\0b");
        assert!(matches!(ending, Ending::Exited(status) if status.code() == Some(33)));
    }

    #[test]
    fn the_clock_ends_it() {
        let (ending, bytes, took) = run(
            "echo before; exec sleep 60",
            Some(Limit::Wall(Duration::from_millis(300))),
        );
        assert!(matches!(ending, Ending::TimeLimit), "{ending:?}");
        assert_eq!(bytes, b"before\n");
        assert!(took < Duration::from_secs(20), "{took:?}");
    }

    #[test]
    fn a_fair_clock_ends_it_too() {
        let limit = Limit::Fair(Duration::from_millis(1500));
        for hang in ["exec sleep 60", "while :; do :; done"] {
            let (ending, bytes, took) = run(&format!("echo before; {hang}"), Some(limit));
            assert!(matches!(ending, Ending::TimeLimit), "{ending:?}");
            assert_eq!(bytes, b"before\n");
            assert!(took >= Duration::from_millis(1500), "{took:?}");
        }
    }

    /// Nine want one CPU; one of them needs it for a second.
    #[test]
    fn a_busy_machine_is_given_time() {
        let (Ok(taskset), Ok(_)) = (which::which("taskset"), File::open("/proc/self/schedstat"))
        else {
            return;
        };
        let busy = |script: &str| {
            let mut command = crate::child_process::command(&taskset);
            let one = rustix::process::getpid().as_raw_nonzero();
            let list = std::fs::read_to_string(format!("/proc/{one}/status")).expect("there");
            let cpu = list
                .lines()
                .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
            let cpu = cpu.and_then(|list| list.trim().split(['-', ',']).next());
            command.args(["-c", cpu.expect("a CPU"), "sh", "-c", script]);
            command
        };
        let others: Vec<_> = (0..8)
            .map(|_| busy("while :; do :; done").spawn().expect("starts"))
            .collect();
        // The 12th and 13th word behind the name: hundredths of seconds used.
        let second = "while read -r line < /proc/$$/stat; set -- ${line##*) }; \
                      [ $((${12} + ${13})) -lt 100 ]; do :; done";
        let run = |limit| {
            Supervisor::default()
                .run(&mut busy(second), io::sink(), Some(limit))
                .expect("runs")
        };
        let limit = Duration::from_secs(4);
        let endings = (run(Limit::Fair(limit)), run(Limit::Wall(limit)));
        for mut other in others {
            other.kill().expect("is there");
            other.wait().expect("is there");
        }
        let (fair, wall) = endings;
        assert!(matches!(fair, Ending::Exited(_)), "{fair:?}");
        assert!(matches!(wall, Ending::TimeLimit), "{wall:?}");
    }

    #[test]
    fn a_child_that_will_not_listen_is_killed() {
        let stubborn = "trap '' TERM; echo x; while :; do sleep 0.1; done";
        let (ending, _, took) = run(stubborn, Some(Limit::Wall(Duration::from_millis(300))));
        assert!(matches!(ending, Ending::TimeLimit), "{ending:?}");
        assert!(took >= GRACE && took < Duration::from_secs(30), "{took:?}");
    }

    #[test]
    fn a_reader_who_went_away_ends_it() {
        let ending = failing(io::ErrorKind::BrokenPipe);
        assert!(matches!(ending, Ending::OutputClosed), "{ending:?}");
    }

    #[test]
    fn a_full_disk_is_something_else() {
        let ending = failing(io::ErrorKind::StorageFull);
        assert!(matches!(ending, Ending::OutputFailed(_)), "{ending:?}");
    }

    #[test]
    fn a_child_may_keep_the_output() {
        let attend = |script, limit| {
            Supervisor::default()
                .attend(&mut shell(script), limit)
                .expect("runs")
        };
        let ending = attend("exit 3", None);
        assert!(matches!(ending, Ending::Exited(status) if status.code() == Some(3)));
        let ending = attend(
            "exec sleep 60",
            Some(Limit::Wall(Duration::from_millis(100))),
        );
        assert!(matches!(ending, Ending::TimeLimit), "{ending:?}");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let mut missing = Command::new("/nonexistent/qemu");
        let result = Supervisor::default().run(&mut missing, io::sink(), None);
        assert!(result.is_err());
    }
}
