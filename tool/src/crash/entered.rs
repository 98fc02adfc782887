//! Which line at the prompt a death belongs to.
//!
//! The hard thing is that several programs may run: one that was started with `&` can die
//! long after others have been entered. The prompt says which environment it started for
//! each of those, and when that is over. Of their children nothing is known; so while
//! anything runs in the background, only what was started there itself is told by its line.

use std::collections::BTreeMap;

use abi::EnvId;
use abi::env::NENV;
use shell::command::{self, Command};

/// What was entered, as far as it may still run.
#[derive(Clone, Debug, Default)]
pub struct Entered {
    /// The last line.
    last: Option<String>,
    /// What runs in the background, by its first environment.
    background: BTreeMap<EnvId, String>,
}

impl Entered {
    /// Hears a line of the console.
    pub fn hear(&mut self, line: &str) {
        if let Some((_, entered)) = line.rsplit_once(shell::PROMPT) {
            self.last = Some(entered.trim().to_owned());
        } else if let Some((id, said)) = job(line) {
            if said.starts_with("done: ") || said.starts_with("ended: ") {
                self.background.remove(&id);
            } else if let Some(last) = self.last.as_ref().filter(|last| starts(last, said))
                && self.background.len() < NENV
            {
                self.background.insert(id, last.clone());
            }
        }
    }

    /// The line by which `env` runs, if that is known.
    pub fn of(&self, env: Option<EnvId>) -> Option<String> {
        let started = env.and_then(|env| self.background.get(&env));
        let only = self.last.as_ref().filter(|_| self.background.is_empty());
        started.or(only).cloned()
    }
}

/// Whether this line starts `program` in the background.
fn starts(line: &str, program: &str) -> bool {
    match command::parse(line) {
        Ok(Some(Command::Run { words, background })) => {
            background && words.first().is_some_and(|name| name == program)
        }
        _ => false,
    }
}

/// The line `[ID] ...` that the prompt prints of a job.
fn job(line: &str) -> Option<(EnvId, &str)> {
    let (id, said) = line.strip_prefix('[')?.split_once("] ")?;
    let id = i32::from_str_radix(id, 16).ok()?;
    Some((EnvId(id), said.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(lines: &[&str]) -> Entered {
        let mut entered = Entered::default();
        lines.iter().for_each(|line| entered.hear(line));
        entered
    }

    fn of(entered: &Entered, env: i32) -> Option<String> {
        entered.of(Some(EnvId(env)))
    }

    #[test]
    fn what_runs_alone_is_the_last_line() {
        let entered = entered(&["jostle> hello", "hello, world", "jostle> crashes null"]);
        assert_eq!(of(&entered, 0x1001).as_deref(), Some("crashes null"));
        assert_eq!(entered.of(None).as_deref(), Some("crashes null"));
    }

    #[test]
    fn a_background_job_has_its_own_line() {
        let started = ["jostle> crashes null &", "[1001] crashes", "jostle> hello"];
        let mut entered = entered(&started);
        assert_eq!(of(&entered, 0x1001).as_deref(), Some("crashes null &"));
        // It may be hello, or a child of the job.
        assert_eq!(of(&entered, 0x1002), None);
        entered.hear("[1001] done: crashes null");
        assert_eq!(of(&entered, 0x1002).as_deref(), Some("hello"));
    }

    #[test]
    fn others_that_print_such_lines_start_nothing() {
        let mut entered = entered(&["jostle> chatter", "[1001] chatter", "[1002] hello"]);
        assert_eq!(of(&entered, 0x1003).as_deref(), Some("chatter"));
        entered.hear("jostle> chatter &");
        (0..100_000).for_each(|id| entered.hear(&format!("[{id:x}] chatter")));
        assert!(entered.background.len() <= NENV);
    }
}
