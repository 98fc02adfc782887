//! How an exercise was done, for people and for programs.
//!
//! The hard thing is to say neither too much nor too little: points for all, and what is
//! wrong only of those that failed. The JSON is what Gradescope reads as `results.json`.

use serde_json::{Value, json};

use super::exercise::Exercise;

/// How an exercise was done.
#[derive(Debug)]
pub struct Outcome<'e> {
    /// Which one.
    pub exercise: &'e Exercise,
    /// What is wrong, a text for each test that failed.
    pub failures: Vec<String>,
}

impl Outcome<'_> {
    /// There is nothing in between.
    fn score(&self) -> u32 {
        match self.failures.is_empty() {
            true => self.exercise.points,
            false => 0,
        }
    }
}

/// Whether all is right.
pub fn all_passed(outcomes: &[Outcome<'_>]) -> bool {
    outcomes.iter().all(|outcome| outcome.failures.is_empty())
}

fn sums(outcomes: &[Outcome<'_>]) -> (u32, u32) {
    let score = outcomes.iter().map(Outcome::score).sum();
    let points = outcomes.iter().map(|outcome| outcome.exercise.points);
    (score, points.sum())
}

/// Lines for people.
pub fn text(outcomes: &[Outcome<'_>]) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let Exercise { name, points, .. } = outcome.exercise;
        text += &format!("{name:<16}{:>4} of {points}\n", outcome.score());
        for line in outcome.failures.iter().flat_map(|failure| failure.lines()) {
            text += format!("  {line}").trim_end();
            text.push('\n');
        }
    }
    let (score, points) = sums(outcomes);
    text + &format!("{:<16}{score:>4} of {points} points\n", "together")
}

/// The same for programs.
pub fn json(outcomes: &[Outcome<'_>]) -> Value {
    let test = |outcome: &Outcome<'_>| {
        let passed = outcome.failures.is_empty();
        json!({
            "name": outcome.exercise.name,
            "score": outcome.score(),
            "max_score": outcome.exercise.points,
            "status": if passed { "passed" } else { "failed" },
            "output": outcome.failures.join("\n"),
        })
    };
    let tests: Vec<Value> = outcomes.iter().map(test).collect();
    json!({ "score": sums(outcomes).0, "max_score": sums(outcomes).1, "tests": tests })
}
