//! Random calls by several environments against the model.

use proptest::prelude::*;
use sim::machine::Store;
use sim::random::{self, Driver, Statistics, Words};

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

    /// Like the test above, but a failing history is made as short as possible.
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
