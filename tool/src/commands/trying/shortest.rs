//! The shortest schedule that fails, looked for and told.
//!
//! The hard thing is to stop without a clock, so that everybody finds the same: what is spent
//! is counted in positions of the machine.

use pc::Pc;
use pc::boot::Setup;
use schedules::{Choices, Criteria, Effort, Failure, Outcome, Trials};
use sim::machine::Store;

use super::words;
use crate::boot::{Boot, roots};
use crate::called;
use crate::cli::Run;
use crate::commands::explore::file::ScheduleFile;
use crate::commands::explore::program::booted;
use crate::debug::programs::Programs;
use crate::quoting::shell_word;
use crate::report::line;
use crate::workspace::Workspace;

/// So many positions are spent on runs with fewer choices,
const RUNNING: u64 = 40_000_000;
/// and so many states on a search for another schedule.
const STATES: u64 = 10_000;
/// By so much less are runs given up that have no end.
const SOONER: u64 = 10;
/// A run that is longer is not made short,
const LONG: u64 = RUNNING / 20;
/// and only its beginning is told.
const TOLD: u64 = 2_000_000;

/// A run that failed.
pub struct Failing<'a> {
    /// What was tried.
    pub run: &'a Run,
    pub workspace: &'a Workspace,
    pub boot: &'a Boot<'a>,
    pub setup: &'a Setup,
    /// What it was judged by.
    pub criteria: Criteria<'a>,
}

/// The shortest that was found.
struct Short {
    run: Run,
    setup: Setup,
    outcome: Outcome,
    /// How it is called.
    head: String,
}

impl Failing<'_> {
    /// Makes it short, tells it, and writes it to a file.
    pub fn tell(
        mut self,
        trials: &mut Trials<'_>,
        found: Outcome,
        file: ScheduleFile,
    ) -> anyhow::Result<()> {
        let found = self.sooner(trials, found);
        let short = self.shortest(trials, found)?;
        // A trace costs time, and telling is done once.
        let setup = Setup {
            trace: true,
            ..short.setup.clone()
        };
        let mut store = Store::new(&setup.spec());
        let mut trials = Trials::new(self.booted(&mut store, &setup)?);
        let root = self.workspace.root();
        let modules = &self.boot.machine.modules;
        let programs = Programs::new(trials.pc(), root, roots(self.workspace), modules);
        let criteria = Criteria {
            most: self.criteria.most.min(TOLD),
            ..self.criteria
        };
        let segments = trials.tell(&short.outcome.choices, &criteria);
        line(short.head);
        for told in words::lines(trials.pc(), &programs, &segments) {
            line(format_args!("  {told}"));
        }
        if matches!(short.outcome.failure, Some(Failure::NoProgress(_))) {
            line("  and so on, without an end");
        }
        let position = short.outcome.positions;
        if let Some(path) = file.save(&short.run, &short.setup, short.outcome.choices)? {
            line(format_args!(
                "from its end backwards: {} debug {} --at {position}",
                called::here(),
                shell_word(path.as_os_str())
            ));
        }
        Ok(())
    }

    fn booted<'t>(&self, store: &'t mut Store, setup: &Setup) -> anyhow::Result<Pc<'t>> {
        booted(store, setup, self.run.store_buffers)
    }

    /// A run that has no end is given up sooner: the first run, which had one, could still
    /// take ten times as long.
    fn sooner(&mut self, trials: &mut Trials<'_>, found: Outcome) -> Outcome {
        match found.failure {
            Some(Failure::NoProgress(_)) => {
                self.criteria.most /= SOONER;
                trials.run(&found.choices, &self.criteria)
            }
            _ => found,
        }
    }

    fn shortest(&self, trials: &mut Trials<'_>, found: Outcome) -> anyhow::Result<Short> {
        if let Some(alone) = self.on_one_cpu(&found)? {
            return Ok(alone);
        }
        let is_long = found.positions > LONG;
        let effort = Effort {
            runs: RUNNING / found.positions.max(1),
            states: STATES,
            is_over: &mut || is_long,
        };
        let outcome = match is_long {
            true => found,
            false => trials.shorten(found, &self.criteria, effort),
        };
        Ok(Short {
            run: self.run.clone(),
            setup: self.setup.clone(),
            head: head(&outcome.choices, is_long),
            outcome,
        })
    }

    /// The machine's own schedule on a single CPU, if that fails as well.
    fn on_one_cpu(&self, found: &Outcome) -> anyhow::Result<Option<Short>> {
        let setup = Setup {
            cpus: 1,
            ..self.setup.clone()
        };
        let mut store = Store::new(&setup.spec());
        let mut trials = Trials::new(self.booted(&mut store, &setup)?);
        let outcome = trials.run(&[], &self.criteria);
        let is_alike = |a: &Failure, b: &Failure| a.is_like(b);
        let alike = found.failure.as_ref().zip(outcome.failure.as_ref());
        if !alike.is_some_and(|(a, b)| is_alike(a, b)) {
            return Ok(None);
        }
        let run = Run {
            cpus: 1,
            ..self.run.clone()
        };
        let head = "it needs no luck and no second CPU. On one CPU:".to_owned();
        Ok(Some(Short {
            run,
            setup,
            outcome,
            head,
        }))
    }
}

/// What a schedule with these choices is called.
fn head(choices: &Choices, is_long: bool) -> String {
    match (choices.len(), is_long) {
        (0, _) => "it needs no luck, but several CPUs. What they do by themselves:".to_owned(),
        (count, true) => {
            format!("how it fails; {count} choices (\"here\"), too long a run to leave some out:")
        }
        (1, false) => "the shortest way to fail that was found; by itself the machine does 1 \
            thing otherwise (\"here\"):"
            .to_owned(),
        (count, false) => format!(
            "the shortest way to fail that was found; by itself the machine does {count} \
             things otherwise (\"here\"):"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcore::CpuId;
    use pc::plan::Choice;

    #[test]
    fn only_what_was_made_short_is_called_short() {
        let choices = vec![(1, Choice::Ring(CpuId(0))), (2, Choice::Ring(CpuId(0)))];
        assert!(head(&choices, false).starts_with("the shortest way"));
        assert!(head(&choices, true).ends_with("too long a run to leave some out:"));
        assert!(head(&Choices::new(), true).starts_with("it needs no luck"));
    }
}
