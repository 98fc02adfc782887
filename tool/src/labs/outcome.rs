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
    /// Whether anything has been written for it.
    pub begun: bool,
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

    /// What is wrong, in lines for people. Until something is written, tests fail for want
    /// of it or of another exercise: one of them will do, without how it came to that.
    fn shown(&self) -> Vec<String> {
        let all = self.failures.iter().flat_map(|failure| failure.lines());
        if self.begun || self.failures.is_empty() {
            return all.map(str::to_owned).collect();
        }
        let is_short = |failure: &&String| failure.lines().count() == 1;
        let short = self.failures.iter().find(is_short).map(String::as_str);
        let one = short.or(all.clone().next()).unwrap_or_default();
        let others = match self.failures.len() - 1 {
            0 => String::new(),
            others => format!("and {others} more; "),
        };
        vec![
            one.to_owned(),
            format!("{others}nothing is written here yet"),
        ]
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
        for line in outcome.shown() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labs::exercise::Test;
    use crate::labs::language::Language;

    #[test]
    fn of_what_is_not_begun_one_failure_is_shown() {
        let exercise = Exercise {
            name: "one".into(),
            language: Language::Rust,
            title: String::new(),
            points: 5,
            tests: vec![Test::Core("one".into())],
            statement: String::new(),
            hints: String::new(),
            holes: Vec::new(),
        };
        let outcome = |begun, failures: &[&str]| Outcome {
            exercise: &exercise,
            begun,
            failures: failures.iter().copied().map(String::from).collect(),
        };
        let shown = |begun, failures| {
            let text = text(&[outcome(begun, failures)]);
            text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
        };
        let end = "together           0 of 5 points";
        let all = ["a: bad\n  so", "b: bad", "c: bad"];
        let short = ["  b: bad", "  and 2 more; nothing is written here yet", end];
        assert_eq!(shown(false, &all), short);
        let whole = ["  a: bad", "    so", "  b: bad", "  c: bad", end];
        assert_eq!(shown(true, &all), whole);
        let single = ["  a: bad", "  nothing is written here yet", end];
        assert_eq!(shown(false, &all[..1]), single);
        // A program gets all.
        let value = json(&[outcome(false, &all)]);
        assert_eq!(value["tests"][0]["output"], all.join("\n"));
    }
}
