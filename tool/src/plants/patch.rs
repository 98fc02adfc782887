//! Applies a unified diff to files in memory.
//!
//! The hard thing is to be strict where the lines move: a hunk has little
//! context, so that it survives edits nearby, and must not land in another
//! place that happens to look the same. So its old lines must be in the file
//! exactly once; where the diff says that they are does not matter.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use diffy::patch_set::{ParseOptions, PatchSet};
use diffy::{Hunk, Line};

/// Files by their paths from the root.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Changes the files, or none of those that a wrong one comes before: says why.
pub fn apply(text: &str, files: &mut Files) -> Result<(), String> {
    let mut any = false;
    for part in PatchSet::parse(text, ParseOptions::unidiff()) {
        let part = part.map_err(|error| error.to_string())?;
        let name = part.operation().strip_prefix(1);
        let (diffy::patch_set::FileOperation::Modify { original, .. }, Some(patch)) =
            (name, part.patch().as_text())
        else {
            return Err("it does more than change lines of a file".to_owned());
        };
        let file = files
            .get_mut(Path::new(&*original))
            .ok_or_else(|| format!("there is no {original}"))?;
        let old = std::str::from_utf8(file).map_err(|_| format!("{original} is not text"))?;
        for hunk in patch.hunks() {
            is_there_once(hunk, old).map_err(|wrong| format!("{original} {wrong}"))?;
        }
        let new = diffy::apply(old, patch).map_err(|error| format!("{original}: {error}"))?;
        *file = new.into_bytes();
        any = true;
    }
    if any {
        Ok(())
    } else {
        Err("it changes nothing".to_owned())
    }
}

fn is_there_once(hunk: &Hunk<'_, str>, text: &str) -> Result<(), String> {
    let old = hunk.lines().iter().filter_map(|line| match line {
        Line::Context(line) | Line::Delete(line) => Some(*line),
        Line::Insert(_) => None,
    });
    let old: Vec<&str> = old.collect();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let places = lines
        .windows(old.len().max(1))
        .filter(|place| *place == old);
    match places.count() {
        1 => Ok(()),
        count => Err(format!(
            "has these lines {count} times, not once:\n{}",
            old.concat()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "Why.\n\n--- a/f\n+++ b/f\n@@ -1,2 +1,3 @@\n one\n+new\n two\n";

    fn applied(text: &str) -> Result<String, String> {
        let mut files = Files::from([("f".into(), text.as_bytes().to_vec())]);
        apply(PATCH, &mut files)?;
        let file = files.remove(Path::new("f")).expect("it is still there");
        Ok(String::from_utf8(file).expect("text"))
    }

    #[test]
    fn lines_may_move() {
        let moved = applied("a\nb\nc\nd\none\ntwo\n");
        assert_eq!(moved.as_deref(), Ok("a\nb\nc\nd\none\nnew\ntwo\n"));
    }

    #[test]
    fn lines_that_are_gone_or_there_twice_are_refused() {
        for (text, count) in [("one\nand\ntwo\n", 0), ("one\ntwo\none\ntwo\n", 2)] {
            let wrong = applied(text).expect_err("refused");
            assert!(wrong.starts_with(&format!("f has these lines {count} times")));
        }
    }

    #[test]
    fn a_patch_of_nothing_is_none() {
        assert!(apply("words\n", &mut Files::new()).is_err());
        assert_eq!(apply(PATCH, &mut Files::new()), Err("there is no f".into()));
    }
}
