//! Has Debian's compiler installed by the set-up script, which does the same
//! where there is no Rust yet to build this tool with.

use std::process::{Command, Stdio};

use crate::report::note;
use crate::workspace::Workspace;

/// Runs `./jostle setup WHAT`, which says what it does on standard error and
/// asks nothing. False if it failed or this machine has no apt.
pub fn ask_for(workspace: &Workspace, what: &str) -> bool {
    let script = workspace.script();
    if which::which("apt-get").is_err() || !script.exists() {
        return false;
    }
    note(format_args!("running ./jostle setup {what}"));
    Command::new("sh")
        .arg(script)
        .args(["setup", what])
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .is_ok_and(|status| status.success())
}
