//! `jostle new`: a program of one's own to begin with, and its test.
//!
//! It builds, runs and passes its test before anybody has changed a line. The hard thing is
//! to leave nothing behind if something goes wrong: all that can be is checked first, and
//! what was written is removed if the rest cannot be.

mod files;
mod name;
mod template;

use std::path::Path;

use anyhow::Context;

use self::files::Files;
use self::template::Language;
use crate::called;
use crate::cli::New;
use crate::quoting::shell_word;
use crate::regular_file::refusal;
use crate::report::result;
use crate::status::usage;
use crate::workspace::Workspace;

/// Writes the program's files, and says what to do with them.
pub fn new(options: &New) -> anyhow::Result<u8> {
    let workspace = Workspace::locate();
    let language = match options.in_c {
        true => Language::C,
        false => Language::Rust,
    };
    name::check(&workspace, &options.name)?;
    let said = match &options.folder {
        Some(folder) => in_folder(&workspace, &options.name, language, folder)?,
        None => in_tree(&workspace, &options.name, language)?,
    };
    result(said);
    Ok(crate::status::CLEAN)
}

/// Among our programs.
fn in_tree(workspace: &Workspace, name: &str, language: Language) -> anyhow::Result<String> {
    name::check_free(workspace, name)?;
    let program = template::place_in_tree(name, language);
    let test = format!("testing/tests/{name}.rs");
    let root = workspace.root();
    let mut files = Files::default();
    files.add(root.join(&program), template::source(name, language));
    files.add(root.join(&test), template::test_in_tree(name, language));
    files.write()?;
    let word = match language {
        Language::Rust => name.to_owned(),
        Language::C => program.clone(),
    };
    let jostle = called::here();
    Ok(format!(
        "{program}: the program\n\
         {test}: its test\n\
         run it:  {jostle} run {word}\n\
         test it: cargo test -p jostle-test --test {name}\n"
    ))
}

/// In a folder of its own.
fn in_folder(
    workspace: &Workspace,
    name: &str,
    language: Language,
    folder: &Path,
) -> anyhow::Result<String> {
    check_empty(folder)?;
    let tree = workspace.root().to_str();
    let tree = tree.with_context(|| format!("{}: not text", workspace.root().display()))?;
    let mut files = Files::default();
    for (place, text) in template::folder(name, language, tree) {
        files.add(folder.join(place), text);
    }
    if language == Language::Rust {
        // The versions that the tree was tested with, which are on this machine already.
        let lock = workspace.root().join("Cargo.lock");
        let text = std::fs::read_to_string(&lock).with_context(|| lock.display().to_string())?;
        files.add(folder.join("Cargo.lock"), text);
    }
    files.write()?;
    let jostle = shell_word(workspace.script().as_os_str());
    let shown = shell_word(folder.as_os_str());
    let (source, test) = match language {
        Language::Rust => ("src/main.rs".to_owned(), "cargo test"),
        Language::C => (format!("{name}.c"), "make test"),
    };
    Ok(format!(
        "{source} in {shown}: the program\n\
         run it:  cd {shown} && {jostle} run ./\n\
         test it: cd {shown} && {test}\n"
    ))
}

/// Refuses a folder with something in it.
pub fn check_empty(folder: &Path) -> anyhow::Result<()> {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(refusal(folder, "the folder is not empty")),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if folder.as_os_str().is_empty() {
                return Err(usage("the folder has no name"));
            }
            Ok(())
        }
        Err(error) => Err(refusal(folder, error)),
    }
}
