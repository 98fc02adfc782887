//! The lines that were entered before, oldest first.
//!
//! The hard thing is the line that was being written when a person went back: it
//! must be there again at the end of the way forward.

use alloc::collections::VecDeque;
use alloc::string::String;

/// Lines that are kept.
const KEPT: usize = 64;

/// Lines, and the place of the one that is shown.
#[derive(Clone, Debug, Default)]
pub struct History {
    lines: VecDeque<String>,
    /// How far back the shown line is; 0 is the one being written.
    back: usize,
    /// The line being written, while another is shown.
    written: String,
}

impl History {
    /// Keeps a line that was entered, unless it is blank or the same again. A new
    /// line begins.
    pub fn entered(&mut self, line: &str) {
        self.leave();
        if line.trim().is_empty() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line.into());
    }

    /// Forgets what was being written: a new line begins.
    pub fn leave(&mut self) {
        self.back = 0;
        self.written.clear();
    }

    /// The line before the one shown, which is `shown`.
    pub fn older(&mut self, shown: &str) -> Option<&str> {
        if self.back == self.lines.len() {
            return None;
        }
        if self.back == 0 {
            self.written = shown.into();
        }
        self.back += 1;
        self.at()
    }

    /// The line after the one shown.
    pub fn newer(&mut self) -> Option<&str> {
        self.back = self.back.checked_sub(1)?;
        self.at()
    }

    fn at(&self) -> Option<&str> {
        match self.back {
            0 => Some(&self.written),
            back => self.lines.get(self.lines.len() - back).map(String::as_str),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_and_forward_and_what_was_being_written() {
        let mut history = History::default();
        assert_eq!(history.older("x"), None);
        for line in ["one", "two", "two", " ", "three"] {
            history.entered(line);
        }
        assert_eq!(history.newer(), None);
        assert_eq!(history.older("fo"), Some("three"));
        assert_eq!(history.older("three"), Some("two"));
        assert_eq!(history.older("two"), Some("one"));
        assert_eq!(history.older("one"), None);
        assert_eq!(history.newer(), Some("two"));
        assert_eq!(history.newer(), Some("three"));
        assert_eq!(history.newer(), Some("fo"));
        assert_eq!(history.newer(), None);
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        let mut history = History::default();
        for number in 0..200 {
            history.entered(&alloc::format!("{number}"));
        }
        let mut last = None;
        while let Some(line) = history.older("") {
            last = line.parse().ok();
        }
        assert_eq!(last, Some(200 - KEPT));
    }
}
