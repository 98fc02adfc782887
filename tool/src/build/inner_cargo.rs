//! The environment of the cargo that builds the guest.
//!
//! It is usually started from inside another cargo, whose settings are meant
//! for the host: RUSTFLAGS alone would silently replace the guest's. So what
//! could leak in is cleared, and what the guest needs is set.

use std::ffi::OsString;
use std::process::Command;

use super::TARGET;
use super::ladder::Route;
use super::plan::Plan;
use crate::child_process;
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

/// Code for the guest: fixed addresses, frame pointers for backtraces.
const GUEST_FLAGS: &[&str] = &[
    "-Crelocation-model=static",
    "-Cforce-frame-pointers=yes",
    "-Cpanic=abort",
];

/// A cargo command for the guest's target: `cargo SUBCOMMAND` with target,
/// profile and folder. `folder` is relative to cargo's target folder.
pub fn command(workspace: &Workspace, plan: &Plan, subcommand: &str, folder: &str) -> Command {
    let mut command = child_process::command(&plan.toolchain.cargo);
    command.current_dir(workspace.root());
    let environment = environment(plan);
    for variable in environment.removed {
        command.env_remove(variable);
    }
    command.envs(environment.set);
    command
        .arg(subcommand)
        .args(["--profile", "guest", "--target", TARGET, "--target-dir"])
        .arg(workspace.target().join(folder));
    if plan.route.builds_core() {
        command.arg("-Zbuild-std=core,alloc,compiler_builtins");
    }
    command
}

struct Environment {
    removed: Vec<&'static str>,
    set: Vec<(String, OsString)>,
}

fn environment(plan: &Plan) -> Environment {
    let mut removed = CLEARED.to_vec();
    let prefix = format!(
        "CARGO_TARGET_{}",
        TARGET.to_ascii_uppercase().replace('-', "_")
    );
    let flags = [plan.linker.flags(), GUEST_FLAGS].concat().join(" ");
    let mut set = vec![
        (format!("{prefix}_LINKER"), plan.linker.path().into()),
        (format!("{prefix}_RUSTFLAGS"), flags.into()),
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
        }
    }

    fn value(environment: &Environment, name: &str) -> Option<String> {
        let (_, value) = environment.set.iter().find(|(key, _)| key == name)?;
        value.clone().into_string().ok()
    }

    #[test]
    fn the_hosts_flags_never_reach_the_guest() {
        let plan = plan(Route::Installed, Linker::Lld("/x/rust-lld".into()));
        let environment = environment(&plan);
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
        let flags = value(
            &environment,
            "CARGO_TARGET_I586_UNKNOWN_LINUX_GNU_RUSTFLAGS",
        );
        assert!(flags.is_some_and(|flags| flags.starts_with("-Clinker-flavor=ld.lld -C")));
    }

    #[test]
    fn debians_compiler_is_called_by_its_path() {
        let plan = plan(Route::DebianFromSource, Linker::Gnu("/usr/bin/ld".into()));
        let environment = environment(&plan);
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
