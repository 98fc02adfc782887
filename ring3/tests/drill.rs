//! The interpreter makes of every generated instruction what QEMU made of it.

mod common;

use common::drill::Interpreter;
use drill::groups::GROUPS;

/// The lines that the guest program prints, of this interpreter.
fn lines(step: u64) -> Vec<String> {
    let line = |group| {
        let digest = drill::run(group, &mut Interpreter::new(step), |_, _, _| ());
        drill::line(group, digest).to_string()
    };
    GROUPS.iter().map(line).collect()
}

fn recorded() -> Vec<&'static str> {
    let lines = drill::DIGESTS.lines();
    lines.filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn in_blocks() {
    assert_eq!(lines(u64::MAX), recorded());
}

#[test]
fn one_at_a_time() {
    assert_eq!(lines(1), recorded());
}
