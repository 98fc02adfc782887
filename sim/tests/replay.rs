//! A logged run replays; a damaged log does not.

use abi::layout::{UENVS, UPAGES};
use abi::scheduling::Policy;
use abi::{Call, Personality};
use kcore::CpuId;
use sim::machine::call::Answer;
use sim::machine::{Machine, Spec, Store};
use sim::random::{Driver, Stream, spec};
use sim::reader::{Reader, Record};
use sim::replay::replay;
use witness::record::{BARE_SIZE, bare, tag};

/// The log of a random run of `actions` actions.
pub(crate) fn logged_run(seed: u64, actions: usize) -> Vec<u8> {
    logged_under(Policy::RoundRobin, seed, actions)
}

fn logged_under(policy: Policy, seed: u64, actions: usize) -> Vec<u8> {
    let mut stream = Stream::new(seed);
    let kind = stream.word();
    let spec = Spec {
        cpus: 3,
        lifecycle: true,
        policy,
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
    for seed in 1..=40 {
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

/// The log says which policy was in force.
#[test]
fn a_run_replays_under_every_policy() {
    for policy in Policy::ALL {
        for seed in 1..=4 {
            let log = logged_under(policy, seed, 1500);
            let report =
                replay(&log).unwrap_or_else(|difference| panic!("{policy:?}: {difference}"));
            assert!(report.ended);
        }
    }
}

/// A program may pass a pointer into the public tables, which every address space has
/// from the kernel's.
#[test]
fn a_pointer_into_the_public_tables_replays() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    machine.keep_log();
    machine.boot(0x80_0020, Personality::Lab4);
    machine.calm_down();
    for table in [UENVS, UPAGES] {
        let printed = machine.call(CpuId(0), Call::Cputs, [table, 8, 0, 0, 0]);
        assert_eq!(printed, Answer::Value(0));
    }
    let mut log = machine.log.take().expect("it was kept");
    log.end(&machine.kernel);
    let report = replay(log.bytes()).unwrap_or_else(|difference| panic!("{difference}"));
    assert!(report.ended);
}

/// The beginning of a log, as the tool leaves it when it stops the machine.
fn cut(log: &[u8], len: usize) -> Vec<u8> {
    [&log[..len], &bare(tag::CUT)].concat()
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
            Err(difference) => {
                assert_eq!(difference.what, "the log itself", "{len}");
                assert!(difference.to_string().starts_with("damaged"), "{len}");
            }
        }
    }
    assert!(steps > 0);
}

/// No mark says that the log was cut, so it must have lost its end later.
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

/// Only the check reveals damage in a register. A check of 16 bits would miss one
/// case in 65,536, so this tries many times that number.
#[test]
fn no_damage_of_two_bytes_is_missed() {
    const HEAD: usize = 8;
    const CHECK: usize = BARE_SIZE - 1;
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
