//! What a console must show, and must not.
//!
//! Lines are matched whole, as JOS's graders match them. Beyond those graders
//! there is order: where one thing causes another, its line must come first.
//! Several chains of lines can be required at once; each is ordered in itself
//! and may be interleaved with the others in any way.

use std::fmt;

use regex_lite::Regex;

/// A pattern for one whole line.
#[derive(Debug, Clone)]
pub struct Line {
    shown: String,
    regex: Regex,
}

impl Line {
    fn matches(&self, line: &str) -> bool {
        self.regex.is_match(line)
    }

    /// Whether this console has such a line.
    pub fn is_in(&self, console: &str) -> bool {
        console.lines().any(|line| self.matches(line))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// A line that reads exactly like this.
pub fn text(line: &str) -> Line {
    Line {
        shown: line.to_owned(),
        ..regex(&regex_lite::escape(line))
    }
}

/// A line that matches this regular expression from end to end.
///
/// # Panics
/// If it is not a regular expression: expectations are written by us.
pub fn regex(pattern: &str) -> Line {
    match Regex::new(&format!("^(?:{pattern})$")) {
        Ok(regex) => Line {
            shown: format!("/{pattern}/"),
            regex,
        },
        Err(error) => panic!("{pattern:?} is not a regular expression: {error}"),
    }
}

/// Everything that is expected of one console.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    chains: Vec<Vec<Line>>,
    never: Vec<Line>,
    times: Vec<(Line, usize)>,
}

impl Expect {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// All of these lines, in this order, with anything between them.
    pub fn in_order(mut self, lines: impl IntoIterator<Item = Line>) -> Self {
        self.chains.push(lines.into_iter().collect());
        self
    }

    /// No such line anywhere.
    pub fn never(mut self, line: Line) -> Self {
        self.never.push(line);
        self
    }

    /// Exactly so many such lines.
    pub fn times(mut self, count: usize, line: Line) -> Self {
        self.times.push((line, count));
        self
    }

    /// What is wrong with this console; nothing, if all is as expected.
    pub fn complaints(&self, console: &str) -> Vec<String> {
        let lines: Vec<&str> = console.lines().collect();
        let chains = self.chains.iter().filter_map(|chain| broken(chain, &lines));
        let never = self.never.iter().filter_map(|forbidden| {
            let line = lines.iter().find(|line| forbidden.matches(line))?;
            Some(format!("forbidden line: {line}"))
        });
        let times = self.times.iter().filter_map(|(wanted, count)| {
            let found = lines.iter().filter(|line| wanted.matches(line)).count();
            (found != *count).then(|| format!("{found} times instead of {count}: {wanted}"))
        });
        chains.chain(never).chain(times).collect()
    }
}

/// The first link at which a chain breaks. Taking the earliest match for each
/// line leaves most room for the rest, so no other choice need be tried.
fn broken(chain: &[Line], lines: &[&str]) -> Option<String> {
    let mut next = 0;
    let mut previous: Option<&Line> = None;
    for wanted in chain {
        match lines[next..].iter().position(|line| wanted.matches(line)) {
            Some(offset) => next += offset + 1,
            None => {
                let earlier = lines[..next].iter().any(|line| wanted.matches(line));
                return Some(match previous {
                    Some(previous) if earlier => {
                        format!("not after {previous}: {wanted}")
                    }
                    _ => format!("missing: {wanted}"),
                });
            }
        }
        previous = Some(wanted);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSOLE: &str = "one\ntwo [2]\nthree\ntwo [2]\n";

    #[test]
    fn what_is_there_is_no_complaint() {
        let expect = Expect::new()
            .in_order([text("one"), text("two [2]"), text("three")])
            .in_order([text("three"), regex(r"two \[.\]")])
            .never(text("four"))
            .times(2, text("two [2]"))
            .times(0, text("five"));
        assert_eq!(expect.complaints(CONSOLE), Vec::<String>::new());
    }

    #[test]
    fn lines_are_matched_whole_and_literally() {
        for absent in [
            text("on"),
            text("ne"),
            text("two .2."),
            regex("t"),
            text(""),
        ] {
            let complaints = Expect::new().in_order([absent]).complaints(CONSOLE);
            assert_eq!(complaints.len(), 1);
            assert!(complaints[0].starts_with("missing: "), "{complaints:?}");
        }
        // An alternative does not escape the anchors.
        let either = Expect::new().in_order([regex("on|thre")]);
        assert_eq!(either.complaints(CONSOLE).len(), 1);
    }

    #[test]
    fn order_counts() {
        let swapped = Expect::new().in_order([text("three"), text("one")]);
        assert_eq!(swapped.complaints(CONSOLE), ["not after three: one"]);
        // One line does not stand for two.
        let twice = Expect::new().in_order([text("one"), text("one")]);
        assert_eq!(twice.complaints(CONSOLE).len(), 1);
    }

    #[test]
    fn forbidden_and_counted_lines() {
        let never = Expect::new().never(regex("th.*"));
        assert_eq!(never.complaints(CONSOLE), ["forbidden line: three"]);
        let once = Expect::new().times(1, text("two [2]"));
        assert_eq!(once.complaints(CONSOLE), ["2 times instead of 1: two [2]"]);
    }

    #[test]
    fn an_empty_console_satisfies_nothing() {
        let expect = Expect::new().in_order([text("one")]);
        assert_eq!(expect.complaints("").len(), 1);
    }
}
