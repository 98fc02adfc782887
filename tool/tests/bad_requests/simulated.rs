//! What the simulated machine has not, and what makes no sense in a debugger.
//!
//! The hard thing is an option that is accepted and does nothing: nobody would notice.

use super::refused;

#[test]
fn what_the_simulated_machine_has_not() {
    let simulated =
        |words: &[&str]| refused(&[&["run", "hello", "--machine", "sim"], words].concat());
    for (words, named) in [
        (&["--icount"][..], "--icount"),
        (&["--gdb-port", "1234"], "--gdb-port"),
        (&["--monitor"], "--monitor"),
        (&["--nic", "e1000"], "--nic"),
        (&["--append", "grading"], "grading"),
        (&["--append", "end=monitor"], "end=monitor"),
        (&["--append", "boottime=on"], "boottime=on"),
    ] {
        let refusal = simulated(words);
        let says = refusal.contains("the simulated machine") && refusal.contains(named);
        assert!(says, "{refusal}");
    }
    let refusal = simulated(&["--append", "plant=nonsense"]);
    assert!(
        refusal.contains("no such planted bug: nonsense"),
        "{refusal}"
    );
    assert!(refused(&["gdb", "hello", "--machine", "sim"]).contains("jostle debug"));
    // They decide nothing in QEMU.
    for words in [
        &["--seed", "1"][..],
        &["--pace", "fair"],
        &["--store-buffers"],
        &["--audit"],
    ] {
        let refusal = refused(&[&["run", "hello"], words].concat());
        assert!(refusal.contains("--machine sim"), "{refusal}");
    }
    simulated(&["--pace", "slow"]);
    simulated(&["--seed", "-1"]);
    simulated(&["--seed", "18446744073709551616"]);
    refused(&["run", "hello", "--machine", "bochs"]);
}

#[test]
fn debugging() {
    let debug = |words: &[&str]| refused(&[&["debug", "hello"], words].concat());
    assert!(debug(&["--machine", "qemu"]).contains("`jostle gdb`"));
    for (words, named) in [
        (&["--record", "r"][..], "--record"),
        (&["--trace", "t"], "--trace"),
        (&["--verbose"], "--verbose"),
        (&["--icount"], "--icount"),
        (&["--gdb-port", "1234"], "--gdb-port"),
        (&["--batch", "/no/such/script"], "No such file"),
        (&["-x", "step; stp"], "no command \"stp\""),
        (&["-x", "step", "--batch", "f"], "--batch"),
        (&["--cpus", "0"], "1 to"),
        (&["--disk", "./no/such/file"], "No such file"),
        (&["--disk", "/dev/zero"], "not a regular file"),
        (&["--snapshot"], "--disk"),
        (&["--nic", "e1000"], "--nic"),
        (&["--monitor"], "--monitor"),
    ] {
        let refusal = debug(words);
        assert!(refusal.contains(named), "{words:?}: {refusal}");
    }
    assert!(refused(&["debug", "helo"]).contains("did you mean hello?"));
}
