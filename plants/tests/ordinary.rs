//! What ordinary tests say of a good kernel does not hold of a bad one.

use crate::calls::{OTHER, after_a_lent_quantum};
use crate::entries::rings_again;
use crate::environments::{Habit, QUANTUM, share};
use crate::heap::shrinking_unmaps;
use crate::heap_pieces::keeps_its_memory;
use crate::jobs::cannot_outrun;
use crate::limits::refused_before_its_time;
use crate::policies::{spinners, ten_seconds, worst};
use crate::priorities::wakes_at_once;
use crate::strangers::strangers;
use crate::words::woken_by_a_stranger;
use abi::Call;
use abi::scheduling::Policy;
use kcore::plant::during;
use sim::machine::call::Answer;

#[test]
fn environments_that_are_never_interrupted_are_noticed() {
    let shares = during("skip-preempt", || share(2, &[Habit::Spins; 5], 200));
    assert!(shares.longest_wait.div_ceil(QUANTUM) > 4);
    let shares = during("yield-returns", || share(1, &[Habit::Storms; 3], 20));
    assert!(shares.longest_wait.div_ceil(QUANTUM) > 1);
}

#[test]
fn an_outranked_one_that_stays_is_noticed() {
    assert!(!during("keep-outranked", wakes_at_once));
}

#[test]
fn shares_that_do_not_count_are_noticed() {
    let shares = [300, 200, 100];
    let had = during("equal-shares", || {
        ten_seconds(Policy::Stride, 1, &spinners(&shares))
    });
    assert!(worst(&had, &shares, had.iter().sum()) > 10_000);
}

#[test]
fn a_lent_quantum_that_is_renewed_is_noticed() {
    assert_ne!(during("renew-lent", after_a_lent_quantum), OTHER);
}

#[test]
fn a_timer_that_stops_is_noticed() {
    assert_eq!(during("stop-timer", rings_again), None);
}

#[test]
fn a_heap_that_is_not_given_back_is_noticed() {
    assert!(!during("keep-heap", shrinking_unmaps));
}

#[test]
fn memory_that_is_spent_twice_is_noticed() {
    assert!(!during("spend-twice", keeps_its_memory));
}

#[test]
fn a_job_that_outruns_its_end_is_noticed() {
    assert!(!during("fork-while-ending", cannot_outrun));
}

#[test]
fn a_wake_up_by_a_stranger_is_noticed() {
    assert_ne!(during("wake-strangers", woken_by_a_stranger), 0);
}

#[test]
fn a_refusal_too_early_is_noticed() {
    let refused = || refused_before_its_time(Call::Sbrk);
    assert!(during("hasty-refusal", refused));
}

#[test]
fn an_id_that_is_enough_is_noticed() {
    let (answers, _) = during("parent-by-id", strangers);
    assert!(
        answers
            .iter()
            .any(|answer| matches!(answer, Answer::Value(_)))
    );
}
