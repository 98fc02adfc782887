//! The files of the page: those of `page/web/` and three that are made here: the
//! machine, our programs and the runs of the lesson, as scripts.
//!
//! The hard thing is that the page must work from a disk, where it may load scripts and
//! nothing else; so everything is a script, and no request is made to anybody.

use std::fmt::Write as _;
use std::fs;

use anyhow::Context;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::lesson;
use crate::build::guest::Kernel;
use crate::build::{archive, wasm};
use crate::host::Host;
use crate::programs::{self, PROMPT};
use crate::workspace::Workspace;

/// A file of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageFile {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// The files of `page/web/`.
pub const WRITTEN: [&str; 13] = [
    "index.html",
    "lostwake.html",
    "style.css",
    "names.js",
    "machine.js",
    "strokes.js",
    "timeline.js",
    "panels.js",
    "link.js",
    "selftest.js",
    "main.js",
    "lostwake.js",
    "icon.svg",
];
/// The machine, as a script.
pub const MACHINE: &str = "wasm.js";
/// Our programs, as a script.
pub const PROGRAMS: &str = "programs.js";

/// The runs of the lesson, as a script.
pub const LESSON: &str = "lostwake-runs.js";

/// Everything that the page consists of; builds what has to be.
pub fn files() -> anyhow::Result<Vec<PageFile>> {
    let host = Host::without_emulator()?;
    let workspace = &host.workspace;
    let guest = host.guest(Kernel::Plain)?;
    archive::build(workspace, guest)?;
    let machine = fs::read(wasm::build(workspace)?).context("the machine")?;
    let prompt = fs::read(guest.program(PROMPT)).context(PROMPT)?;
    let prompt = archive::without_symbols(prompt).context(PROMPT)?;
    let sources = workspace.root().join("page/web");
    let read = |name: &&str| {
        let path = sources.join(name);
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        Ok(PageFile {
            name: (*name).into(),
            bytes,
        })
    };
    let mut files = WRITTEN
        .iter()
        .map(read)
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut add = |name: &str, script: String| {
        files.push(PageFile {
            name: name.into(),
            bytes: script.into_bytes(),
        });
    };
    let encoded = BASE64_STANDARD.encode(machine);
    add(MACHINE, format!("window.JOSTLE_WASM = \"{encoded}\";\n"));
    add(PROGRAMS, programs_script(workspace, &prompt)?);
    add(LESSON, lesson::script(&host)?);
    Ok(files)
}

/// The programs: the archive as it is, where in it each is and what it does, and the
/// prompt.
fn programs_script(workspace: &Workspace, prompt: &[u8]) -> anyhow::Result<String> {
    let path = archive::path(workspace);
    let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
    let mut list = Vec::new();
    for entry in tar::Archive::new(&bytes[..]).entries()? {
        let entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        if let Some(name) = path.strip_prefix("bin/") {
            let what = programs::description(&workspace.program_sources(), name)?;
            list.push(serde_json::json!([
                name,
                what,
                entry.raw_file_position(),
                entry.size()
            ]));
        }
    }
    let mut script = String::new();
    let list = serde_json::Value::from(list);
    let [archive, prompt] = [&bytes[..], prompt].map(|bytes| BASE64_STANDARD.encode(bytes));
    writeln!(
        script,
        "window.JOSTLE_PROGRAMS = {{\"list\": {list},\n\"archive\": \"{archive}\",\n\
         \"prompt\": \"{prompt}\"}};"
    )?;
    Ok(script)
}
