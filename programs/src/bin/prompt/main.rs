//! Runs programs by name. What a person meets first.
//!
//! Programs come from the archive that the system was booted with, and each runs
//! as a job of its own, so that nothing is left of it when it is ended. Line
//! editing and the meaning of lines are the crate `shell`'s.
//!
//! The hard thing is that there is one console. While a program runs in the
//! foreground, the prompt listens for Ctrl-C and keeps whatever else is typed
//! for the next line.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod input;
mod jobs;
mod programs;
mod status;
mod tour;

use alloc::string::String;

use shell::command::{self, BUILT_IN, Command};
use shell::editor::{LONGEST, Outcome};
use user::abi::call::FEATURE_JOBS;
use user::interface::Interface;
use user::{EnvId, println};

use input::Input;
use jobs::Jobs;
use programs::Programs;
use tour::Tour;

user::heap!();
user::program!(main);

fn main() {
    if !Interface::get().offers(FEATURE_JOBS) {
        println!("prompt: this kernel has no jobs");
        return;
    }
    let mut prompt = Prompt {
        programs: Programs::find(),
        input: Input::default(),
        jobs: Jobs::default(),
        tour: Tour::default(),
    };
    println!(
        "Jostle, with {} programs: help lists them, tour shows the system's ideas.",
        prompt.programs.all().len()
    );
    while let Some(line) = prompt.line() {
        match command::parse(&line) {
            Ok(None) => {}
            Ok(Some(Command::Exit)) => break,
            Ok(Some(command)) => prompt.obey(command),
            Err(wrong) => println!("{wrong}"),
        }
    }
    prompt.jobs.end_all();
}

/// Everything that lives as long as the prompt.
struct Prompt {
    programs: Programs,
    input: Input,
    jobs: Jobs,
    tour: Tour,
}

impl Prompt {
    /// The next line; none if nothing more will come.
    fn line(&mut self) -> Option<String> {
        loop {
            self.jobs.tell_ended();
            let built_in = BUILT_IN
                .iter()
                .filter_map(|(usage, _)| usage.split(' ').next());
            // NAME is what it stands for.
            let built_in = built_in.filter(|name| *name != "NAME");
            let programs = self.programs.all().iter().map(|program| program.name);
            match self.input.line(built_in.chain(programs)) {
                Outcome::Line(line) => return Some(line),
                Outcome::TooLong => println!(
                    "too long: a line has at most {LONGEST} characters, so nothing was done"
                ),
                Outcome::Interrupted => {}
                Outcome::EndOfInput => return None,
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Help => self.help(),
            Command::Ps => status::list(&self.jobs),
            Command::Jobs => self.jobs.list(),
            Command::Wait => self.jobs.wait(&mut self.input),
            Command::Kill(id) => self.jobs.kill(EnvId(id)),
            Command::Tour(number) => self.tour(number),
            Command::Run { words, background } => self.run(&words, background),
            // `main` does that.
            Command::Exit => {}
        }
    }

    fn help(&self) {
        for (usage, what) in BUILT_IN {
            println!("  {usage:<19} {what}");
        }
        println!("programs:");
        for program in self.programs.all() {
            println!("  {:<19} {}", program.name, program.what);
        }
    }

    fn tour(&mut self, number: Option<usize>) {
        let line = self.tour.go(number).map(command::parse);
        if let Some(Ok(Some(command))) = line {
            self.obey(command);
            self.tour.tell_next();
        }
    }

    fn run(&mut self, words: &[String], background: bool) {
        let Some(name) = words.first() else {
            return;
        };
        let Some(program) = self.programs.named(name) else {
            println!("no such program: {name} (help lists them)");
            return;
        };
        match self.jobs.start(program.image, words, background) {
            Ok(_) if background => {}
            Ok(id) => self.jobs.foreground(id, &mut self.input),
            Err(error) => println!("{name}: {error}"),
        }
    }
}
