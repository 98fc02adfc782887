//! `jostle book`: this book, as pages for a browser.
//!
//! mdBook makes it, from `book.toml` and `docs/`. The hard thing is that few have mdBook, and
//! that building it takes minutes: so it is obtained only here, in a pinned version, and kept
//! in the tree's own folder. Tests on one's own machine use it where it is, and get none.

mod links;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};

use self::links::Pages;
use crate::child_process;
use crate::host_cargo;
use crate::opener;
use crate::report::{note, result};
use crate::status;
use crate::workspace::Workspace;

/// The version that is installed where there is none.
const VERSION: &str = "0.5.4";
/// What another one's must begin with, or its pages look otherwise.
const SAME: &str = "mdbook v0.5.";
/// The folder of the pages, as in `book.toml`.
pub const FOLDER: &str = "book";

/// Makes the pages, looks where their links lead, and says where they are.
pub fn book(open: bool, sources: Option<&str>) -> anyhow::Result<u8> {
    let workspace = Workspace::locate();
    let program = match find(&workspace) {
        Some(program) => program,
        None => obtain(&workspace)?,
    };
    build(&program, workspace.root())?;
    let pages = read(workspace.root(), Path::new(FOLDER))?;
    let (links, dead) = links::dead(&pages, |path| workspace.root().join(path).exists());
    note(format_args!("{} pages, {links} links", pages.len()));
    if !dead.is_empty() {
        bail!("links that lead nowhere: {}", dead.join(", "));
    }
    if let Some(address) = sources {
        for (path, text) in &pages {
            let led = links::led_away(path, text, Path::new(FOLDER), address);
            fs::write(workspace.root().join(path), led)
                .with_context(|| path.display().to_string())?;
        }
    }
    let first = workspace.root().join(FOLDER).join("index.html");
    result(format_args!("{}\n", first.display()));
    if open {
        return opener::open(&first);
    }
    Ok(status::CLEAN)
}

/// mdBook, if it is there: ours, or one in the search path that makes the same pages.
pub fn find(workspace: &Workspace) -> Option<PathBuf> {
    let ours = place(workspace).join("bin/mdbook");
    let others = which::which("mdbook").ok();
    [Some(ours), others].into_iter().flatten().find(|program| {
        let told = child_process::command(program)
            .arg("--version")
            .stdin(Stdio::null())
            .output();
        told.is_ok_and(|told| told.stdout.starts_with(SAME.as_bytes()))
    })
}

/// Where ours is or would be.
fn place(workspace: &Workspace) -> PathBuf {
    workspace.target().join("mdbook")
}

fn obtain(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let place = place(workspace);
    note(format_args!(
        "mdBook {VERSION} is fetched from crates.io and built, once: several minutes, 300 MB below {}",
        place.display()
    ));
    // Its own folder for what is built: this tree's has another profile.
    let built = host_cargo::command(workspace, "install")
        .args(["mdbook", "--version", VERSION])
        .args(["--locked", "--no-default-features", "--quiet", "--root"])
        .arg(&place)
        .env("CARGO_TARGET_DIR", place.join("build"))
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .context("cannot start cargo")?;
    if !built.success() {
        bail!("mdBook could not be obtained; cargo's messages above say why");
    }
    // Most of the 300 MB, and nobody needs them again.
    let _ = fs::remove_dir_all(place.join("build"));
    find(workspace).context("mdBook was installed, and does not start")
}

fn build(program: &Path, root: &Path) -> anyhow::Result<()> {
    let output = child_process::command(program)
        .arg("build")
        .arg(root)
        .stdin(Stdio::null())
        .output()
        .with_context(|| program.display().to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    bail!("mdBook made no book: {}", one_line(&said));
}

/// What mdBook says of an error, without the lines about how far it came.
fn one_line(said: &str) -> String {
    let lines = said.lines().filter(|line| !line.contains("INFO"));
    lines.map(str::trim).collect::<Vec<_>>().join(" ")
}

/// The pages below a folder.
fn read(root: &Path, folder: &Path) -> anyhow::Result<Pages> {
    let mut pages = Pages::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let there = root.join(&folder);
        for entry in fs::read_dir(&there).with_context(|| there.display().to_string())? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "html")
            {
                let text =
                    fs::read_to_string(entry.path()).with_context(|| path.display().to_string())?;
                pages.insert(path, text);
            }
        }
    }
    Ok(pages)
}
