//! The cargo that builds for another target: the guest, or the machine for a browser.
//!
//! It is usually started from inside another cargo, whose settings are meant
//! for the host: RUSTFLAGS alone would silently replace the guest's. So what
//! could leak in is cleared, and what the guest needs is set, in the one variable
//! where a flag may hold a path with spaces.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::ladder::Route;
use super::plan::Plan;
use super::{remapped, target};
use crate::child_process;
use crate::filtered::Filtered;
use crate::workspace::Workspace;

/// Cleared always: they override or contradict what is set here.
const CLEARED: &[&str] = &[
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_TARGET_DIR",
    "CARGO_MAKEFLAGS",
    "MAKEFLAGS",
    "MFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_BOOTSTRAP",
    "RUSTDOCFLAGS",
];

/// What cargo has between flags, so that these may hold spaces.
const BETWEEN_FLAGS: &str = "\x1f";

/// Cleared when another toolchain than the active one is used: they would
/// lead back to the active one.
const CLEARED_FOR_DEBIAN: &[&str] = &[
    "RUSTUP_TOOLCHAIN",
    "CARGO",
    "RUSTC",
    "RUSTDOC",
    "RUSTC_WRAPPER",
    "LD_LIBRARY_PATH",
];

/// A cargo command for the plan's target: `cargo SUBCOMMAND` with target,
/// profile and folder. `folder` is relative to cargo's target folder.
pub fn command(workspace: &Workspace, plan: &Plan, subcommand: &str, folder: &str) -> Command {
    let target = workspace.target().join(folder);
    command_in(workspace.root(), plan, subcommand, &target, &[])
}

/// The same in whatever folder, with further flags for rustc.
fn command_in(
    folder: &Path,
    plan: &Plan,
    subcommand: &str,
    target: &Path,
    flags: &[String],
) -> Command {
    let mut command = child_process::command(&plan.toolchain.cargo);
    command.current_dir(folder);
    let environment = environment(plan, folder, flags);
    for variable in environment.removed {
        command.env_remove(variable);
    }
    command.envs(environment.set);
    command
        .arg(subcommand)
        .args(["--profile", plan.target.profile])
        .args(["--target", plan.target.triple, "--target-dir"])
        .arg(target);
    if plan.route.builds_core() {
        command.arg(format!("-Zbuild-std={}", plan.target.parts));
    }
    command
}

/// Cargo's last line, which it also prints when there was nothing to do.
fn is_ending(line: &str) -> bool {
    line.contains("Finished") && line.contains("` profile")
}

/// Builds packages; cargo's progress goes to standard error.
pub fn build(
    workspace: &Workspace,
    plan: &Plan,
    folder: &str,
    packages: &[&str],
) -> anyhow::Result<()> {
    let mut command = self::command(workspace, plan, "build", folder);
    command.args(packages);
    if carry_out(command, plan)? {
        return Ok(());
    }
    if let Some(error) = workspace.cannot_write() {
        bail!(
            "nothing could be built: {} cannot be written ({error}); \
             CARGO_TARGET_DIR=FOLDER in the environment has it built elsewhere",
            workspace.target().display()
        );
    }
    bail!("it could not be built; cargo's messages above say why");
}

/// Makes the pages of one of our crates for the guest, and returns the first.
pub fn document(workspace: &Workspace, plan: &Plan, package: &str) -> anyhow::Result<PathBuf> {
    let mut command = self::command(workspace, plan, "doc", "guest");
    command.args(["--no-deps", "-p", "abi", "-p", package]);
    if !carry_out(command, plan)? {
        bail!("the pages could not be made; cargo's messages above say why");
    }
    let folder = workspace.target().join("guest").join(plan.target.triple);
    Ok(folder.join("doc").join(package).join("index.html"))
}

/// The folder below a package of somebody's own where the guest's files go.
const OWN: &str = "target/guest";

/// What [`build_own`] makes.
pub fn own_output(folder: &Path, name: &str) -> PathBuf {
    let target = &target::GUEST;
    let place = folder.join(OWN).join(target.triple);
    place.join(target.profile).join(name)
}

/// Builds the program of a package that is not in this tree, as ours are built.
pub fn build_own(
    workspace: &Workspace,
    plan: &Plan,
    folder: &Path,
    name: &str,
) -> anyhow::Result<()> {
    let root = workspace.root().display();
    let mut flags = vec![
        format!("-Clink-arg=-T{root}/user/program.ld"),
        "-Clink-arg=-znorelro".to_owned(),
    ];
    if remapped::is_possible(&plan.toolchain) {
        flags.push(format!("--remap-path-prefix={root}=jostle"));
    }
    let mut command = command_in(folder, plan, "build", &folder.join(OWN), &flags);
    command.args(["--bin", name, "--features", "guest"]);
    if carry_out(command, plan)? {
        return Ok(());
    }
    bail!("{name} could not be built; cargo's messages above say why");
}

