//! The toolchain, route and linker for this machine, found once a run.
//!
//! Only one step of the ladder is slow: asking rustup for the target. Its
//! refusal is remembered under `target/`, for the very toolchain that was
//! asked about, so that a second run does not wait for the network again.

use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::bail;

use super::ladder::{self, Facts, Route};
use super::linker::Linker;
use super::target::{GUEST, Target};
use super::toolchain::Toolchain;
use crate::child_process;
use crate::report::note;
use crate::setup_script;
use crate::workspace::Workspace;

/// How long rustup may take to fetch the target.
const RUSTUP_LIMIT: Duration = Duration::from_secs(90);

/// How something is built on this machine.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Compiles it.
    pub toolchain: Toolchain,
    /// Where its library comes from.
    pub route: Route,
    /// Links it.
    pub linker: Linker,
    /// What for.
    pub target: &'static Target,
}

/// What was found, before anything is decided or changed.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The toolchain that cargo uses here.
    pub active: Toolchain,
    /// Debian's, looked for only where the active one cannot do it alone.
    pub debian: Option<Toolchain>,
    /// The same as the ladder sees it.
    pub facts: Facts,
}

impl Survey {
    /// Looks around.
    pub fn take(workspace: &Workspace, target: &'static Target) -> anyhow::Result<Self> {
        let active = Toolchain::active()?;
        let has = active.has(target);
        let debian = if has.core || has.source {
            None
        } else {
            Toolchain::debian()
        };
        let facts = Facts {
            active: has,
            rustup: active.rustup_name().is_some(),
            rustup_refused: std::fs::read_to_string(refusal_file(workspace, target))
                .is_ok_and(|refused| refused == refusal_key(&active)),
            debian: debian.as_ref().map(|debian| debian.has(target)),
        };
        Ok(Self {
            active,
            debian,
            facts,
        })
    }
}

impl Plan {
    /// Decides, and fetches the target with rustup if that is the way. Where
    /// no route is left, Debian's compiler is installed beside the active one.
    pub fn make(workspace: &Workspace) -> anyhow::Result<Self> {
        Self::make_for(workspace, &GUEST)
    }

    /// As [`Plan::make`], for a target.
    pub fn make_for(workspace: &Workspace, target: &'static Target) -> anyhow::Result<Self> {
        let survey = Survey::take(workspace, target)?;
        if let Some(plan) = Self::first_that_works(workspace, &survey, target)? {
            return Ok(plan);
        }
        if setup_script::ask_for(workspace, "debian-rust") {
            let survey = Survey::take(workspace, target)?;
            if let Some(plan) = Self::first_that_works(workspace, &survey, target)? {
                return Ok(plan);
            }
        }
        bail!(
            "this Rust ({}) has no {} library for {}, and no way to get one: {}",
            survey.active.version(),
            target.library,
            target.triple,
            ladder::remedy(survey.facts, target.triple)
        )
    }

    fn first_that_works(
        workspace: &Workspace,
        survey: &Survey,
        target: &'static Target,
    ) -> anyhow::Result<Option<Self>> {
        for route in ladder::candidates(survey.facts) {
            if route == Route::RustupTarget && !add_target(&survey.active, target) {
                remember_refusal(workspace, &survey.active, target);
                continue;
            }
            let toolchain = match (route, &survey.debian) {
                (Route::DebianFromSource, Some(debian)) => debian,
                _ => &survey.active,
            };
            let Some(linker) = Linker::find(target, &toolchain.sysroot, toolchain.host()) else {
                bail!(
                    "no linker for {} found: install lld (Debian: apt-get install lld)",
                    target.triple
                );
            };
            return Ok(Some(Self {
                toolchain: toolchain.clone(),
                route,
                linker,
                target,
            }));
        }
        Ok(None)
    }
}

fn refusal_file(workspace: &Workspace, target: &Target) -> PathBuf {
    let name = format!("{}-target-refused", target.profile);
    workspace.target().join(name)
}

fn refusal_key(toolchain: &Toolchain) -> String {
    format!(
        "{}{}\n",
        toolchain.verbose_version,
        toolchain.sysroot.display()
    )
}

fn remember_refusal(workspace: &Workspace, toolchain: &Toolchain, target: &Target) {
    let file = refusal_file(workspace, target);
    // Not being able to remember costs time on the next run, nothing else.
    let _ = std::fs::create_dir_all(workspace.target());
    let _ = std::fs::write(file, refusal_key(toolchain));
}

/// `rustup target add`, with a time limit. Failure is not an error: there are
/// other ways.
fn add_target(toolchain: &Toolchain, target: &Target) -> bool {
    let Some(name) = toolchain.rustup_name() else {
        return false;
    };
    note(format_args!(
        "adding the {} library for {} to the Rust toolchain {name} (about 25 MB, once)",
        target.library, target.triple
    ));
    let child = child_process::command("rustup")
        .args(["target", "add", target.triple, "--toolchain", name])
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .spawn();
    let added = child.is_ok_and(|child| wait_within(child, RUSTUP_LIMIT));
    if !added {
        note("rustup could not add it; trying another way");
    }
    added && toolchain.has(target).core
}

fn wait_within(mut child: Child, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            Ok(Some(status)) => return ExitStatus::success(&status),
            Err(_) => break,
        }
    }
    // It may have ended just now; either way it must not be left behind.
    let _ = child.kill();
    let _ = child.wait();
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_helper_is_given_up() {
        let sleep = |seconds| {
            child_process::command("sleep")
                .arg(seconds)
                .spawn()
                .expect("sleep starts")
        };
        let start = Instant::now();
        assert!(!wait_within(sleep("30"), Duration::from_millis(200)));
        assert!(start.elapsed() < Duration::from_secs(10));
        assert!(wait_within(sleep("0"), Duration::from_secs(20)));
    }
}
