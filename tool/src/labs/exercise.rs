//! An exercise as its file in `labs/` tells it: a page to read, with a list at its head.
//!
//! ```text
//! # Title
//!
//! - points: 10
//! - core: MODULE            tests of this module of sim/tests/lab
//! - program: NAME [ARGS]    a program under many schedules,
//! - prints: TEXT            and a line that it must print
//!
//! What is to be done.
//!
//! ## Hints
//!
//! 1. One step
//!
//! ## Holes
//!
//! A block of code for each pair of markers between which something is to be written: what
//! stands there until it is done.
//! ```
//!
//! The hard thing is a mistake in such a file, which a student would meet: whatever is not
//! understood is refused.

use super::language::Language;

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub struct Exercise {
    /// What it is called, in markers too.
    pub name: String,
    /// What it is to be written in.
    pub language: Language,
    /// Its title.
    pub title: String,
    /// What it is worth.
    pub points: u32,
    /// What must hold.
    pub tests: Vec<Test>,
    /// What is to be done.
    pub statement: String,
    /// How, in steps.
    pub hints: String,
    /// What stands between its markers until it is done, in the order of files and lines.
    pub holes: Vec<String>,
}

/// A test of an exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// Those of a module of `sim/tests/lab`.
    Core(String),
    /// A program and its arguments, and the lines that it must print in this order.
    Program {
        /// Its name, and its arguments.
        words: Vec<String>,
        /// What it must print.
        prints: Vec<String>,
    },
}

impl Exercise {
    /// Reads the file `file`, whose text this is.
    pub fn parse(language: Language, file: &str, text: &str) -> Result<Exercise, String> {
        let name = file
            .strip_suffix(".md")
            .and_then(|stem| stem.split_once('-'))
            .filter(|(number, name)| number.parse::<u32>().is_ok() && !name.is_empty())
            .ok_or("it is not called NUMBER-NAME.md")?;
        let (main, rest) = text.split_once("\n## Hints\n").ok_or("it has no hints")?;
        let (hints, holes) = rest.split_once("\n## Holes\n").ok_or("it has no holes")?;
        let (title, main) = main
            .strip_prefix("# ")
            .and_then(|main| main.split_once('\n'))
            .ok_or("it does not begin with a title")?;
        let main = main.trim_start();
        let (head, statement) = main.split_once("\n\n").ok_or("it has no statement")?;
        let (points, tests) = read_head(head)?;
        Ok(Exercise {
            name: name.1.to_owned(),
            language,
            title: title.trim().to_owned(),
            points,
            tests,
            statement: statement.trim().to_owned(),
            hints: hints.trim().to_owned(),
            holes: blocks(language, holes)?,
        })
    }

    /// Whether any of its tests is one of the core.
    pub fn is_about_core(&self) -> bool {
        self.tests.iter().any(|test| matches!(test, Test::Core(_)))
    }

    /// The programs that its tests run.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        self.tests.iter().filter_map(|test| match test {
            Test::Program { words, .. } => words.first().map(String::as_str),
            Test::Core(_) => None,
        })
    }
}

/// The points and the tests.
fn read_head(head: &str) -> Result<(u32, Vec<Test>), String> {
    let mut points = None;
    let mut tests = Vec::new();
    for line in head.lines() {
        let not_known = || format!("not understood: {line:?}");
        let entry = line
            .strip_prefix("- ")
            .and_then(|line| line.split_once(": "));
        match entry.ok_or_else(not_known)? {
            ("points", value) => points = value.parse().ok(),
            ("core", module) => tests.push(Test::Core(module.to_owned())),
            ("program", line) => tests.push(Test::Program {
                words: line.split_whitespace().map(str::to_owned).collect(),
                prints: Vec::new(),
            }),
            ("prints", wanted) => match tests.last_mut() {
                Some(Test::Program { prints, .. }) => prints.push(wanted.to_owned()),
                _ => return Err("it prints something, but names no program before".to_owned()),
            },
            _ => return Err(not_known()),
        }
    }
    match (points, tests.is_empty()) {
        (None | Some(0), _) => Err("it has no points".to_owned()),
        (_, true) => Err("it has no test".to_owned()),
        (Some(points), false) => Ok((points, tests)),
    }
}

/// The blocks of code in a text.
fn blocks(language: Language, text: &str) -> Result<Vec<String>, String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        if line != language.fence() {
            return Err(format!("not a block of code: {line:?}"));
        }
        let mut block = String::new();
        loop {
            match lines.next() {
                None => return Err("a block of code does not end".to_owned()),
                Some("```") => break,
                Some(line) => block = block + line + "\n",
            }
        }
        blocks.push(block);
    }
    if blocks.is_empty() {
        return Err("it has no holes".to_owned());
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A title\n\n- points: 5\n- core: one\n- program: p a b\n- prints: x: y\n\n\
        Do it.\n\n## Hints\n\n1. So\n\n## Holes\n\n```rust\nlet a = 1;\n\na\n```\n\n```rust\n```\n";

    #[test]
    fn a_file_is_read() {
        let read = Exercise::parse(Language::Rust, "3-name.md", TEXT).expect("it is right");
        let program = Test::Program {
            words: ["p", "a", "b"].map(str::to_owned).to_vec(),
            prints: vec!["x: y".to_owned()],
        };
        assert_eq!(
            read,
            Exercise {
                name: "name".into(),
                language: Language::Rust,
                title: "A title".into(),
                points: 5,
                tests: vec![Test::Core("one".into()), program],
                statement: "Do it.".into(),
                hints: "1. So".into(),
                holes: vec!["let a = 1;\n\na\n".into(), String::new()],
            }
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let wrong = [
            (
                "name.md",
                TEXT.to_owned(),
                "it is not called NUMBER-NAME.md",
            ),
            (
                "1-a.md",
                TEXT.replace("points", "pints"),
                "not understood: \"- pints: 5\"",
            ),
            (
                "1-a.md",
                TEXT.replace("points: 5", "points: x"),
                "it has no points",
            ),
            (
                "1-a.md",
                TEXT.replace("## Hints", "## Tips"),
                "it has no hints",
            ),
            (
                "1-a.md",
                TEXT.replace("- program: p a b\n", ""),
                "it prints something",
            ),
            (
                "1-a.md",
                TEXT.trim_end_matches("```\n").to_owned() + "```rust\n",
                "a block of code does not end",
            ),
            (
                "1-a.md",
                TEXT.replace("```rust\nlet", "let"),
                "not a block of code",
            ),
            (
                "1-a.md",
                TEXT.replacen("```rust", "```c", 1),
                "not a block of code: \"```c\"",
            ),
        ];
        for (file, text, why) in wrong {
            let error = Exercise::parse(Language::Rust, file, &text).expect_err(why);
            assert!(error.starts_with(why), "{error} instead of {why}");
        }
    }
}
