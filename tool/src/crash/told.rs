//! The lines about programs that were ended, and about those that wait for ever.
//!
//! The hard thing is to be short: a person looks for one line, and a run may have a
//! thousand deaths. So the first few are explained, and the others counted.

use std::path::PathBuf;

use abi::EnvId;

use super::again::{Again, Found};
use super::cause::{cause, kind};
use super::death::Death;
use super::heard::Heard;
use super::panicked;
use super::repeated::{self, Place};
use super::stuck::{self, Stuck};
use crate::cli::Run;
use crate::debug::programs::Programs;
use crate::report::{line, note};
use crate::symbols::Names;

/// The most deaths that are explained.
const MOST: usize = 3;
/// The most environments that are listed.
const MOST_WAITING: usize = 12;

/// A run, to be explained.
#[derive(Clone)]
pub struct Told {
    /// What was asked for.
    pub options: Run,
    /// How to run it again.
    pub again: Again,
    /// Environments that wait for others by profession, at the beginning of the list.
    pub servers: usize,
    /// Whether somebody is asked what to run.
    pub has_prompt: bool,
}

impl Told {
    /// Says it of a run that is over; `by_itself`, if it came to its own end.
    pub fn tell(&self, heard: &Heard, by_itself: bool) {
        let first = self.first(heard);
        let deaths = &heard.deaths[..heard.deaths.len().min(MOST)];
        if !deaths.is_empty() {
            let found = self.again.deaths(deaths, &first);
            let programs = self.programs(&first);
            for (death, found) in deaths.iter().zip(&found) {
                self.tell_death(&programs, death, found.as_ref());
            }
        }
        let untold = heard.count - deaths.len();
        if untold > 0 {
            note(format_args!("{untold} more programs were ended that way"));
        }
        if by_itself {
            self.tell_stuck(heard, &first);
        }
    }

    /// Says it of the last death while the run goes on, where somebody sits at a prompt.
    pub fn tell_at_once(&self, heard: &Heard) {
        if let Some(death) = heard
            .deaths
            .last()
            .filter(|_| heard.count <= heard.deaths.len())
        {
            let programs = self.programs(&self.first(heard));
            self.tell_death(&programs, death, None);
        }
    }

    /// Whether a program that was named was ended for what it did.
    pub fn named_was_ended(&self, heard: &Heard) -> bool {
        let first = self.first(heard);
        let named = first.get(self.servers..).unwrap_or_default();
        !self.has_prompt && named.iter().any(|env| heard.was_ended(*env))
    }

    /// The environments of the beginning.
    fn first(&self, heard: &Heard) -> Vec<EnvId> {
        match heard.first() {
            none if none.is_empty() => {
                // The kernel was asked not to name them. These are the ids that it gives.
                let modules = self.again.machine.modules.iter();
                let programs = modules.filter(|line| crate::qemu::module_line::is_program(line));
                (0x1000..).map(EnvId).take(programs.count()).collect()
            }
            named => named,
        }
    }

    fn programs(&self, first: &[EnvId]) -> Programs {
        let Again {
            folder,
            roots,
            machine,
            ..
        } = &self.again;
        Programs::of(first, folder, roots.clone(), &machine.modules)
    }

    fn tell_death(&self, programs: &Programs, death: &Death, found: Option<&Found>) {
        let scene = found.map(|found| &found.scene);
        let path = self.path(programs, death);
        let name = path
            .as_ref()
            .and_then(|path| path.file_name())
            .map_or("a program".into(), |name| {
                name.to_string_lossy().into_owned()
            });
        let id = death.env.map_or(String::new(), |env| format!(" [{env}]"));
        note(format_args!(
            "{name}{id} was ended by {}",
            kind(&death.what)
        ));
        line(format_args!("  {}", plain(&cause(&death.what, scene))));
        let at = || {
            let names = Names::read(self.again.roots.clone(), path.as_ref()?);
            Some(names.at(death.eip()?))
        };
        let places = match scene {
            Some(scene) => scene.callers.clone(),
            None => at().unwrap_or_default(),
        };
        list("where:  ", &places);
        if let Some(Found { scene, steps }) = found {
            if scene.is_about_memory() {
                list(
                    "memory: ",
                    &[format!("{:#010x}: {}", scene.walk.va, scene.walk.words())],
                );
            }
            list("before: ", steps);
        }
        let place = match scene {
            Some(scene) if scene.is_first => Place::First,
            Some(scene) => Place::At(scene.position),
            None => Place::Unknown,
        };
        self.tell_how_to_look(place, death);
    }

    /// The program's file.
    fn path(&self, programs: &Programs, death: &Death) -> Option<PathBuf> {
        let known = death.env.and_then(|env| programs.path(death, env));
        match (known, &death.entered) {
            // What the prompt starts lies beside it.
            (None, Some(entered)) if self.has_prompt => {
                let prompt = programs.files().next()?;
                let name = repeated::entered_words(entered)?.swap_remove(0);
                Some(prompt.with_file_name(name)).filter(|path| path.exists())
            }
            (known, _) => known.map(Into::into),
        }
    }

    fn tell_how_to_look(&self, place: Place, death: &Death) {
        if self.has_prompt {
            let entered = death.entered.as_ref();
            let more = entered.and_then(|entered| repeated::more(&self.options, entered));
            list("more:   ", more.as_slice());
        } else {
            list("look:   ", &repeated::look(&self.options, place));
        }
    }

    /// Says it of a kernel that panicked.
    pub fn tell_panic(&self) {
        panicked::tell(&self.options);
    }

    fn tell_stuck(&self, heard: &Heard, first: &[EnvId]) {
        let servers = &first[..self.servers.min(first.len())];
        let alive = heard.alive();
        if alive.iter().all(|env| servers.contains(env)) {
            return;
        }
        let count = alive.len();
        let Some(all) = self.again.stuck(&alive) else {
            let ids: Vec<String> = alive
                .iter()
                .take(MOST_WAITING)
                .map(|env| format!("[{env}]"))
                .collect();
            note(format_args!(
                "{count} environments were left that nobody woke: {}",
                ids.join(" ")
            ));
            let explore = repeated::explore(&self.options);
            let explore = explore.map(|line| line + "   # searches the schedules for such an end");
            list("look:   ", explore.as_slice());
            return;
        };
        note(format_args!(
            "the run ended with {count} environments that nobody woke"
        ));
        for one in all.iter().take(MOST_WAITING) {
            line(format_args!("  {}", waits(one)));
        }
        if all.len() > MOST_WAITING {
            line(format_args!("  and {} more", all.len() - MOST_WAITING));
        }
        if let Some(circle) = stuck::circle(&all) {
            let ids: Vec<String> = circle.iter().map(|env| format!("[{env}]")).collect();
            line(format_args!(
                "  a deadlock: {} wait for each other in a circle",
                ids.join(", ")
            ));
        }
    }
}

fn waits(one: &Stuck) -> String {
    let program = one
        .program
        .as_deref()
        .map_or(String::new(), |name| format!(" {name}"));
    let place = one
        .place
        .as_deref()
        .map_or(String::new(), |place| format!(", at {place}"));
    plain(&format!("[{}]{program} {}{place}", one.env, one.why))
}

/// Lines, the first one behind a heading.
fn list(heading: &str, lines: &[String]) {
    for (index, text) in lines.iter().enumerate() {
        let heading = if index == 0 { heading } else { "        " };
        line(format_args!("  {heading}{}", plain(text)));
    }
}

/// Without what a program might say to the terminal.
fn plain(text: &str) -> String {
    text.replace(char::is_control, "?")
}
