//! What the timer's interrupt does.

use super::*;
use kcore::Event;

/// A parent on the only CPU, and a child that waits for it.
fn with_two<R>(f: impl FnOnce(&mut Machine<'_>) -> R) -> R {
    with_machine(1, |machine| {
        first(machine, Call::Exofork, &[]);
        first(machine, Call::EnvSetStatus, &[CHILD, RUN]);
        f(machine)
    })
}

#[test]
fn at_its_end_the_next_one_gets_the_cpu() {
    with_two(|machine| {
        for turn in [CHILD, PARENT, CHILD] {
            machine.tick(CPU0);
            assert_eq!(
                on(machine, CPU0),
                Some(turn),
                "they take turns, a quantum each"
            );
            let quantum = machine.kernel.config().quantum;
            let due = machine.cpu(CPU0).due.map(|due| due - machine.now);
            assert_eq!(
                due,
                Some(quantum),
                "the timer rings again after a whole quantum"
            );
        }
    });
}

#[test]
fn nobody_loses_a_quantum_to_an_older_timer() {
    with_two(|machine| {
        let quantum = machine.kernel.config().quantum;
        let rings = machine.cpu(CPU0).due.expect("somebody runs");
        machine.now = rings - quantum / 2;
        first_yield(machine);
        machine.now = rings;
        machine.run_event(CPU0, Event::Timer);
        assert_eq!(
            on(machine, CPU0),
            Some(CHILD),
            "the child has had half of its quantum only"
        );
        let due = machine.cpu(CPU0).due.map(|due| due - machine.now);
        assert_eq!(due, Some(quantum / 2), "the timer rings for the rest of it");
    });
}

#[track_caller]
fn first_yield(machine: &mut Machine<'_>) {
    call(machine, Call::Yield, &[]);
    assert_eq!(on(machine, CPU0), Some(CHILD), "yield must work first");
}

#[test]
fn a_timer_that_is_a_little_fast_counts() {
    with_two(|machine| {
        let quantum = machine.kernel.config().quantum;
        machine.now = machine.cpu(CPU0).due.expect("somebody runs") - quantum / 16;
        machine.run_event(CPU0, Event::Timer);
        assert_eq!(
            on(machine, CPU0),
            Some(CHILD),
            "a sixteenth of a quantum is not asked for"
        );
    });
}

#[test]
fn whoever_is_alone_goes_on() {
    with_machine(1, |machine| {
        for _ in 0..3 {
            machine.tick(CPU0);
            assert_eq!(on(machine, CPU0), Some(PARENT), "nobody else wants the CPU");
            let quantum = machine.kernel.config().quantum;
            let due = machine.cpu(CPU0).due.map(|due| due - machine.now);
            assert_eq!(due, Some(quantum), "the next quantum begins");
        }
    });
}
