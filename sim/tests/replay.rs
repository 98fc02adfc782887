//! A logged run replays; a damaged log, or another kernel, does not.

use kcore::plant::Fault;
use kcore::record::{MARK_SIZE, mark, tag};
use sim::machine::{Spec, Store};
use sim::random::{Driver, Stream, spec};
use sim::reader::{Reader, Record};
use sim::replay::{replay, replay_with};

/// The log of a random run of so many actions.
fn logged_run(seed: u64, actions: usize) -> Vec<u8> {
    logged_run_of(Fault::None, seed, actions)
}

/// The same, of a kernel with a planted fault.
fn logged_run_of(fault: Fault, seed: u64, actions: usize) -> Vec<u8> {
    let mut stream = Stream::new(seed);
    let kind = stream.word();
    let spec = Spec {
        cpus: 3,
        lifecycle: true,
        fault,
        ..spec(kind)
    };
    let mut store = Store::new(&spec);
    let mut driver = Driver::new(&mut store, spec, kind, true);
    for _ in 0..actions {
        driver.act(stream.words()).expect("kernel and model agree");
    }
    let machine = &mut driver.machine;
    let mut log = machine.log.take().expect("it was kept");
    log.end(&machine.kernel);
    log.bytes().to_vec()
}

#[test]
fn a_logged_run_replays() {
    for seed in 1..=8 {
        let log = logged_run(seed, 1500);
        let report = replay(&log).unwrap_or_else(|difference| panic!("{difference}"));
        assert!(report.ended);
        assert!(report.digests >= 1);
        println!(
            "{} bytes a step\n{report}",
            log.len() as u64 / report.steps.max(1)
        );
    }
}

/// The beginning of a log, as whoever stops the machine leaves it.
fn cut(log: &[u8], len: usize) -> Vec<u8> {
    [&log[..len], &mark(tag::CUT)].concat()
}

#[test]
fn a_log_that_is_cut_off_replays_as_far_as_it_goes() {
    let log = logged_run(3, 60);
    let whole = replay(&log).expect("the whole log replays");
    let mut steps = 0;
    for len in (8..log.len()).rev().step_by(7) {
        match replay(&cut(&log, len)) {
            Ok(report) => {
                assert!(!report.ended);
                assert!(report.steps <= whole.steps);
                steps += report.steps;
            }
            Err(difference) => assert_eq!(difference.what, "the log itself", "{len}"),
        }
    }
    assert!(steps > 0);
}

/// Nobody cut it, so that its end got lost later.
#[test]
fn a_log_without_an_end_is_damaged() {
    let log = logged_run(3, 60);
    for len in (0..log.len()).rev().step_by(7) {
        let difference = replay(&log[..len]).expect_err("damaged");
        assert_eq!(difference.what, "the log itself", "{len}");
    }
}

/// The number of the step that each byte of a log belongs to: the steps that
/// are complete before its record begins.
fn step_of_bytes(log: &[u8]) -> Vec<u64> {
    let mut reader = Reader::new(log).expect("a log");
    let mut steps = vec![0; log.len()];
    let mut step = 0;
    loop {
        let start = reader.offset();
        let Some(record) = reader.record() else {
            return steps;
        };
        let record = record.expect("an undamaged log");
        if matches!(record, Record::Enter { .. }) && start > 0 {
            step += 1;
        }
        steps[start..reader.offset()].fill(step);
    }
}

#[test]
fn every_damaged_byte_is_found_at_its_step() {
    let log = logged_run(5, 150);
    let steps = step_of_bytes(&log);
    for at in (8..log.len()).step_by(3) {
        let mut damaged = log.clone();
        damaged[at] ^= 1 << (at % 8);
        let difference = replay(&damaged).expect_err("damaged");
        // The first step is number 0; here steps are counted from 1.
        let (found, expected) = (difference.step + 1, steps[at]);
        let is_there = found == expected || found + 1 == expected || expected == 0;
        assert!(is_there, "byte {at}: {difference}");
    }
}

/// The check alone tells of damage in a register. One of 16 bits lets one damage in
/// 65,536 pass: many times as many are tried.
#[test]
fn no_damage_of_two_bytes_is_missed() {
    const HEAD: usize = 8;
    const CHECK: usize = MARK_SIZE - 1;
    let log = logged_run(5, 60);
    let mut reader = Reader::new(&log).expect("a log");
    let mut entries = Vec::new();
    loop {
        let start = reader.offset();
        match reader.record() {
            Some(Ok(Record::Enter { .. })) => entries.push(&log[start..reader.offset()]),
            Some(Ok(_)) => {}
            _ => break,
        }
    }
    let missed = |entry: &[u8], difference: u16| {
        let mut alone = [&log[..HEAD], entry].concat();
        let fields = alone.len() - CHECK;
        let [first, second] = difference.to_le_bytes();
        alone[fields - 2] ^= first;
        alone[fields - 1] ^= second;
        matches!(
            Reader::new(&alone).map(|mut reader| reader.record()),
            Ok(Some(Ok(_)))
        )
    };
    // Most end with the stack pointer.
    let entries = entries.iter().filter(|entry| entry.len() > 30).take(16);
    let entries: Vec<_> = entries.collect();
    assert_eq!(entries.len(), 16);
    for entry in entries {
        assert!(missed(entry, 0), "an undamaged record");
        let missed = (1..=u16::MAX).filter(|&difference| missed(entry, difference));
        assert_eq!(missed.count(), 0);
    }
}

#[test]
fn another_kernel_does_not_give_the_same_answers() {
    // With any fault planted the kernel takes no shortcuts. One that random
    // calls cannot meet leaves the others to be told from it alone.
    let logs = [1, 2, 3, 4, 5, 6].map(|seed| logged_run_of(Fault::SkipBss, seed, 3000));
    assert!(logs.iter().all(|log| replay(log).is_ok()));
    for fault in [
        Fault::SkipRemoteFlush,
        Fault::SkipWake,
        Fault::SkipStop,
        Fault::SkipLimbo,
        Fault::ExoforkResult,
        Fault::YieldReturns,
        Fault::CpuZero,
        Fault::DestroyNothing,
        Fault::IdWithoutGeneration,
        Fault::CputsOffByOne,
    ] {
        let difference = logs
            .iter()
            .find_map(|log| replay_with(log, Some(fault)).err())
            .unwrap_or_else(|| panic!("{} is not noticed", fault.name()));
        println!("{}: {difference}", fault.name());
    }
}
