//! Our own programs by name, and what was probably meant by a wrong one.

use std::path::Path;

use crate::status::usage;

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
