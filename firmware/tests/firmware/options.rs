//! The kernel's command line.
//!
//! It is typed by people, and nothing on it may stop the boot: for any bytes at
//! all there must be options, and a complaint about each word without effect.

use abi::scheduling::Policy;
use firmware::BootOptions;
use firmware::options::End;
use proptest::prelude::*;

fn parse(line: &str) -> (BootOptions, Vec<String>) {
    let mut complaints = Vec::new();
    let options = BootOptions::parse(line.as_bytes(), |c| complaints.push(c.to_string()));
    (options, complaints)
}

#[test]
fn nothing_gives_the_defaults() {
    let (options, complaints) = parse("");
    assert_eq!(options, BootOptions::default());
    assert!(!options.lifecycle && !options.record && !options.boottime);
    assert!(options.prelock && options.extensions);
    assert_eq!(options.quantum_us, 10_000);
    assert_eq!(options.end, End::PowerOff);
    assert!(complaints.is_empty());
}

#[test]
fn every_option_is_understood() {
    let (options, complaints) = parse(
        "a/kernel  lifecycle=on quantum=250\trecord=on end=monitor prelock=off boottime=on extensions=off\n",
    );
    assert_eq!(complaints, [""; 0]);
    assert!(options.lifecycle && options.record && options.boottime && !options.prelock);
    assert!(!options.extensions);
    assert_eq!((options.quantum_us, options.end), (250, End::Monitor));
    assert_eq!(options.sched, Policy::RoundRobin);
    for policy in Policy::ALL {
        let (options, complaints) = parse(&format!("k sched={}", policy.name()));
        assert_eq!((options.sched, complaints), (policy, vec![]));
    }
    let (options, _) = parse("lifecycle=on lifecycle=off end=monitor end=poweroff");
    assert_eq!(options, BootOptions::default());
}

#[test]
fn grading_changes_defaults_and_nothing_else() {
    let graders = BootOptions {
        grading: true,
        lifecycle: true,
        end: End::Monitor,
        ..BootOptions::default()
    };
    // Also alone, where a path may stand.
    for line in ["grading", "a/kernel grading", "k grading=off grading=on"] {
        assert_eq!(parse(line), (graders, vec![]), "{line}");
    }
    // What is said counts, wherever it stands.
    for line in ["k grading end=poweroff", "k end=poweroff grading"] {
        let (options, _) = parse(line);
        assert_eq!((options.end, options.lifecycle), (End::PowerOff, true));
    }
    let (options, complaints) = parse("k grading=yes grading grading=off");
    assert_eq!(options, BootOptions::default());
    assert_eq!(complaints, ["bad value in kernel argument: grading=yes"]);
}

#[test]
fn only_a_first_word_can_be_the_path() {
    for line in ["kernel.elf", "/a=b/kernel", "kernel quantum=7"] {
        assert_eq!(parse(line).1, [""; 0], "{line}");
    }
    // GRUB gives no path.
    let (options, complaints) = parse("quantum=7 kernel");
    assert_eq!(options.quantum_us, 7);
    assert_eq!(complaints, ["unknown kernel argument: kernel"]);
}

#[test]
fn complaints_name_the_word_and_keep_the_default() {
    let (options, complaints) = parse(
        "k quantum=0 quantum=1000001 quantum=+5 quantum=99999999999 quantum= record=yes end=halt sched=fair \
         plant=skip-flush Lifecycle=on =on",
    );
    assert_eq!(options, BootOptions::default());
    assert_eq!(complaints.len(), 11);
    assert_eq!(complaints[0], "bad value in kernel argument: quantum=0");
    assert_eq!(complaints[10], "unknown kernel argument: =on");
    let mut text = String::new();
    BootOptions::parse(b"k \xFF\x1B=1", |c| text = c.to_string());
    assert_eq!(text, "unknown kernel argument: \\xff\\x1b=1");
}

proptest! {
    #[test]
    fn any_line_is_survived(line in prop::collection::vec(any::<u8>(), 0..200)) {
        let options = BootOptions::parse(&line, |c| { let _ = c.to_string(); });
        prop_assert!((1..=1_000_000).contains(&options.quantum_us));
    }

    #[test]
    fn words_in_any_order_act_alike(quantum in 1u32..=1_000_000, on: bool, first: bool) {
        let switch = if on { "on" } else { "off" };
        let (a, b) = (format!("quantum={quantum}"), format!("prelock={switch}"));
        let line = if first { format!("{a} {b}") } else { format!("{b} {a}") };
        let (options, complaints) = parse(&line);
        prop_assert_eq!((options.quantum_us, options.prelock), (quantum, on));
        prop_assert!(complaints.is_empty());
    }
}
