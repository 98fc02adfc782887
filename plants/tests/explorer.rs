//! What the explorer and its random walks find.

use kcore::plant::during;
use sim::checks::Violation;
use sim::explorer::scenarios::{Scenario, lives, pages, senders, time, words};
use sim::explorer::walk::{random_scenario, walk};
use sim::explorer::{report, search};
use sim::random::Stream;

#[test]
fn random_walks_meet_known_bugs() {
    for plant in ["skip-remote-flush", "skip-wake", "skip-stop"] {
        let found = (1..400).any(|seed| {
            let mut stream = Stream::new(seed);
            let scenario = random_scenario(&mut stream, 3).allowing_stale();
            during(plant, || walk(&scenario, &mut stream, 4_000).is_err())
        });
        assert!(found, "{plant} is not met");
    }
}

/// A plant is found on a path of at most sixteen transitions, which can be
/// walked again and shows the same.
fn is_found(plant: &str, scenario: Scenario) -> Violation {
    let scenario = scenario.allowing_stale();
    during(plant, || search_and_replay(&scenario))
}

fn search_and_replay(scenario: &Scenario) -> Violation {
    let outcome = search(scenario, 100_000);
    let trail = outcome.trail.expect("a counter-example");
    println!("{}", report::tell(scenario, &trail));
    let length = trail.transitions.len();
    assert!((1..=16).contains(&length), "{length} transitions");
    let again = search::replay(scenario, &trail.transitions, |_, _| {});
    assert_eq!(again, Err(trail.violation));
    trail.violation
}

#[test]
fn a_missing_flush_is_found() {
    let found = is_found("skip-remote-flush", pages::unmap_in_use());
    assert!(matches!(
        found,
        Violation::FreeFrame { .. } | Violation::Revoked { .. }
    ));
}

#[test]
fn a_heap_that_is_kept_is_found() {
    let found = is_found("keep-heap", pages::shrink_heap());
    assert!(matches!(
        found,
        Violation::FreeFrame { .. } | Violation::Revoked { .. }
    ));
}

#[test]
fn a_missing_wake_up_is_found() {
    let found = is_found("skip-wake", lives::fork_and_start());
    assert!(matches!(found, Violation::LostWakeUp { .. }));
}

#[test]
fn a_missing_stop_is_found() {
    let found = is_found("skip-stop", lives::destroy_and_reuse());
    assert!(matches!(found, Violation::Ghost { .. }));
    let found = is_found("skip-stop", lives::stop_and_start());
    assert!(matches!(
        found,
        Violation::Audit(_) | Violation::Ghost { .. }
    ));
}

#[test]
fn a_sleeper_that_nobody_wakes_is_found() {
    let found = is_found("stop-idle-timer", time::time_outs());
    assert!(matches!(found, Violation::Alarm { .. }));
    let found = is_found("latest-first", time::time_outs());
    assert!(matches!(found, Violation::Audit(_)));
    let found = is_found("keep-late-sender", time::time_outs());
    assert!(matches!(found, Violation::Audit(_)));
}

#[test]
fn a_wait_for_a_word_that_never_ends_is_found() {
    let found = is_found("skip-compare", words::wait_and_wake());
    assert!(matches!(found, Violation::Forgotten { .. }), "{found:?}");
    let found = is_found("keep-watchers", words::wait_for_owner());
    assert!(matches!(found, Violation::Audit(_)), "{found:?}");
}

#[test]
fn frames_freed_too_early_are_found() {
    let found = is_found("skip-limbo", pages::unmap_in_use());
    assert!(matches!(found, Violation::FreeFrame { .. }));
}

#[test]
fn a_space_that_is_taken_apart_too_early_is_found() {
    let found = is_found("skip-arrival", lives::leave_and_end());
    assert!(matches!(found, Violation::Left { .. }), "{found:?}");
}

#[test]
fn a_wrong_result_of_a_call_is_found() {
    let found = is_found("exofork-result", lives::fork_and_start());
    assert!(matches!(found, Violation::Result { .. }));
    let found = is_found("destroy-nothing", lives::destroy_and_reuse());
    assert!(matches!(found, Violation::Result { .. }));
    let found = is_found("hear-anybody", senders::one_sender());
    assert!(matches!(found, Violation::Result { .. }));
}

#[test]
fn registers_of_others_are_found() {
    let found = is_found("share-fpu", lives::registers());
    assert!(matches!(
        found,
        Violation::Audit(_) | Violation::Fpu { .. } | Violation::Registers { .. }
    ));
}
