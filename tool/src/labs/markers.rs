//! Finds the markers in the sources, and cuts out what is between them.
//!
//! ```text
//! // lab: NAME {
//! what a student will write
//! // lab: NAME }
//! ```
//!
//! `// lab: NAME, without {` opens a region that goes too, because it would do the work by
//! another way, but is not to be written: a quick way through the kernel, or an extension
//! that makes the exercise needless.
//!
//! The hard thing is that what is left must compile without a warning, though half of its
//! imports and helpers have lost their use. So each crate with a hole says once that this is
//! all right.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::exercise::Exercise;
use super::language::Language;
use crate::plants::Files;

/// What a line with a marker begins with.
const MARK: &str = "// lab: ";
/// What a crate with a hole says.
const UNUSED: &str = "// What is to be written will use it.\n#![allow(unused)]\n";
/// What a file in C with a hole says.
const UNUSED_IN_C: &str =
    "// What is to be written will use it.\n#pragma GCC diagnostic ignored \"-Wunused-function\"\n";

/// What is between two markers of a file.
#[derive(Debug, PartialEq, Eq)]
struct Region {
    exercise: String,
    /// It is left out, and not to be written.
    without: bool,
    /// The lines of the markers.
    first: usize,
    last: usize,
}

/// The regions of a text, in order.
fn regions(text: &str) -> Result<Vec<Region>, String> {
    let mut found: Vec<Region> = Vec::new();
    let mut open: Option<Region> = None;
    for (number, line) in text.lines().enumerate() {
        let Some(mark) = line.trim_start().strip_prefix(MARK) else {
            continue;
        };
        let at = number + 1;
        open = match (open, mark.rsplit_once(' ')) {
            (None, Some((name, "{"))) => {
                let without = name.strip_suffix(", without");
                Some(Region {
                    exercise: without.unwrap_or(name).to_owned(),
                    without: without.is_some(),
                    first: number,
                    last: number,
                })
            }
            (Some(region), Some((name, "}"))) if region.exercise == name => {
                found.push(Region {
                    last: number,
                    ..region
                });
                None
            }
            (Some(region), _) => {
                let name = region.exercise;
                return Err(format!("line {at}: {mark:?} before the end of {name:?}"));
            }
            (None, _) => return Err(format!("line {at}: {mark:?} opens nothing")),
        };
    }
    match open {
        None => Ok(found),
        Some(region) => Err(format!("{:?} does not end", region.exercise)),
    }
}

/// The files that may have markers, and what is written in them.
fn sources(files: &Files) -> impl Iterator<Item = (&PathBuf, Language, &str)> {
    files
        .iter()
        .filter_map(|(path, bytes)| {
            let language = Language::of(path)?;
            Some((path, language, std::str::from_utf8(bytes).ok()?))
        })
        .filter(|(_, _, text)| text.contains(MARK))
}

fn in_file<T>(path: &Path, result: Result<T, String>) -> Result<T, String> {
    result.map_err(|wrong| format!("{}: {wrong}", path.display()))
}

/// The exercises that have something to be written.
#[cfg(test)]
pub fn names(files: &Files) -> Result<BTreeSet<(Language, String)>, String> {
    let mut names = BTreeSet::new();
    for (path, language, text) in sources(files) {
        let regions = in_file(path, regions(text))?;
        names.extend(
            regions
                .into_iter()
                .map(|region| (language, region.exercise)),
        );
    }
    Ok(names)
}

/// Makes the holes of these exercises, and removes the markers of all others. Returns the
/// files in which something is to be written.
pub fn cut(files: &mut Files, exercises: &[&Exercise]) -> Result<BTreeSet<PathBuf>, String> {
    let mut left: Left<'_> = exercises
        .iter()
        .map(|exercise| {
            let key = (exercise.language, exercise.name.clone());
            (key, (*exercise, &exercise.holes[..]))
        })
        .collect();
    let mut changed = Files::new();
    let mut to_be_written = BTreeSet::new();
    let mut units = BTreeSet::new();
    for (path, language, text) in sources(files) {
        let regions = in_file(path, regions(text))?;
        for region in &regions {
            if left.contains_key(&(language, region.exercise.clone())) {
                units.insert(unit(path, language));
                if !region.without {
                    to_be_written.insert(path.clone());
                }
            }
        }
        let new = in_file(path, replaced(text, language, &regions, &mut left))?;
        changed.insert(path.clone(), new.into_bytes());
    }
    if let Some(((_, name), (_, holes))) = left.iter().find(|(_, (_, holes))| !holes.is_empty()) {
        let count = holes.len();
        return Err(format!("{name}: {count} of its holes have no markers"));
    }
    for (root, language) in units {
        let file = changed.get(&root).or_else(|| files.get(&root));
        let file = file.ok_or_else(|| format!("there is no {}", root.display()))?;
        let new = with_unused(&String::from_utf8_lossy(file), language).into_bytes();
        changed.insert(root, new);
    }
    files.append(&mut changed);
    Ok(to_be_written)
}

