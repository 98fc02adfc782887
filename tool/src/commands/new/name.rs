//! Which names a program can have.
//!
//! The hard thing is how many have a say: it names a file, a crate, an ELF file beside the
//! kernel's, a word at the prompt and a column in its `help`.

use crate::programs;
use crate::status::usage;
use crate::workspace::Workspace;

/// As many characters as the column of names in the prompt's `help` has.
const LONGEST: usize = 19;
/// Words of Rust, of the editions up to ours.
const KEYWORDS: &str = "abstract as async await become box break const continue crate do dyn \
    else enum extern false final fn for gen if impl in let loop macro match mod move mut \
    override priv pub ref return self static struct super trait true try type typeof union \
    unsafe unsized use virtual where while yield";
/// Crates and files that lie where a program's would.
const TAKEN: &str = "abi alloc build core deps examples incremental jostle-test kernel main \
    proc_macro programs prompt runtime std test user";

/// Fails unless a program can be called so.
pub fn check(workspace: &Workspace, name: &str) -> anyhow::Result<()> {
    let is = |words: &str| words.split(' ').any(|word| word == name);
    let shown = format!("{name:?}");
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let why = if !begins || !name.chars().all(fits) {
        "a name is lower-case letters, digits, - and _, and begins with a letter"
    } else if name.len() > LONGEST {
        "a name has at most 19 characters, as wide as the prompt's list is"
    } else if is(KEYWORDS) && !is_ours(workspace, name) {
        "a word of Rust"
    } else if is_command(name) {
        "a command of the prompt"
    } else if is(TAKEN) {
        "the name of something else that is built with programs"
    } else {
        return Ok(());
    };
    Err(usage(format_args!("{shown}: {why}")))
}

/// Fails if one of our programs, or its test, is called so.
pub fn check_free(workspace: &Workspace, name: &str) -> anyhow::Result<()> {
    let root = workspace.root();
    let files = [
        format!("programs/src/bin/{name}.rs"),
        format!("programs/src/bin/{name}"),
        format!("c/examples/{name}.c"),
        format!("testing/tests/{name}.rs"),
    ];
    match files.iter().find(|file| root.join(file).exists()) {
        Some(file) => Err(usage(format_args!("{name:?} exists already: {file}"))),
        None => Ok(()),
    }
}

/// Whether the prompt takes it for a command of its own.
fn is_command(name: &str) -> bool {
    let mut usages = shell::command::BUILT_IN.iter().map(|(usage, _)| usage);
    usages.any(|usage| usage.split(' ').next() == Some(name))
}

/// Whether there is such a program, whatever its name.
fn is_ours(workspace: &Workspace, name: &str) -> bool {
    programs::names(&workspace.program_sources())
        .is_ok_and(|names| names.iter().any(|ours| ours == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str) -> Option<String> {
        let workspace = Workspace::locate();
        let checked = check(&workspace, name).and_then(|()| check_free(&workspace, name));
        checked.err().map(|error| {
            let text = error.to_string();
            assert_eq!(text.lines().count(), 1, "{text}");
            assert_eq!(crate::status::of_error(&error), crate::status::USAGE);
            text
        })
    }

    #[test]
    fn names_that_can_be() {
        for name in ["mine", "a", "my-first_2", "nineteen-characters"] {
            assert_eq!(refused(name), None, "{name}");
        }
    }

    #[test]
    fn names_that_cannot_be() {
        for (name, why) in [
            ("", "begins with a letter"),
            ("Mine", "lower-case"),
            ("2nd", "begins with a letter"),
            ("a b", "lower-case"),
            ("a/b", "lower-case"),
            ("../a", "lower-case"),
            ("a\n", "lower-case"),
            ("über", "lower-case"),
            ("twenty-characters-it", "at most 19"),
            ("match", "a word of Rust"),
            ("kill", "a command of the prompt"),
            ("tour", "a command of the prompt"),
            ("kernel", "something else"),
            ("hello", "exists already: programs/src/bin/hello.rs"),
            ("bench", "exists already: programs/src/bin/bench"),
            ("yield", "exists already"),
        ] {
            let said = refused(name).unwrap_or_default();
            assert!(said.contains(why), "{name:?}: {said}");
        }
    }

    #[test]
    fn the_limit_is_the_one_that_is_said() {
        let said = refused(&"a".repeat(LONGEST + 1)).expect("too long");
        assert!(said.contains(&format!("at most {LONGEST} characters")));
    }
}
