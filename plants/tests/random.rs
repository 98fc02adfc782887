//! What random calls notice, against the model.

use abi::scheduling::Policy;
use kcore::plant::during;
use sim::machine::{Spec, Store};
use sim::random::{self, Driver, Mismatch, Stream};

/// The first thing that random runs of a bad kernel are noticed by.
fn noticed(plant: &str, policy: Policy) -> Option<Mismatch> {
    during(plant, || first_mismatch(policy))
}

fn first_mismatch(policy: Policy) -> Option<Mismatch> {
    let mut stream = Stream::new(7);
    for _ in 0..200 {
        let kind = stream.word();
        let spec = Spec {
            cpus: 2,
            policy,
            ..random::spec(kind)
        };
        let mut store = Store::new(&spec);
        let mut driver = Driver::new(&mut store, spec, kind, false);
        for _ in 0..1000 {
            if driver.is_over() {
                break;
            }
            if let Err(mismatch) = driver.act(stream.words()) {
                return Some(mismatch);
            }
        }
    }
    None
}

#[test]
fn known_bugs_are_noticed() {
    for plant in [
        "skip-remote-flush",
        "skip-wake",
        "skip-stop",
        "skip-zero",
        "keep-entries",
        "trust-pointer",
        "check-first-page",
        "cputs-off-by-one",
        "exofork-result",
        "destroy-nothing",
        "id-without-generation",
        "leave-job",
        "stop-clock",
        "keep-heap",
        "share-fpu",
        "stale-fpu",
        "forget-others-fpu",
        "keep-callers",
        "queue-caller",
        "skip-compare",
        "keep-watchers",
        "share-copies",
        "share-tables",
        "keep-writing",
        "flush-one-page",
        "raise-itself",
        "hear-anybody",
    ] {
        let mismatch = noticed(plant, Policy::RoundRobin);
        println!("{plant}: {mismatch:?}");
        assert!(mismatch.is_some(), "{plant} is not noticed");
    }
}

#[test]
fn tickets_in_the_drum_are_noticed() {
    let mismatch = noticed("keep-tickets", Policy::Lottery);
    assert!(
        matches!(mismatch, Some(Mismatch::Violation(_))),
        "{mismatch:?}"
    );
}

#[test]
fn a_good_kernel_is_not_accused() {
    for policy in Policy::ALL {
        assert_eq!(noticed("long-way", policy), None);
    }
}