/// Exercises, and those of their holes that have no place yet.
type Left<'e> = BTreeMap<(Language, String), (&'e Exercise, &'e [String])>;

/// The file that says for the one at `path` that something may be unused.
fn unit(path: &Path, language: Language) -> (PathBuf, Language) {
    let root = match language {
        Language::Rust => {
            let name: PathBuf = path.iter().take(1).collect();
            name.join("src/lib.rs")
        }
        Language::C => path.to_path_buf(),
    };
    (root, language)
}

/// The exercises for which something was written: the text has something else between their
/// markers than it had at first. If its markers are damaged, that is all of them.
pub fn begun(text: &str, at_first: &str) -> BTreeSet<String> {
    let (written, given) = (between(text), between(at_first));
    given
        .into_iter()
        .filter(|(exercise, code)| written.get(exercise) != Some(code))
        .map(|(exercise, _)| exercise)
        .collect()
}

/// What is between the markers of each exercise; nothing, if they are damaged.
fn between(text: &str) -> BTreeMap<String, Vec<&str>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for region in regions(text).unwrap_or_default() {
        let code = &lines[region.first..=region.last];
        found.entry(region.exercise).or_default().extend(code);
    }
    found
}

/// The text with holes in the place of regions.
fn replaced(
    text: &str,
    language: Language,
    regions: &[Region],
    left: &mut Left<'_>,
) -> Result<String, String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut new = String::new();
    let mut next = 0;
    for region in regions {
        push(&mut new, &lines[next..region.first]);
        match left.get_mut(&(language, region.exercise.clone())) {
            None => push(&mut new, &lines[region.first + 1..region.last]),
            Some(_) if region.without => {}
            Some((exercise, holes)) => {
                let name = &exercise.name;
                let Some((hole, rest)) = holes.split_first() else {
                    return Err(format!("{name} has fewer holes than markers"));
                };
                *holes = rest;
                let opening = lines[region.first];
                let indent = &opening[..opening.len() - opening.trim_start().len()];
                new += &signpost(exercise, opening, indent);
                for line in hole.lines() {
                    new += &indented(indent, line);
                }
                push(&mut new, &[lines[region.last]]);
            }
        }
        next = region.last + 1;
    }
    push(&mut new, &lines[next..]);
    Ok(new)
}

/// What stands above a hole.
fn signpost(exercise: &Exercise, opening: &str, indent: &str) -> String {
    let Exercise {
        name,
        title,
        points,
        statement,
        ..
    } = exercise;
    let mut text = format!("{opening}\n{indent}// {name}, {points} points: {title}\n{indent}//\n");
    for line in statement.lines() {
        text += &indented(indent, format!("// {line}").trim_end());
    }
    text + &format!("{indent}//\n{indent}// Hints are in LAB.md.\n")
}

fn indented(indent: &str, line: &str) -> String {
    match line {
        "" => "\n".to_owned(),
        line => format!("{indent}{line}\n"),
    }
}

fn push(text: &mut String, lines: &[&str]) {
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
}

