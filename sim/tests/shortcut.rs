//! The kernel's short way through a step comes to the same as the long one.

use kcore::digest;
use kcore::plant::Fault;
use sim::machine::{Spec, Store};
use sim::random::{self, Driver, Stream};

#[test]
fn the_short_way_is_no_more_than_a_shortcut() {
    for seed in 1..=12 {
        let mut stream = Stream::new(seed);
        let kind = stream.word();
        let spec = random::spec(kind);
        // A fault that calls cannot meet makes the kernel take no shortcut.
        let long_spec = Spec {
            fault: Fault::SkipBss,
            ..spec
        };
        let (mut store, mut long_store) = (Store::new(&spec), Store::new(&spec));
        let mut short = Driver::new(&mut store, spec, kind, false);
        let mut long = Driver::new(&mut long_store, long_spec, kind, false);
        for action in 0..1500 {
            if short.is_over() {
                break;
            }
            let words = stream.words();
            let results = (short.act(words), long.act(words));
            assert_eq!(results, (Ok(()), Ok(())), "seed {seed}, action {action}");
            assert_eq!(
                digest::full(&short.machine.kernel),
                digest::full(&long.machine.kernel),
                "seed {seed}, action {action}"
            );
            assert_eq!(short.machine.cpus, long.machine.cpus);
        }
    }
}
