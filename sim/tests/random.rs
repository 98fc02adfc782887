//! Random calls by several environments against the model, and what such tests
//! are worth: known faults must be noticed.

use kcore::plant::Fault;
use proptest::prelude::*;
use sim::machine::{Spec, Store};
use sim::random::{self, Driver, Mismatch, Statistics, Stream, Words};

fn run_all(seeds: impl Iterator<Item = u64>, calls: u64) -> Statistics {
    let mut all = Statistics::default();
    for seed in seeds {
        match random::run(seed, calls) {
            Ok(statistics) => all.add(&statistics),
            Err((call, mismatch)) => panic!("seed {seed}, call {call}: {mismatch:?}"),
        }
    }
    print!("{all}");
    all
}

#[test]
fn random_programs_do_what_the_model_says() {
    let all = run_all(1..=8, 25_000);
    assert!(all.changes * 10 >= all.calls * 3, "enough happens");
    assert!(all.alive >= all.calls * 4, "enough environments live");
    assert!(all.starved >= 2_000, "enough allocations fail");
}

#[test]
#[ignore = "takes minutes"]
fn five_million_calls_do_what_the_model_says() {
    let fresh = std::process::id();
    println!("fresh seeds from {fresh}");
    let fresh = u64::from(fresh) << 8;
    run_all((1..=32).chain(fresh..fresh + 32), 80_000);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// As above, but a failing history is made as short as can be.
    #[test]
    fn short_histories_do_what_the_model_says(
        seed in any::<u32>(),
        history in prop::collection::vec(any::<Words>(), 1..300),
    ) {
        let spec = random::spec(seed);
        let mut store = Store::new(&spec);
        let mut driver = Driver::new(&mut store, spec, seed, false);
        for words in history {
            if driver.is_over() {
                break;
            }
            driver.act(words).map_err(|mismatch| TestCaseError::fail(format!("{mismatch:?}")))?;
        }
    }
}

/// The first thing that random runs of a faulty kernel are noticed by.
fn noticed(fault: Fault) -> Option<Mismatch> {
    let mut stream = Stream::new(7);
    for _ in 0..40 {
        let kind = stream.word();
        let spec = Spec {
            fault,
            cpus: 2,
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
fn known_faults_are_noticed() {
    for fault in [
        Fault::SkipRemoteFlush,
        Fault::SkipWake,
        Fault::SkipStop,
        Fault::SkipZero,
        Fault::TrustPointer,
        Fault::CheckFirstPage,
        Fault::CputsOffByOne,
        Fault::ExoforkResult,
        Fault::DestroyNothing,
        Fault::IdWithoutGeneration,
        Fault::LeaveJob,
        Fault::StopClock,
        Fault::KeepHeap,
    ] {
        let mismatch = noticed(fault);
        println!("{}: {mismatch:?}", fault.name());
        assert!(mismatch.is_some(), "{} is not noticed", fault.name());
    }
}

#[test]
fn a_kernel_without_faults_is_not_accused() {
    // Compiled in and never met: the general way instead of the short one.
    assert_eq!(noticed(Fault::SkipBss), None);
}
