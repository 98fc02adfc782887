//! Small histories on two CPUs, in every order in which they can happen.

use sim::explorer::scenarios::{self, Scenario};
use sim::explorer::walk::{random_scenario, walk};
use sim::explorer::{report, search};
use sim::random::Stream;
use std::time::Instant;

/// The least number of states of each scenario. Fewer would mean that something is
/// no longer explored.
const LEAST: [(&str, usize); 31] = [
    ("unmap-in-use", 120),
    ("remap-in-use", 940),
    ("alloc-over-in-use", 500),
    ("write-protect", 470),
    ("destroy-and-reuse", 1_300),
    ("leave-and-end", 16_000),
    ("stop-and-start", 3_500),
    ("stop-caller", 33_000),
    ("fork-and-start", 7_300),
    ("send-page", 1_500),
    ("cancel-receive", 12_000),
    ("family-feud", 29_000),
    ("three-in-turn", 330_000),
    ("orphans", 410),
    ("send-to-the-dying", 2_100),
    ("two-senders", 15_000),
    ("cancel-send", 790),
    ("end-of-a-job", 2_200),
    ("registers", 33_000),
    ("read-console", 2_800),
    ("calls", 5_500),
    ("busy-server", 710),
    ("shrink-heap", 590),
    ("ranges-in-use", 51_000),
    ("grow-heap", 16_000),
    ("time-outs", 37_000),
    ("wait-and-wake", 97_000),
    ("wait-for-owner", 52_000),
    ("pass-on", 61_000),
    ("ranks", 350),
    ("one-sender", 5_500),
];

fn explore(scenario: &Scenario) -> usize {
    let start = Instant::now();
    let outcome = search(scenario, usize::MAX);
    println!("{}", report::line(scenario, &outcome, start.elapsed()));
    if let Some(trail) = &outcome.trail {
        panic!("{}", report::tell(scenario, trail));
    }
    assert!(outcome.complete, "{} has an end", scenario.name);
    outcome.states
}

#[test]
fn nothing_bad_is_reachable() {
    println!("{}", report::HEADING);
    let all = scenarios::all();
    assert_eq!(all.len(), LEAST.len());
    for (scenario, (name, least)) in all.iter().zip(LEAST) {
        assert_eq!(scenario.name, name);
        let states = explore(scenario);
        assert!(states >= least, "{name}: {states} states");
    }
}

#[test]
#[ignore = "takes minutes"]
fn nothing_bad_is_reachable_on_three_cpus() {
    println!("{}", report::HEADING);
    for scenario in scenarios::all() {
        explore(&scenario.with_cpus(3));
    }
}

/// Random walks, one for each seed and number of CPUs.
fn walk_many(seeds: std::ops::Range<u64>, length: usize) -> usize {
    let mut all = 0;
    for seed in seeds {
        let mut stream = Stream::new(seed);
        let scenario = random_scenario(&mut stream, 1 + (seed % 4) as u8);
        match walk(&scenario, &mut stream, length) {
            Ok(count) => all += count,
            Err(trail) => panic!("seed {seed}\n{}", report::tell(&scenario, &trail)),
        }
    }
    println!("{all} transitions");
    all
}

#[test]
fn nothing_bad_is_met_on_random_walks() {
    assert!(walk_many(1..400, 4_000) > 200_000);
}

#[test]
#[ignore = "takes minutes"]
fn nothing_bad_is_met_on_many_random_walks() {
    walk_many(1_000..9_000, 10_000);
}
