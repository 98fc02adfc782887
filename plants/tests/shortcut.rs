//! The kernel's short way through a step comes to the same as the long one.

use kcore::plant::during;
use sim::machine::Store;
use sim::random::{self, Driver, Statistics, Stream};
use witness::digest;

/// Every call and fault, by name, that may take the short way.
const CALLS: [&str; 33] = [
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
    "sbrk",
    "env_set_personality",
    "job_create",
    "job_destroy",
    "job_size",
    "getc",
    "page fault",
];

#[test]
fn the_short_way_is_no_more_than_a_shortcut() {
    let mut all = Statistics::default();
    for seed in 1..=80 {
        let mut stream = Stream::new(seed);
        let kind = stream.word();
        let spec = random::spec(kind);
        let (mut store, mut long_store) = (Store::new(&spec), Store::new(&spec));
        let mut short = Driver::new(&mut store, spec, kind, false);
        let mut long = Driver::new(&mut long_store, spec, kind, false);
        for action in 0..1000 {
            if short.is_over() {
                break;
            }
            let words = stream.words();
            let long_result = during("long-way", || long.act(words));
            let results = (short.act(words), long_result);
            assert_eq!(results, (Ok(()), Ok(())), "seed {seed}, action {action}");
            assert_eq!(
                digest::full(&short.machine.kernel),
                digest::full(&long.machine.kernel),
                "seed {seed}, action {action}"
            );
            assert_eq!(short.machine.cpus, long.machine.cpus);
            assert_eq!(short.machine.uart.output, long.machine.uart.output);
        }
        all.add(&short.statistics);
    }
    print!("{all}");
    for call in CALLS {
        let count = all.results.get(&(call, 0)).copied().unwrap_or(0);
        assert!(count >= 10, "{call} succeeded {count} times");
    }
}
