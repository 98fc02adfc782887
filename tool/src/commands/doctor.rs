//! `jostle doctor`: what was found on this machine, what was chosen, and what
//! to do about what is missing. It changes nothing.
//!
//! The hard thing is to agree with `jostle setup`, which gets what is missing: so that one
//! ends with what is found here, and what it can get is said with its own words.

mod pieces;

use std::path::Path;

use self::pieces::Piece;
use crate::build::ladder;
use crate::build::linker::Linker;
use crate::build::plan::Survey;
use crate::build::target::GUEST;
use crate::commands::book;
use crate::external::{self, External, Found, first_line};
use crate::report::result;
use crate::status;
use crate::workspace::Workspace;

/// Something that was looked for.
pub struct Finding {
    /// What it is called.
    pub what: &'static str,
    /// What was found.
    pub state: State,
}

/// What was found.
pub enum State {
    /// This; or that it is not there, and who would miss it.
    Fine(String),
    /// Nothing, and this is what to do.
    Missing(String),
}

/// Prints the findings; the status says whether everything is there.
pub fn doctor() -> anyhow::Result<u8> {
    let findings = findings(&Workspace::locate());
    for Finding { what, state } in &findings {
        match state {
            State::Fine(found) => result(format_args!("{what:<16} {found}\n")),
            State::Missing(remedy) => result(format_args!("{what:<16} MISSING: {remedy}\n")),
        }
    }
    if missing(&findings).next().is_some() {
        return Ok(status::FAILURE);
    }
    result("everything is there\n");
    Ok(status::CLEAN)
}

/// What is missing among these, and what to do.
pub fn missing(findings: &[Finding]) -> impl Iterator<Item = (&'static str, &str)> {
    findings.iter().filter_map(|finding| match &finding.state {
        State::Missing(remedy) => Some((finding.what, remedy.as_str())),
        State::Fine(_) => None,
    })
}

/// Looks for everything.
pub fn findings(workspace: &Workspace) -> Vec<Finding> {
    let mut report = Report(Vec::new());
    report.fine("sources", workspace.root().display());
    report.fine("built things", workspace.target().display());
    rust(workspace, &mut report);
    match external::cache::folder() {
        Some(folder) => report.fine("private copies", private_copies(&folder)),
        None => report.fine("private copies", "no folder of yours can be written"),
    }
    let path = |program: &str| which::which(program).ok();
    let shown = |path: std::path::PathBuf| path.display().to_string();
    report.piece(Piece::Cc, path("cc").map(shown));
    report.piece(Piece::GuestC, crate::build::c::compiler().map(shown));
    for external in external::ALL {
        report.piece(
            Piece::External(external),
            external.find().map(|found| place(external, &found)),
        );
    }
    report.piece(Piece::MdBook, book::find(workspace).map(shown));
    let setpriv = path("setpriv").map(shown);
    report.piece(
        Piece::Setpriv,
        setpriv.map(|path| path + " (ends QEMU if the tool is killed)"),
    );
    report.0
}

fn rust(workspace: &Workspace, report: &mut Report) {
    let survey = match Survey::take(workspace, &GUEST) {
        Ok(survey) => survey,
        Err(error) => {
            let remedy = Piece::Rust.remedy();
            report.missing("rust", format_args!("{error:#}; {remedy}"));
            return;
        }
    };
    report.fine(
        "rust",
        format_args!(
            "{} in {}",
            survey.active.version(),
            survey.active.sysroot.display()
        ),
    );
    if let Some(debian) = &survey.debian {
        report.fine("debian's rust", debian.version());
    }
    let routes = ladder::candidates(survey.facts);
    let core = Piece::Core(ladder::remedy(survey.facts, GUEST.triple));
    report.piece(core, routes.first().map(ToString::to_string));
    for (number, route) in routes.iter().enumerate().skip(1) {
        report.fine(if number == 1 { "  if that fails" } else { "" }, route);
    }
    let linker = Linker::find(&GUEST, &survey.active.sysroot, survey.active.host());
    let linker = linker.map(|linker| linker.path().display().to_string());
    report.piece(Piece::Linker, linker);
    for (piece, tool) in [(Piece::Fmt, "fmt"), (Piece::Clippy, "clippy")] {
        report.piece(
            piece,
            first_line(&survey.active.cargo, &[tool, "--version"]),
        );
    }
}

/// Where a program of others is, and which one, where that matters.
fn place(external: &External, found: &Found) -> String {
    let place = match &found.private {
        Some(folder) => format!("private copy in {}", folder.display()),
        None => found.path.display().to_string(),
    };
    match found.version().filter(|_| external.is_needed()) {
        Some(version) => format!("{version} ({place})"),
        None => place,
    }
}

/// Where they are or would be, and what they take.
fn private_copies(folder: &Path) -> String {
    let size = external::cache::size(folder).div_ceil(1_000_000);
    format!(
        "{} ({size} MB; `jostle clean --all` removes them)",
        folder.display()
    )
}

struct Report(Vec<Finding>);

impl Report {
    fn fine(&mut self, what: &'static str, value: impl std::fmt::Display) {
        let state = State::Fine(value.to_string());
        self.0.push(Finding { what, state });
    }

    fn missing(&mut self, what: &'static str, remedy: impl std::fmt::Display) {
        let state = State::Missing(remedy.to_string());
        self.0.push(Finding { what, state });
    }

    /// What was found of a piece, or what to do if nothing was.
    fn piece(&mut self, piece: Piece, found: Option<String>) {
        match (found, piece.who_misses_it()) {
            (Some(found), _) => self.fine(piece.name(), found),
            (None, None) => self.missing(piece.name(), piece.remedy()),
            (None, Some(who)) => {
                let remedy = piece.remedy();
                self.fine(piece.name(), format_args!("not there, {who}: {remedy}"));
            }
        }
    }
}
