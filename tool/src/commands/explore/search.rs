//! The searches, one after the other, and what they have covered.
//!
//! First the program runs as the machine would on its own, which says how long a run is;
//! then with random priorities; then with few pre-emptions, all of them. The hard thing
//! is to say what was covered when nothing was found: not more than that.

use std::time::{Duration, Instant};

use schedules::bounded::{Coverage, Search};
use schedules::{Criteria, Outcome, Trials};

use super::say::say;
use crate::cli::Explore;
use crate::status::usage;

/// A run is given up when it is this many times as long as one alone.
const TIMES: u64 = 20;
/// As [`TIMES`], for short programs, in positions.
const AT_LEAST: u64 = 200_000;
/// The longest run that can be explored.
pub const LONGEST: u64 = 50_000_000;

/// When to stop.
pub struct Limit {
    begun: Instant,
    time: Option<Duration>,
}

impl Limit {
    /// One that begins now.
    pub fn begin(time: Option<Duration>) -> Limit {
        let begun = Instant::now();
        Limit { begun, time }
    }

    /// How long ago it began.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Whether the time is over.
    pub fn is_reached(&self) -> bool {
        self.time.is_some_and(|time| self.elapsed() >= time)
    }
}

/// Searches, and says how far it came. Returns the run that fails, if one does.
/// The length of a run alone decides how long one may be.
pub fn search(
    options: &Explore,
    trials: &mut Trials<'_>,
    criteria: &mut Criteria<'_>,
    limit: &Limit,
) -> anyhow::Result<Option<Outcome>> {
    let alone = trials.run(&[], criteria);
    if alone.failure.is_some() {
        return Ok(Some(alone));
    }
    if alone.positions >= LONGEST {
        return Err(usage(format_args!(
            "a run has not ended after {LONGEST} positions: too long to explore"
        )));
    }
    let longest = alone.positions.saturating_mul(TIMES).max(AT_LEAST);
    criteria.most = longest.min(LONGEST);
    say(format_args!(
        "alone: {} positions, {} decisions; no failure",
        alone.positions, alone.decisions
    ));
    let found = at_random(options, trials, criteria, alone.decisions, limit);
    if found.is_some() || limit.is_reached() {
        return Ok(found);
    }
    Ok(systematically(options, trials, criteria, limit))
}

fn at_random(
    options: &Explore,
    trials: &mut Trials<'_>,
    criteria: &Criteria<'_>,
    decisions: u64,
    limit: &Limit,
) -> Option<Outcome> {
    let (mut runs, mut given_up) = (0, 0);
    for seed in 0..options.seeds {
        if limit.is_reached() {
            break;
        }
        let outcome = trials.run_at_random(seed, decisions, criteria);
        if outcome.failure.is_some() {
            return Some(outcome);
        }
        runs += 1;
        given_up += u64::from(outcome.positions >= criteria.most);
    }
    let stopped = if runs < options.seeds {
        ", then the time was over"
    } else {
        ""
    };
    say(format_args!(
        "random priorities: {runs} runs{stopped}; no failure{}",
        too_long(given_up)
    ));
    None
}

fn systematically(
    options: &Explore,
    trials: &mut Trials<'_>,
    criteria: &Criteria<'_>,
    limit: &Limit,
) -> Option<Outcome> {
    let mut search = Search::new(criteria, options.bound);
    let found = search.run(trials, |coverage| {
        coverage.states <= options.states && !limit.is_reached()
    });
    if found.is_none() {
        say(format_args!(
            "{}",
            covered(search.coverage, options.bound, limit)
        ));
    }
    found
}

/// What was covered without a failure, and why not more.
fn covered(coverage: Coverage, bound: u32, limit: &Limit) -> String {
    let Coverage {
        schedules, states, ..
    } = coverage;
    let all = match coverage.complete {
        None => "not even all schedules without pre-emptions".to_owned(),
        Some(most) => format!("all schedules with at most {most} pre-emptions"),
    };
    let stopped = match coverage.complete {
        Some(most) if most == bound => "",
        _ if limit.is_reached() => ", then the time was over",
        _ => ", then there were too many states (--states)",
    };
    let given_up = too_long(coverage.given_up);
    format!("{all}{stopped}: {schedules} followed, {states} states; no failure{given_up}")
}

fn too_long(runs: u64) -> String {
    match runs {
        0 => String::new(),
        runs => format!("; {runs} were given up because they took too long"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_more_is_said_than_was_covered() {
        let coverage = |complete, given_up| Coverage {
            schedules: 3,
            states: 9,
            given_up,
            complete,
        };
        assert_eq!(
            covered(coverage(Some(2), 0), 2, &Limit::begin(None)),
            "all schedules with at most 2 pre-emptions: 3 followed, 9 states; no failure"
        );
        assert_eq!(
            covered(coverage(Some(0), 1), 2, &Limit::begin(Some(Duration::ZERO))),
            "all schedules with at most 0 pre-emptions, then the time was over: 3 followed, \
             9 states; no failure; 1 were given up because they took too long"
        );
        assert_eq!(
            covered(coverage(None, 0), 0, &Limit::begin(None)),
            "not even all schedules without pre-emptions, then there were too many states \
             (--states): 3 followed, 9 states; no failure"
        );
    }
}
