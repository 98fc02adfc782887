//! The list of environments, from the public table.
//!
//! The hard thing is that they live on while we look: a line may be of two
//! moments.

use user::env::Env;
use user::{EnvStatus, println, sys};

use crate::jobs::Jobs;

/// Prints a line for each environment. The first of a job is shown with what
/// was entered.
pub fn list(jobs: &Jobs) {
    println!("      id   parent  status    cpu     runs");
    let used = |env: &Env| env.status().is_some_and(|status| status != EnvStatus::Free);
    for env in Env::all().filter(used) {
        let id = env.id();
        let what = match jobs.named(id) {
            Some(job) => &job.line,
            None if id == sys::getenvid() => "prompt",
            None => "",
        };
        println!(
            "{:8x} {:8x}  {:<8} {:4} {:8}  {what}",
            id.0,
            env.parent_id().0,
            env.status().map_or("?", word),
            env.cpu(),
            env.runs(),
        );
    }
}

fn word(status: EnvStatus) -> &'static str {
    match status {
        EnvStatus::Free => "free",
        EnvStatus::Dying => "dying",
        EnvStatus::Runnable => "ready",
        EnvStatus::Running => "running",
        EnvStatus::NotRunnable => "waiting",
    }
}
