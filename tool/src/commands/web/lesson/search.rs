//! The schedule that fails with the fewest pre-emptions.
//!
//! The hard thing is to find the shortest and not the first: so the search is the one
//! that begins with none, and what it finds is shrunk as always.

use anyhow::{Context, anyhow};
use page::Request;
use pc::boot::Setup;
use schedules::bounded::Search;
use schedules::{Choices, Criteria, Effort, Trials};

/// The most pre-emptions that are tried.
const BOUND: u32 = 3;
/// A run that takes so many positions has no end.
const LONGEST: u64 = 200_000;
/// The most runs to make a schedule short.
const SHRINKING: u64 = 2000;

/// What was found.
pub struct Found {
    /// The schedule.
    pub choices: Choices,
    /// How many decisions its run has.
    pub decisions: u64,
    /// How many schedules were tried before.
    pub tried: u64,
}

/// The shortest schedule under which somebody sleeps for ever.
pub fn shortest(request: &Request, file: &[u8]) -> anyhow::Result<Found> {
    let name = &request.program;
    let named = |why| anyhow!("{name}: {why}");
    let request = Request {
        choices: Some(Choices::new()),
        ..request.clone()
    };
    let setup = request.setup(file.to_vec(), Vec::new()).map_err(named)?;
    let setup = Setup {
        trace: false,
        ..setup
    };
    let mut trials = Trials::new(request.boot(&setup).map_err(named)?);
    let criteria = Criteria {
        line: &|_| false,
        prints: &[],
        hang: true,
        audit: false,
        most: LONGEST,
    };
    let mut search = Search::new(&criteria, BOUND);
    let found = search.run(&mut trials, |_| true);
    let tried = search.coverage.schedules;
    let found = found.with_context(|| format!("{name} does not fail"))?;
    let mut effort = Effort {
        runs: SHRINKING,
        states: 0,
        is_over: &mut || false,
    };
    let short = trials.shrink(found, &criteria, &mut effort);
    Ok(Found {
        choices: short.choices,
        decisions: short.decisions,
        tried,
    })
}
