//! `jostle doctor`: what was found on this machine, what was chosen, and what
//! to do about what is missing. It changes nothing.

use std::path::Path;

use crate::build::c;
use crate::build::ladder;
use crate::build::linker::Linker;
use crate::build::plan::Survey;
use crate::build::target::GUEST;
use crate::external::{self, External, Found, first_line};
use crate::report::result;
use crate::status;
use crate::workspace::Workspace;

/// Prints the findings; the status says whether everything is there.
pub fn doctor() -> anyhow::Result<u8> {
    let workspace = Workspace::locate();
    let mut report = Report { complete: true };
    report.found("sources", workspace.root().display());
    report.found("built things", workspace.target().display());
    rust(&workspace, &mut report);
    match external::cache::folder() {
        Some(folder) => report.found("private copies", private_copies(&folder)),
        None => report.found("private copies", "no folder of yours can be written"),
    }
    c_compiler(&mut report);
    qemu(&mut report);
    optional(&external::GDB, "gdb", &mut report);
    optional(&external::GRUB, "image", &mut report);
    match which::which("setpriv") {
        Ok(path) => report.found(
            "setpriv",
            format_args!("{} (ends QEMU if the tool is killed)", path.display()),
        ),
        Err(_) => report.found(
            "setpriv",
            "not there: QEMU would survive a kill -9 of jostle (util-linux has it)",
        ),
    }
    result(if report.complete {
        "everything is there\n"
    } else {
        "`./jostle setup` gets what is missing on Debian and Ubuntu\n"
    });
    Ok(if report.complete {
        status::CLEAN
    } else {
        status::FAILURE
    })
}

fn rust(workspace: &Workspace, report: &mut Report) {
    let survey = match Survey::take(workspace, &GUEST) {
        Ok(survey) => survey,
        Err(error) => {
            report.missing(
                "rust",
                format_args!("{error:#}; install it from https://rustup.rs"),
            );
            return;
        }
    };
    report.found(
        "rust",
        format_args!(
            "{} in {}",
            survey.active.version(),
            survey.active.sysroot.display()
        ),
    );
    if let Some(debian) = &survey.debian {
        report.found("debian's rust", debian.version());
    }
    let routes = ladder::candidates(survey.facts);
    match routes.first() {
        Some(route) => report.found("core library", route),
        None => report.missing("core library", ladder::remedy(survey.facts, GUEST.triple)),
    }
    for (number, route) in routes.iter().enumerate().skip(1) {
        report.found(if number == 1 { "  if that fails" } else { "" }, route);
    }
    match Linker::find(&GUEST, &survey.active.sysroot, survey.active.host()) {
        Some(linker) => report.found("linker", linker.path().display()),
        None => report.missing("linker", "apt-get install lld"),
    }
    for (tool, remedy) in [
        (
            "fmt",
            "rustup component add rustfmt (Debian: apt-get install rustfmt-web)",
        ),
        (
            "clippy",
            "rustup component add clippy (Debian: apt-get install rust-web-clippy)",
        ),
    ] {
        match first_line(&survey.active.cargo, &[tool, "--version"]) {
            Some(version) => report.found(tool, version),
            None => report.missing(tool, remedy),
        }
    }
}

/// One that makes programs for the guest; programs in Rust need none.
fn c_compiler(report: &mut Report) {
    match c::compiler() {
        Some(path) => report.found("C for i386", path.display()),
        None => report.found(
            "C for i386",
            format_args!("not there, which only programs in C need: {}", c::REMEDY),
        ),
    }
}

fn qemu(report: &mut Report) {
    match external::QEMU.find() {
        Some(found) => {
            let version = found.version().unwrap_or_default();
            report.found("qemu", format_args!("{version} ({})", place(&found)));
        }
        None => report.missing("qemu", external::QEMU.remedy),
    }
}

/// What one command needs and the others do not.
fn optional(needed: &External, command: &str, report: &mut Report) {
    match needed.find() {
        Some(found) => report.found(needed.name, place(&found)),
        None => report.found(
            needed.name,
            format_args!("not there; obtained when `jostle {command}` is first used"),
        ),
    }
}

fn place(found: &Found) -> String {
    match &found.private {
        Some(folder) => format!("private copy in {}", folder.display()),
        None => found.path.display().to_string(),
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

struct Report {
    complete: bool,
}

impl Report {
    fn found(&mut self, what: &str, value: impl std::fmt::Display) {
        result(format_args!("{what:<16} {value}\n"));
    }

    fn missing(&mut self, what: &str, remedy: impl std::fmt::Display) {
        self.complete = false;
        result(format_args!("{what:<16} MISSING: {remedy}\n"));
    }
}
