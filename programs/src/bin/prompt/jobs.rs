//! Programs that run, each with all that it has made.
//!
//! The kernel calls that a job: whatever members make are members, and the maker
//! of the job can end all of it. The hard thing is to notice cheaply that a job is
//! over, for the kernel takes a while to answer. So nobody asks while the first
//! member is alive, which the public table shows.
//!
//! A prompt must answer whatever runs, so it keeps the highest priority and the most
//! shares for itself. Then it must not poll while it waits for a job: under most policies
//! the job would get little of the CPU, or nothing.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use user::env::Env;
use user::scheduling::{Policy, Scheduling};
use user::spawn::{self, SpawnError};
use user::{EnvId, EnvStatus, println, sys, time};

use crate::input::Input;

/// A job that was started.
pub struct Job {
    /// Its name: the id of its first member.
    pub id: EnvId,
    /// What was entered.
    pub line: String,
}

/// Between two looks for the end of a job, where the prompt outranks it.
const PAUSE: Duration = Duration::from_millis(2);

/// The jobs that were not seen to be over.
#[derive(Default)]
pub struct Jobs {
    jobs: Vec<Job>,
    /// Who gets a CPU, as far as is known.
    policy: Policy,
}

impl Job {
    fn is_over(&self) -> bool {
        !is_alive(self.id) && sys::job_size(self.id) == Ok(0)
    }

    /// Ends every member. Without a pause: those that are left would notice that
    /// others are gone, and say so.
    fn end(&self) {
        while sys::job_destroy(self.id).is_ok_and(|left| left > 0) {}
    }
}

impl Jobs {
    /// Starts a program as a job of its own. With `announce`, its line comes
    /// first: nothing that the program prints precedes it.
    pub fn start(
        &mut self,
        image: &[u8],
        words: &[String],
        announce: bool,
    ) -> Result<EnvId, SpawnError> {
        let arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        let child = spawn::prepare(image, &arguments)?;
        let id = child.id();
        // A kernel without such numbers has nobody who is ahead.
        self.policy = Scheduling::USUAL.give(id).unwrap_or_default();
        if announce && let Some(name) = words.first() {
            println!("[{:x}] {name}", id.0);
        }
        if let Err(error) = sys::job_create(id).and_then(|()| child.start()) {
            // It can only fail if it is gone already.
            let _ = sys::env_destroy(id);
            return Err(error.into());
        }
        let line = words.join(" ");
        self.jobs.push(Job { id, line });
        Ok(id)
    }

    fn let_others_run(&self) {
        if self.policy == Policy::RoundRobin || time::sleep(PAUSE).is_err() {
            sys::yield_now();
        }
    }

    /// Waits for a job's end; Ctrl-C ends it.
    pub fn foreground(&mut self, id: EnvId, input: &mut Input) {
        while let Some(place) = self.jobs.iter().position(|job| job.id == id) {
            let job = &self.jobs[place];
            if input.interrupted() {
                job.end();
                println!("^C");
            }
            if job.is_over() {
                self.jobs.remove(place);
            } else {
                self.let_others_run();
            }
        }
    }

    /// Waits until no job is left; Ctrl-C waits no longer.
    pub fn wait(&mut self, input: &mut Input) {
        loop {
            self.tell_ended();
            if self.jobs.is_empty() {
                return;
            }
            if input.interrupted() {
                println!("^C");
                return;
            }
            self.let_others_run();
        }
    }

    /// Ends a job, and nothing smaller: an id that is none is told what it is.
    pub fn kill(&mut self, id: EnvId) {
        if let Some(place) = self.jobs.iter().position(|job| job.id == id) {
            let job = self.jobs.remove(place);
            job.end();
            println!("[{:x}] ended: {}", id.0, job.line);
        } else if !is_alive(id) {
            println!("no such job: {:x} (jobs lists them)", id.0);
        } else if let Some(job) = self.of_descendant(id) {
            println!(
                "{:x} is a part of job {:x}, which can be ended",
                id.0, job.id.0
            );
        } else if id == sys::getenvid() {
            println!("{:x} is this prompt, which exit ends", id.0);
        } else {
            println!("{:x} is not a job's, so it cannot be ended", id.0);
        }
    }

    /// The job that an environment belongs to, as far as its ancestors can still
    /// be seen.
    fn of_descendant(&self, id: EnvId) -> Option<&Job> {
        let parent = |id: &EnvId| {
            let env = Env::of(*id);
            (env.id() == *id).then(|| env.parent_id())
        };
        // Ids grow with time, and nobody is older than its parent: no circles.
        // The number is for a slot that changes while we look.
        core::iter::successors(Some(id), parent)
            .take(user::abi::env::NENV)
            .find_map(|id| self.jobs.iter().find(|job| job.id == id))
    }

    /// Ends all of them.
    pub fn end_all(&mut self) {
        self.tell_ended();
        for job in self.jobs.drain(..) {
            println!("ending [{:x}] {}", job.id.0, job.line);
            job.end();
        }
    }

    /// Says which have ended.
    pub fn tell_ended(&mut self) {
        self.jobs.retain(|job| {
            let is_over = job.is_over();
            if is_over {
                println!("[{:x}] done: {}", job.id.0, job.line);
            }
            !is_over
        });
    }

    /// Lists them.
    pub fn list(&mut self) {
        if self.jobs.is_empty() {
            println!("nothing runs in the background");
        }
        for job in &self.jobs {
            let size = sys::job_size(job.id).unwrap_or(0);
            println!("[{:x}] {} ({size} environments)", job.id.0, job.line);
        }
    }

    /// The one with this name.
    pub fn named(&self, id: EnvId) -> Option<&Job> {
        self.jobs.iter().find(|job| job.id == id)
    }
}

fn is_alive(id: EnvId) -> bool {
    let env = Env::of(id);
    env.id() == id && env.status() != Some(EnvStatus::Free)
}
