//! Child processes that cannot outlive the tool.
//!
//! The code that watches a child handles the signals that can be caught. This
//! module handles the one that cannot: if the tool is killed outright, the
//! host's kernel kills the child. Asking for that takes a system call between
//! fork and exec, which safe Rust does not offer; util-linux's `setpriv` does.

use std::ffi::OsStr;
use std::process::Command;
use std::sync::OnceLock;

/// A command for `program`, which is killed when the calling thread ends.
/// Without `setpriv` (not Linux, or a very small system) it is a plain command.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    static SETPRIV: OnceLock<Option<std::path::PathBuf>> = OnceLock::new();
    match SETPRIV.get_or_init(find_setpriv) {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            command
        }
        None => Command::new(program),
    }
}

/// `setpriv`, if it knows the option (util-linux 2.33 and later; busybox's does not).
fn find_setpriv() -> Option<std::path::PathBuf> {
    let path = which::which("setpriv").ok()?;
    let probe = Command::new(&path)
        .args(["--pdeathsig", "KILL", "--", "true"])
        .output()
        .ok()?;
    probe.status.success().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_and_status_pass_through() {
        let output = command("sh")
            .args(["-c", "printf '%s' \"$1\"; exit 7", "sh", "--odd arg"])
            .output()
            .expect("sh starts");
        assert_eq!(output.stdout, b"--odd arg");
        assert_eq!(output.status.code(), Some(7));
    }
}
