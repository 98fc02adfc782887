//! Small histories on two CPUs, in every order in which they can happen.

use sim::explorer::scenarios::{self, Scenario};
use sim::explorer::walk::{random_scenario, walk};
use sim::explorer::{report, search};
use sim::random::Stream;
use std::time::Instant;

/// The least number of states of each scenario. Fewer would mean that something is
/// no longer explored.
const LEAST: [(&str, usize); 30] = [
    ("unmap-in-use", 126),
    ("remap-in-use", 950),
    ("alloc-over-in-use", 510),
    ("write-protect", 479),
    ("destroy-and-reuse", 1_000),
    ("stop-and-start", 2_400),
    ("stop-caller", 8_000),
    ("fork-and-start", 6_400),
    ("send-page", 1_300),
    ("cancel-receive", 9_000),
    ("family-feud", 26_000),
    ("three-in-turn", 280_000),
    ("orphans", 390),
    ("send-to-the-dying", 1_800),
    ("two-senders", 12_500),
    ("cancel-send", 590),
    ("end-of-a-job", 2_000),
    ("registers", 24_000),
    ("read-console", 2_300),
    ("calls", 4_300),
    ("busy-server", 700),
    ("shrink-heap", 570),
    ("ranges-in-use", 42_000),
    ("grow-heap", 11_000),
    ("time-outs", 29_000),
    ("wait-and-wake", 94_000),
    ("wait-for-owner", 43_000),
    ("pass-on", 56_000),
    ("ranks", 280),
    ("one-sender", 4_200),
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