/// A file that does not mind that something in it, or in its crate, is unused.
fn with_unused(text: &str, language: Language) -> String {
    let (head, unused) = match language {
        Language::Rust => ("//!", UNUSED),
        Language::C => ("//", UNUSED_IN_C),
    };
    let docs = |line: &&str| line.starts_with(head);
    let head: usize = text
        .split_inclusive('\n')
        .take_while(docs)
        .map(str::len)
        .sum();
    let (head, rest) = text.split_at(head);
    format!("{head}\n{unused}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "fn f() {\n    // lab: one {\n    solution();\n    // lab: one }\n    \
        // lab: two, without {\n    quick();\n    // lab: two }\n}\n";

    fn exercise(name: &str, holes: &[&str]) -> Exercise {
        exercise_in(Language::Rust, name, holes)
    }

    fn exercise_in(language: Language, name: &str, holes: &[&str]) -> Exercise {
        let fence = language.fence();
        let text = format!(
            "# Title\n\n- points: 1\n- core: m\n\nFirst.\n\nLast.\n\n## Hints\n\n1. H\n\n## Holes\n\n{}",
            holes
                .iter()
                .map(|hole| format!("{fence}\n{hole}```\n"))
                .collect::<String>()
        );
        Exercise::parse(language, &format!("1-{name}.md"), &text).expect("an exercise")
    }

    fn files() -> Files {
        let file = |path: &str, text: &str| (path.into(), text.as_bytes().to_vec());
        Files::from([
            file("kcore/src/f.rs", SOURCE),
            file("kcore/src/lib.rs", "//! Docs.\n//! More.\n\n#![no_std]\n"),
            file("tool/src/f.rs", "// lab: somebody else's\n"),
        ])
    }

    fn text(files: &Files, path: &str) -> String {
        String::from_utf8(files[Path::new(path)].clone()).expect("text")
    }

    #[test]
    fn a_hole_says_what_is_to_be_done() {
        let mut files = files();
        let taken = cut(&mut files, &[&exercise("one", &["nothing()\n"])]).expect("cut");
        assert_eq!(taken, BTreeSet::from(["kcore/src/f.rs".into()]));
        assert_eq!(
            text(&files, "kcore/src/f.rs"),
            "fn f() {\n    // lab: one {\n    // one, 1 points: Title\n    //\n    // First.\n    \
             //\n    // Last.\n    //\n    // Hints are in LAB.md.\n    nothing()\n    \
             // lab: one }\n    quick();\n}\n"
        );
        assert_eq!(
            text(&files, "kcore/src/lib.rs"),
            format!("//! Docs.\n//! More.\n\n{UNUSED}\n#![no_std]\n")
        );
    }

    /// The same name in another language is another exercise.
    #[test]
    fn a_hole_in_c_is_in_c_alone() {
        let mut files = files();
        let source =
            b"// Head.\n\nint\nf(void)\n{\n\t// lab: one {\n\treturn 1;\n\t// lab: one }\n}\n";
        files.insert("c/lib/f.c".into(), source.to_vec());
        let one = exercise_in(Language::C, "one", &["return 0;\n"]);
        let taken = cut(&mut files, &[&one]).expect("cut");
        assert_eq!(taken, BTreeSet::from(["c/lib/f.c".into()]));
        assert_eq!(
            text(&files, "c/lib/f.c"),
            format!(
                "// Head.\n\n{UNUSED_IN_C}\nint\nf(void)\n{{\n\t// lab: one {{\n\t// one, 1 points: \
                 Title\n\t//\n\t// First.\n\t//\n\t// Last.\n\t//\n\t// Hints are in LAB.md.\n\t\
                 return 0;\n\t// lab: one }}\n}}\n"
            )
        );
        let rust = "fn f() {\n    solution();\n    quick();\n}\n";
        assert_eq!(text(&files, "kcore/src/f.rs"), rust);
    }

    #[test]
    fn what_is_left_out_leaves_no_trace() {
        let mut files = files();
        let two = Exercise {
            holes: Vec::new(),
            ..exercise("two", &[""])
        };
        let taken = cut(&mut files, &[&two]).expect("cut");
        assert_eq!(taken, BTreeSet::new());
        assert_eq!(
            text(&files, "kcore/src/f.rs"),
            "fn f() {\n    solution();\n}\n"
        );
    }

    #[test]
    fn holes_and_markers_are_as_many() {
        let cut = |holes: &[&str]| cut(&mut files(), &[&exercise("one", holes)]);
        assert_eq!(
            cut(&["", ""]),
            Err("one: 1 of its holes have no markers".into())
        );
        let mut twice = files();
        let again = SOURCE.as_bytes().to_vec();
        twice.insert("user/src/f.rs".into(), again);
        let error = super::cut(&mut twice, &[&exercise("one", &[""])]);
        assert_eq!(
            error,
            Err("user/src/f.rs: one has fewer holes than markers".into())
        );
    }

    #[test]
    fn markers_come_in_pairs() {
        let wrong = [
            ("// lab: a {\n", "\"a\" does not end"),
            ("// lab: a }\n", "line 1: \"a }\" opens nothing"),
            (
                "// lab: a {\n// lab: b {\n",
                "line 2: \"b {\" before the end of \"a\"",
            ),
            (
                "// lab: a {\n// lab: b }\n",
                "line 2: \"b }\" before the end of \"a\"",
            ),
            ("// lab: a\n", "line 1: \"a\" opens nothing"),
        ];
        for (text, why) in wrong {
            assert_eq!(regions(text), Err(why.to_owned()));
        }
    }

    #[test]
    fn an_exercise_is_begun_when_something_else_is_between_its_markers() {
        let given = "// lab: a {\nOne\n// lab: a }\n// lab: b {\nTwo\n// lab: b }\nThree\n";
        for (from, to, wanted) in [
            ("Three", "Four", &[][..]),
            ("One", "1", &["a"]),
            ("Two", "Two\n2", &["b"]),
            ("Two\n", "", &["b"]),
            ("// lab: b }\n", "", &["a", "b"]),
        ] {
            let begun = begun(&given.replace(from, to), given);
            assert_eq!(Vec::from_iter(begun), wanted, "{to:?} for {from:?}");
        }
    }
}
