//! Our own programs by name, what each does, and what was probably meant by a
//! wrong name.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::status::usage;

/// The program that runs the others.
pub const PROMPT: &str = "prompt";

/// The names of all programs: one source file or folder each, sorted.
pub fn names(sources: &Path) -> anyhow::Result<Vec<String>> {
    let entries = std::fs::read_dir(sources)
        .map_err(|error| anyhow::anyhow!("cannot list {}: {error}", sources.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            let is_program = if path.is_dir() {
                path.join("main.rs").exists()
            } else {
                path.extension().is_some_and(|extension| extension == "rs")
            };
            let stem = path.file_stem()?.to_str()?.to_owned();
            is_program.then_some(stem)
        })
        .collect();
    names.sort();
    Ok(names)
}

/// What a program does, in its own words: the beginning of its first sentence.
pub fn description(sources: &Path, name: &str) -> anyhow::Result<String> {
    Ok(beginning(&head(sources, name)?))
}

/// The same, and what the program needs to be started with, as a list of programs has it.
pub fn listed(sources: &Path, name: &str) -> anyhow::Result<String> {
    let head = head(sources, name)?;
    let what = beginning(&head);
    Ok(match needs(&head) {
        Some(options) => format!("{what} (needs {options})"),
        None => what,
    })
}

/// What a program's source begins with, in a line.
fn head(sources: &Path, name: &str) -> anyhow::Result<String> {
    let file = source(sources, name);
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let head = text.lines().map_while(|line| line.strip_prefix("//!"));
    let head: Vec<&str> = head.map(str::trim).collect();
    Ok(head.join(" "))
}

/// The options of `jostle run` that a head names between backticks: a server, perhaps with a
/// disk.
fn needs(head: &str) -> Option<&str> {
    let mut quoted = head.split('`').skip(1).step_by(2);
    quoted.find(|text| text.starts_with("--with "))
}

/// The first part of the first sentence, in a line.
fn beginning(text: &str) -> String {
    const LONGEST: usize = 76;
    let ends = [". ", ": ", "; "].map(|end| text.find(end));
    let end = ends.into_iter().flatten().min().unwrap_or(text.len());
    let part = text[..end]
        .trim()
        .trim_end_matches(['.', ':'])
        .replace('`', "");
    match part.char_indices().nth(LONGEST) {
        None => part,
        Some((limit, _)) => {
            let line = &part[..limit];
            let end = line.rfind(", ").or_else(|| line.rfind(' '));
            line[..end.unwrap_or(limit)].to_owned()
        }
    }
}

/// Where a program's source begins.
fn source(sources: &Path, name: &str) -> PathBuf {
    let folder = sources.join(name).join("main.rs");
    if folder.exists() {
        folder
    } else {
        sources.join(name).with_extension("rs")
    }
}

/// Fails, naming the nearest programs, unless `name` is one of `known`.
pub fn check_name(name: &str, known: &[String]) -> anyhow::Result<()> {
    if known.iter().any(|candidate| candidate == name) {
        return Ok(());
    }
    let near = nearest(name, known);
    let hint = if Path::new(name).exists() {
        format!("to run the file of that name, write ./{name}")
    } else if near.is_empty() {
        format!("there are: {}", known.join(" "))
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    Err(usage(format_args!("no program {name:?}; {hint}")))
}

/// At most three names that are a slip of the fingers away: an edit for every
/// four letters, or an unfinished name.
fn nearest<'a>(name: &str, known: &'a [String]) -> Vec<&'a str> {
    let mut ranked: Vec<(usize, &str)> = known
        .iter()
        .filter_map(|candidate| {
            let distance = strsim::damerau_levenshtein(name, candidate);
            let prefix = name.len() >= 2 && candidate.starts_with(name);
            let slip = distance <= name.len().div_ceil(4);
            (slip || prefix).then_some((distance, candidate.as_str()))
        })
        .collect();
    ranked.sort();
    ranked.into_iter().take(3).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<String> {
        ["faultread", "faultwrite", "hello", "spin", "yield"]
            .map(String::from)
            .to_vec()
    }

    #[test]
    fn a_slip_is_recognised() {
        assert_eq!(nearest("helo", &known()), ["hello"]);
        assert_eq!(nearest("yeild", &known()), ["yield"]);
        assert_eq!(nearest("fault", &known()), ["faultread", "faultwrite"]);
        assert!(nearest("zzzzzz", &known()).is_empty());
        assert!(nearest("", &known()).is_empty());
    }

    #[test]
    fn a_program_says_what_it_does() {
        assert_eq!(beginning("Says hello. More."), "Says hello");
        assert_eq!(beginning("As `x`, but: more. More"), "As x, but");
        assert_eq!(beginning("In two lines.  The hard thing"), "In two lines");
        assert_eq!(beginning("One."), "One");
        let long = format!("First, second, {}", "word ".repeat(20));
        assert_eq!(beginning(&long), "First, second");
        assert_eq!(beginning(&"word ".repeat(20)), "word ".repeat(15).trim());
        let sources = crate::workspace::Workspace::locate().program_sources();
        for name in names(&sources).expect("programs") {
            let what = description(&sources, &name).expect("a source");
            assert!((5..=76).contains(&what.len()), "{name}: {what}");
        }
    }

    #[test]
    fn a_program_says_what_it_needs() {
        let sources = crate::workspace::Workspace::locate().program_sources();
        let listed = |name| listed(&sources, name).expect("a source");
        assert_eq!(listed("hello"), "Says hello");
        for name in ["diskclient", "diskserver", "freeze", "thaw"] {
            let ends = listed(name).ends_with(" (needs --with type=fs:diskserver --disk FILE)");
            assert!(ends, "{name}: {}", listed(name));
        }
        assert!(listed("iopl").ends_with(" (needs --with type=fs:iopl)"));
        assert_eq!(needs("a `--disk F` b `--with x` c"), Some("--with x"));
        assert_eq!(needs("--with x"), None);
    }

    #[test]
    fn an_unknown_name_is_answered_in_one_line() {
        let error = check_name("helo", &known()).expect_err("not a program");
        assert_eq!(
            error.to_string(),
            "no program \"helo\"; did you mean hello?"
        );
        let error = check_name("qqqqqq\n", &known()).expect_err("not a program");
        assert!(error.to_string().contains("faultread faultwrite hello"));
        assert_eq!(error.to_string().lines().count(), 1);
        assert!(check_name("spin", &known()).is_ok());
    }
}
