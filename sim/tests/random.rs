//! Random calls by several environments against the model.

use abi::scheduling::Policy;
use proptest::prelude::*;
use sim::machine::Store;
use sim::random::{self, Driver, Statistics, Stream, Words};
use witness::digest;

fn run_all(policy: Policy, seeds: impl Iterator<Item = u64>, calls: u64) -> Statistics {
    let mut all = Statistics::default();
    for seed in seeds {
        match random::run(seed, calls, policy) {
            Ok(statistics) => all.add(&statistics),
            Err((call, mismatch)) => panic!("{policy:?}, seed {seed}, call {call}: {mismatch:?}"),
        }
    }
    print!("{all}");
    all
}

#[test]
fn random_programs_do_what_the_model_says() {
    let all = run_all(Policy::RoundRobin, 1..=8, 25_000);
    assert!(all.changes * 10 >= all.calls * 3, "enough happens");
    assert!(all.alive >= all.calls * 4, "enough environments live");
    assert!(all.starved >= 2_000, "enough allocations fail");
}

/// Whoever is next, every invariant holds, and calls mean what they mean.
#[test]
fn random_programs_do_it_under_every_policy() {
    for policy in [Policy::Priority, Policy::Stride, Policy::Lottery] {
        let all = run_all(policy, 1..=4, 25_000);
        assert!(all.changes * 10 >= all.calls * 3, "enough happens");
        assert!(all.alive >= all.calls * 3, "enough environments live");
    }
}

/// Every call and fault, by name, that may take the short way.
const SHORT_WAYS: [&str; 37] = [
    "cputs",
    "cgetc",
    "getenvid",
    "env_destroy",
    "page_alloc",
    "page_map",
    "page_unmap",
    "page_copy",
    "page_ranges",
    "exofork",
    "env_set_status",
    "env_set_trapframe",
    "env_set_pgfault_upcall",
    "env_set_exception_upcall",
    "yield",
    "ipc_try_send",
    "ipc_recv",
    "features",
    "ipc_send",
    "ipc_send, waited",
    "ipc_call",
    "ipc_reply",
    "time_msec",
    "time_usec",
    "sleep_until",
    "env_set_deadline",
    "futex_wait",
    "futex_wait, waited",
    "futex_wake",
    "env_set_scheduling",
    "sbrk",
    "env_set_personality",
    "job_create",
    "job_destroy",
    "job_size",
    "getc",
    "page fault",
];

/// Two kernels, of which one forgoes its short ways, stay in equal states. (Under a policy
/// other than round robin all do.)
#[test]
fn short_ways_are_no_more_than_shortcuts() {
    let mut all = Statistics::default();
    for seed in 1..=120 {
        let mut stream = Stream::new(seed);
        let kind = stream.word();
        let spec = random::spec(kind);
        let (mut store, mut long_store) = (Store::new(&spec), Store::new(&spec));
        let mut short = Driver::new(&mut store, spec, kind, false);
        let mut long = Driver::new(&mut long_store, spec, kind, false);
        long.machine.kernel.forgo_short_ways();
        for action in 0..1000 {
            if short.is_over() {
                break;
            }
            let words = stream.words();
            let at = format!("seed {seed}, action {action}");
            let results = (short.act(words), long.act(words));
            assert_eq!(results, (Ok(()), Ok(())), "{at}");
            let digests = [&short, &long].map(|driver| digest::full(&driver.machine.kernel));
            assert_eq!(digests[0], digests[1], "{at}");
            assert_eq!(short.machine.cpus, long.machine.cpus, "{at}");
            assert_eq!(short.machine.uart.output, long.machine.uart.output, "{at}");
        }
        all.add(&short.statistics);
    }
    print!("{all}");
    for call in SHORT_WAYS {
        let count = all.results.get(&(call, 0)).copied().unwrap_or(0);
        assert!(count >= 10, "{call} succeeded {count} times");
    }
}

#[test]
#[ignore = "takes minutes"]
fn five_million_calls_do_what_the_model_says() {
    let fresh = std::process::id();
    println!("fresh seeds from {fresh}");
    let fresh = u64::from(fresh) << 8;
    for policy in Policy::ALL {
        run_all(policy, (1..=32).chain(fresh..fresh + 32), 20_000);
    }
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
