//! The small debugger: one line in, some lines out.
//!
//! It is what there is without gdb, and what scripts use. The hard thing is the
//! console: what a program prints is shown when it is printed for the first time, before
//! the line that says where the machine stands then.

use std::io::Write;

use super::commands::{Command, HELP, Place, number};
use super::programs::Programs;
use super::session::Session;
use super::shown;
use super::stops::{Hit, Watch, Watched};
use super::travel::{Goal, Stop};

/// The debugger.
pub struct Plain<'s, 't> {
    /// What is debugged.
    pub session: &'s mut Session<'t>,
    /// What is known of its programs.
    pub programs: &'s Programs,
    /// Whether somebody does not want to wait any longer.
    pub interrupted: &'s mut dyn FnMut() -> bool,
}

impl Plain<'_, '_> {
    /// Does what was asked, and writes what there is to say. An error is one that
    /// whoever asked has made, in a line; nothing was done then.
    pub fn perform(&mut self, command: &Command, out: &mut dyn Write) -> Result<(), String> {
        let said = match command {
            Command::Step(count) => self.step(*count),
            Command::Back(count) => {
                let start = self.session.history.start();
                let to = self.session.position().saturating_sub(*count);
                self.session.go_to(to.max(start));
                String::new()
            }
            Command::GoTo(position) => {
                let stop = self.session.to(*position, self.interrupted);
                self.explained(stop)
            }
            Command::Next => self.ahead(Goal::Kernel),
            Command::Previous => self.behind(Goal::Kernel),
            Command::Continue => self.ahead(Goal::Nowhere),
            Command::ReverseContinue => self.behind(Goal::Nowhere),
            Command::Until(place) => self.until(place)?,
            Command::Type(text) => {
                self.session.type_in(format!("{text}\r").as_bytes());
                String::new()
            }
            Command::Where => String::new(),
            _ => return self.look(command, out),
        };
        let mut news = self.session.news();
        if news.last().is_some_and(|&last| last != b'\n') {
            news.push(b'\n');
        }
        let place = shown::place(self.session, self.programs, self.session.focus);
        let written = out
            .write_all(&news)
            .and_then(|()| out.write_all(said.as_bytes()))
            .and_then(|()| out.write_all(place.as_bytes()));
        written.map_err(|error| error.to_string())
    }

    /// Does what was asked, if that moves nothing.
    pub fn look(&mut self, command: &Command, out: &mut dyn Write) -> Result<(), String> {
        let (session, programs) = (&mut *self.session, self.programs);
        let said = match command {
            Command::Where => shown::place(session, programs, session.focus),
            Command::Cpus => shown::cpus(session, programs),
            Command::Envs => shown::envs(session, programs),
            Command::Registers => shown::registers(&session.pc.registers(session.focus)),
            Command::Print(address, words) => {
                shown::memory(session, session.focus, *address, *words)
            }
            Command::Output => {
                let output = session.output();
                return out.write_all(&output).map_err(|error| error.to_string());
            }
            Command::Help => HELP.to_owned(),
            Command::Break(None) => self.stops(),
            Command::Break(Some(place)) => self.stop_at(place)?,
            Command::Watch(kind, va, len) => self.watch(*kind, *va, *len)?,
            Command::Delete(which) => self.delete(*which)?,
            Command::Focus(cpu) => self.focus(*cpu)?,
            Command::Set(va, value) => self.set(*va, *value)?,
            _ => return Err("this moves the machine; here it is only looked at".into()),
        };
        out.write_all(said.as_bytes())
            .map_err(|error| error.to_string())
    }

    fn step(&mut self, count: u64) -> String {
        let to = self.session.position().saturating_add(count);
        let stop = self.session.to(to, self.interrupted);
        self.explained(stop)
    }

    fn ahead(&mut self, goal: Goal) -> String {
        let stop = self.session.ahead(goal, self.interrupted);
        self.explained(stop)
    }

    fn behind(&mut self, goal: Goal) -> String {
        let stop = self.session.behind(goal, self.interrupted);
        self.explained(stop)
    }

    fn until(&mut self, place: &str) -> Result<String, String> {
        let found = self.addresses(place)?;
        let before = self.session.stops.breakpoints.clone();
        self.session.stops.breakpoints.extend(found);
        let said = self.ahead(Goal::Nowhere);
        self.session.stops.breakpoints = before;
        Ok(said)
    }

