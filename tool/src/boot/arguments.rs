//! What the options of a run say to the kernel, and to QEMU beside the machine.
//!
//! The hard thing is that the user has the last word: what we would say is left
//! out as soon as the user says anything about it.

use std::ffi::OsString;

use firmware::options::{BootOptions, End};

use crate::build::guest::Kernel;
use crate::cli::Run;
use crate::plants;
use crate::qemu::conversation::Asks;

/// The one that understands these arguments. The simulated machine boots none.
pub fn kernel_for(options: &Run) -> Kernel {
    let mut words = options.append.split_whitespace();
    if options.simulation().is_none() && words.any(plants::wakes) {
        Kernel::Planted
    } else {
        Kernel::Plain
    }
}

/// A port for somebody else's gdb. Whoever connects rules the machine, so only
/// from this one.
pub fn debugging(options: &Run) -> Vec<OsString> {
    let mut words = Vec::new();
    if let Some(port) = options.gdb_port {
        words.extend(["-gdb".into(), format!("tcp:127.0.0.1:{port}").into()]);
    }
    if options.stopped {
        words.push("-S".into());
    }
    words
}

/// The user's own arguments come last, and replace what we would say.
pub fn kernel_args(options: &Run) -> String {
    let given = |key: &str| {
        options
            .append
            .split_whitespace()
            .any(|word| word.split('=').next() == Some(key))
    };
    let mut words = Vec::new();
    // At the prompt they would be in the way.
    if !given("lifecycle") && options.program.is_some() {
        words.push("lifecycle=on");
    }
    if options.monitor && !given("end") {
        words.push("end=monitor");
    }
    if options.record.is_some() && !given("record") {
        words.push("record=on");
    }
    if options.trace.is_some() && !given("trace") {
        words.push("trace=on");
    }
    words.extend(options.append.split_whitespace());
    words.join(" ")
}

/// Whether the kernel behaves as graders expect.
pub fn is_for_graders(options: &Run) -> bool {
    told(options).grading
}

/// What the kernel is told.
fn told(options: &Run) -> BootOptions {
    // The parser skips the kernel's path.
    let line = format!("/ {}", kernel_args(options));
    BootOptions::parse(line.as_bytes(), |_| ())
}

/// Who in the guest waits for input, and shows it; a program may all the same.
pub fn who_asks(options: &Run, has_prompt: bool) -> Option<Asks> {
    let told = told(options);
    match (has_prompt, told.end == End::Monitor) {
        (true, true) => Some(Asks::Both),
        (true, false) => Some(Asks::Prompt),
        (false, true) if !told.grading => Some(Asks::Monitor),
        (false, _) if told.grading => Some(Asks::Anybody),
        (false, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::run_options as options;

    fn args_for(words: &[&str]) -> String {
        kernel_args(&options(words).expect("valid"))
    }

    #[test]
    fn the_user_has_the_last_word() {
        assert_eq!(args_for(&["hello"]), "lifecycle=on");
        assert_eq!(args_for(&[]), "");
        assert_eq!(args_for(&["--with", "type=fs:hello"]), "");
        assert_eq!(
            args_for(&["hello", "--append", "lifecycle=off  quantum=500"]),
            "lifecycle=off quantum=500"
        );
        assert_eq!(
            args_for(&["hello", "--monitor", "--record", "r"]),
            "lifecycle=on end=monitor record=on"
        );
        assert_eq!(
            args_for(&["hello", "--trace", "t"]),
            "lifecycle=on trace=on"
        );
        // A key that merely begins alike is another key.
        assert_eq!(
            args_for(&["hello", "--append", "lifecycles=1"]),
            "lifecycle=on lifecycles=1"
        );
    }

    #[test]
    fn a_planted_bug_needs_its_own_kernel() {
        let kernel_for = |words: &[&str]| kernel_for(&options(words).expect("valid"));
        assert_eq!(kernel_for(&[]), Kernel::Plain);
        assert_eq!(kernel_for(&["--append", "lifecycle=on"]), Kernel::Plain);
        let planted = ["--append", "quantum=1 plant=x"];
        assert_eq!(kernel_for(&planted), Kernel::Planted);
        let simulated = [&planted[..], &["--machine", "sim"]].concat();
        assert_eq!(kernel_for(&simulated), Kernel::Plain);
    }
}