/// Whether cargo succeeds.
fn carry_out(mut command: Command, plan: &Plan) -> anyhow::Result<bool> {
    command.stdin(Stdio::null()).stdout(std::io::stderr());
    if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        // It cannot see the terminal behind our pipe.
        command.arg("--color=always");
    }
    let messages = Filtered::stderr(&mut command, is_ending).context("a pipe")?;
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", plan.toolchain.cargo.display()))?;
    drop(command);
    messages.finish();
    Ok(status.success())
}

struct Environment {
    removed: Vec<&'static str>,
    set: Vec<(String, OsString)>,
}

fn environment(plan: &Plan, root: &Path, further: &[String]) -> Environment {
    let mut removed = CLEARED.to_vec();
    let prefix = format!(
        "CARGO_TARGET_{}",
        plan.target.triple.to_ascii_uppercase().replace('-', "_")
    );
    let flags = [plan.linker.flags(), plan.target.flags].concat();
    let mut flags: Vec<String> = flags.into_iter().map(str::to_owned).collect();
    flags.extend(remapped::flags(&plan.toolchain, root));
    flags.extend_from_slice(further);
    let mut set = vec![
        (format!("{prefix}_LINKER"), plan.linker.path().into()),
        (
            "CARGO_ENCODED_RUSTFLAGS".into(),
            flags.join(BETWEEN_FLAGS).into(),
        ),
    ];
    if plan.route.builds_core() {
        // Building core is not a stable feature of cargo; this opens it for
        // this one command and changes nothing in the code that is compiled.
        set.push(("RUSTC_BOOTSTRAP".into(), "1".into()));
    }
    if plan.route == Route::DebianFromSource {
        removed.extend(CLEARED_FOR_DEBIAN);
        set.push(("RUSTC".into(), plan.toolchain.rustc.clone().into()));
    }
    Environment { removed, set }
}

#[cfg(test)]
mod tests {
    use super::super::linker::Linker;
    use super::super::target::GUEST;
    use super::super::toolchain::Toolchain;
    use super::*;

    fn plan(route: Route, linker: Linker) -> Plan {
        Plan {
            toolchain: Toolchain {
                rustc: "/usr/bin/rustc".into(),
                cargo: "/usr/bin/cargo".into(),
                verbose_version: String::new(),
                sysroot: "/usr".into(),
            },
            route,
            linker,
            target: &GUEST,
        }
    }

    fn value(environment: &Environment, name: &str) -> Option<String> {
        let (_, value) = environment.set.iter().find(|(key, _)| key == name)?;
        value.clone().into_string().ok()
    }

    #[test]
    fn the_hosts_flags_never_reach_the_guest() {
        let plan = plan(Route::Installed, Linker::Lld("/x/rust-lld".into()));
        let environment = environment(&plan, Path::new("/w"), &[]);
        for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
            assert!(environment.removed.contains(&name), "{name}");
        }
        // The same toolchain is meant: its choice must stay.
        assert!(!environment.removed.contains(&"RUSTUP_TOOLCHAIN"));
        assert_eq!(value(&environment, "RUSTC_BOOTSTRAP"), None);
        assert_eq!(
            value(&environment, "CARGO_TARGET_I586_UNKNOWN_LINUX_GNU_LINKER").as_deref(),
            Some("/x/rust-lld")
        );
        let flags = value(&environment, "CARGO_ENCODED_RUSTFLAGS").expect("set");
        assert!(flags.starts_with("-Clinker-flavor=ld.lld\x1f-C"), "{flags}");
    }

    #[test]
    fn debians_compiler_is_called_by_its_path() {
        let plan = plan(Route::DebianFromSource, Linker::Gnu("/usr/bin/ld".into()));
        let environment = environment(&plan, Path::new("/w"), &[]);
        for name in CLEARED_FOR_DEBIAN {
            assert!(environment.removed.contains(name), "{name}");
        }
        assert_eq!(
            value(&environment, "RUSTC").as_deref(),
            Some("/usr/bin/rustc")
        );
        assert_eq!(value(&environment, "RUSTC_BOOTSTRAP").as_deref(), Some("1"));
    }
}