    fn stop_at(&mut self, place: &Place) -> Result<String, String> {
        match place {
            Place::Code(place) => {
                let found = self.addresses(place)?;
                self.session.stops.breakpoints.extend(found);
            }
            Place::Crash => self.session.stops.crash = true,
            Place::Runs(env) => {
                self.session.stops.runs.insert(*env);
            }
        }
        Ok(self.stops())
    }

    /// Why the machine stands, in a line.
    fn explained(&self, stop: Stop) -> String {
        match stop {
            Stop::There => String::new(),
            Stop::Hit(Hit::Break(_)) => "breakpoint\n".into(),
            Stop::Hit(Hit::Watch(watch)) => format!("{}\n", shown_watch(&watch)),
            Stop::Hit(Hit::Crash(env)) => {
                format!("[{env}] is about to be ended for what it did\n")
            }
            Stop::Hit(Hit::Runs(env)) => format!("[{env}] runs\n"),
            Stop::Beginning => "the beginning of the run\n".into(),
            Stop::End if self.session.pc.has_ended() => "the end of the run\n".into(),
            Stop::End => "nothing moves before something is typed\n".into(),
            Stop::Interrupted => "interrupted\n".into(),
        }
    }

    /// Everything there is to stop for, numbered.
    fn stops(&self) -> String {
        let stops = &self.session.stops;
        let breakpoints = stops
            .breakpoints
            .iter()
            .map(|at| format!("break {at:#010x}"));
        let watches = stops.watches.iter();
        let watches = watches.map(shown_watch);
        let crash = stops.crash.then(|| "break crash".to_owned());
        let runs = stops.runs.iter();
        let runs = runs.map(|env| format!("break env {env}"));
        let all = breakpoints
            .chain(watches)
            .chain(crash)
            .chain(runs)
            .enumerate();
        all.map(|(number, stop)| format!("{number} {stop}\n"))
            .collect()
    }

    fn watch(&mut self, kind: Watched, va: u32, len: u32) -> Result<String, String> {
        let env = self.session.pc.machine.env_on(self.session.focus);
        let env = env.ok_or("no environment is on this CPU")?;
        let watch = Watch { env, va, len, kind };
        if !self.session.stops.watches.contains(&watch) {
            self.session.stops.watches.push(watch);
        }
        Ok(self.stops())
    }

    fn delete(&mut self, which: Option<usize>) -> Result<String, String> {
        let stops = &mut self.session.stops;
        match which {
            None => {
                stops.breakpoints.clear();
                stops.watches.clear();
                stops.crash = false;
                stops.runs.clear();
            }
            Some(number) if stops.forget(number) => {}
            Some(number) => return Err(format!("no stop {number}")),
        }
        Ok(self.stops())
    }

    fn focus(&mut self, cpu: u8) -> Result<String, String> {
        let mut cpus = self.session.pc.machine.cpu_ids();
        let cpu = cpus.find(|id| id.0 == cpu).ok_or(format!("no CPU {cpu}"))?;
        self.session.focus = cpu;
        Ok(shown::place(self.session, self.programs, cpu))
    }

    fn set(&mut self, va: u32, value: u32) -> Result<String, String> {
        let bytes = value.to_le_bytes();
        if !self.session.write(self.session.focus, va, &bytes) {
            return Err(format!("nothing is mapped at {va:#010x}"));
        }
        Ok(shown::memory(self.session, self.session.focus, va, 1))
    }

    fn addresses(&self, place: &str) -> Result<Vec<u32>, String> {
        if let Some(address) = number(place) {
            return Ok(vec![address]);
        }
        match self.programs.addresses(place) {
            found if found.is_empty() => Err(format!("no program has a place {place:?}")),
            found => Ok(found),
        }
    }
}

fn shown_watch(watch: &Watch) -> String {
    let Watch { env, va, len, kind } = watch;
    let word = match kind {
        Watched::Change => "watch",
        Watched::Read => "rwatch",
        Watched::Access => "awatch",
    };
    format!("{word} {va:#010x} of [{env}], {len} bytes")
}
