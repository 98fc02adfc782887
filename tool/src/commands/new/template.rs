//! What a new program's files say.
//!
//! They are files of this tree, below `tool/templates`, so that they can be read there. The
//! hard thing is that they must be right for every name and every folder: names are checked
//! before, and a path is written as each language wants it.

use std::path::{Path, PathBuf};

use crate::quoting::shell_word;

/// What a program is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// With the crate `user`.
    Rust,
    /// With the library in `c/`.
    C,
}

const RUST: &str = include_str!("../../../templates/program.rs");
const C: &str = include_str!("../../../templates/program.c");
const TEST: &str = include_str!("../../../templates/test.rs");
const MANIFEST: &str = include_str!("../../../templates/manifest.toml");
const MAKEFILE: &str = include_str!("../../../templates/Makefile");
/// What is built stays out of version control.
const IGNORED: &str = "/target\n";

/// Where a program of ours is.
pub fn place_in_tree(name: &str, language: Language) -> String {
    match language {
        Language::Rust => format!("programs/src/bin/{name}.rs"),
        Language::C => format!("c/examples/{name}.c"),
    }
}

/// The program itself.
pub fn source(name: &str, language: Language) -> String {
    let text = match language {
        Language::Rust => RUST,
        Language::C => C,
    };
    text.replace("NAME", name)
}

/// The test of a program of ours.
pub fn test_in_tree(name: &str, language: Language) -> String {
    match language {
        Language::Rust => test(name, &format!("\"{name}\"")),
        Language::C => {
            let place = place_in_tree(name, language);
            test(
                name,
                &format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../{place}\")"),
            )
        }
    }
}

fn test(name: &str, program: &str) -> String {
    TEST.replace("NAME", name).replace("PROGRAM", program)
}

/// All files of a folder of its own, with their places in it; `tree` is where this one is.
pub fn folder(name: &str, language: Language, tree: &str) -> Vec<(PathBuf, String)> {
    let source = source(name, language);
    let files = match language {
        Language::Rust => vec![
            ("Cargo.toml".to_owned(), manifest(name, tree)),
            ("src/main.rs".to_owned(), source),
            (
                "tests/prints.rs".to_owned(),
                test(name, "env!(\"CARGO_MANIFEST_DIR\")"),
            ),
            (".gitignore".to_owned(), IGNORED.to_owned()),
        ],
        Language::C => vec![
            (format!("{name}.c"), source),
            ("Makefile".to_owned(), makefile(name, tree)),
            (".gitignore".to_owned(), IGNORED.to_owned()),
        ],
    };
    let placed = files.into_iter();
    placed
        .map(|(place, text)| (PathBuf::from(place), text))
        .collect()
}

fn manifest(name: &str, tree: &str) -> String {
    // A string of TOML escapes as one of Rust does, but for what no path should have.
    let quoted = |folder: &str| format!("{:?}", Path::new(tree).join(folder));
    MANIFEST
        .replace("NAME", name)
        .replace("TREE_USER", &quoted("user"))
        .replace("TREE_TESTING", &quoted("testing"))
        .replace("TREE", &tree.replace(['\n', '\r'], " "))
}

fn makefile(name: &str, tree: &str) -> String {
    let script = shell_word(Path::new(tree).join("jostle").as_os_str()).replace('$', "$$");
    MAKEFILE
        .replace("NAME", name)
        .replace("JOSTLE_SCRIPT", &script)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: &str = "/a b/$x\"y";

    fn file(language: Language, name: &str) -> String {
        let files = folder("mine", language, ODD).into_iter();
        let mut found = files.filter(|(place, _)| place == Path::new(name));
        found.next().expect("there").1
    }

    #[test]
    fn a_path_is_written_as_each_language_wants_it() {
        let manifest = file(Language::Rust, "Cargo.toml");
        let user = "user = { path = \"/a b/$x\\\"y/user\", optional = true }\n";
        assert!(manifest.contains(user), "{manifest}");
        let makefile = file(Language::C, "Makefile");
        let script = "JOSTLE = '/a b/$$x\"y/jostle'\n";
        assert!(makefile.contains(script), "{makefile}");
    }

    /// A comment of the manifest names the tree: it must not go on in a line of its own.
    #[test]
    fn a_path_stays_in_its_line() {
        let text = manifest("mine", "/a\nb = 1");
        let second = text.lines().nth(1);
        assert_eq!(
            second,
            Some("# builds and runs it, and `cargo test` tests it.")
        );
    }

    /// Cargo runs tests in their package's folder, so a program in C needs its path.
    #[test]
    fn the_test_of_a_c_program_names_its_file_from_where_tests_run() {
        let text = test_in_tree("mine", Language::C);
        let named = "concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../c/examples/mine.c\")";
        assert!(text.contains(named), "{text}");
        assert!(test_in_tree("mine", Language::Rust).contains("program(\"mine\")"));
    }
}
