//! Several programs in one command line: `a x y + b z`.
//!
//! The hard thing is an argument that is itself a `+`. A shell takes quotes
//! away before we see the words, so quoting cannot tell it from ours: a word
//! of more than one `+` and nothing else stands for the argument with one
//! less.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use crate::status::usage;

/// A program as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// One of ours, or a path.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// Splits the words at each `+`.
pub fn split(words: &[OsString]) -> anyhow::Result<Vec<Asked>> {
    words
        .split(|word| word == "+")
        .map(|group| {
            let (program, args) = group
                .split_first()
                .ok_or_else(|| usage("a program is missing before or after a `+`"))?;
            Ok(Asked {
                program: program.clone(),
                args: args.iter().map(unquoted).collect(),
            })
        })
        .collect()
}

/// An argument without what kept it from being a separator.
fn unquoted(word: &OsString) -> OsString {
    let pluses = word.as_bytes().iter().all(|&byte| byte == b'+');
    if pluses && word.len() > 1 {
        "+".repeat(word.len() - 1).into()
    } else {
        word.clone()
    }
}

/// The word that stands for an argument: `unquoted` makes it that again.
pub fn quoted(argument: OsString) -> OsString {
    let pluses = argument.as_bytes().iter().all(|&byte| byte == b'+');
    if pluses && !argument.is_empty() {
        "+".repeat(argument.len() + 1).into()
    } else {
        argument
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_text(line: &str) -> anyhow::Result<Vec<Vec<String>>> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        let text = |word: OsString| word.into_string().expect("text");
        let group = |asked: Asked| {
            std::iter::once(asked.program)
                .chain(asked.args)
                .map(text)
                .collect()
        };
        Ok(split(&words)?.into_iter().map(group).collect())
    }

    #[test]
    fn each_program_has_its_arguments() {
        assert_eq!(
            split_text("a x y + b z + c").expect("valid"),
            [vec!["a", "x", "y"], vec!["b", "z"], vec!["c"]]
        );
        assert_eq!(split_text("a").expect("valid"), [["a"]]);
    }

    #[test]
    fn a_plus_can_be_an_argument() {
        assert_eq!(
            split_text("sum 1 ++ 2 +3 4+ + echo +++").expect("valid"),
            [vec!["sum", "1", "+", "2", "+3", "4+"], vec!["echo", "++"]]
        );
    }

    #[test]
    fn no_program_may_be_missing() {
        for line in ["+", "+ a", "a +", "a + + b"] {
            let error = split_text(line).expect_err(line);
            assert!(error.is::<crate::status::UsageError>(), "{line}");
        }
    }

    #[test]
    fn a_quoted_argument_is_itself_again() {
        for word in ["", "+", "++", "+a", "a"] {
            assert_eq!(unquoted(&quoted(word.into())), word);
            assert_ne!(quoted(word.into()), "+");
        }
    }
}
