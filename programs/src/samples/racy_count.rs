//! Two environments count in one shared word.
//!
//! The hard thing is that adding one is three steps: read, add, write.

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use super::{shared, start, tell_parent, wait_for_child};
use user::println;

/// How often each of the two counts.
const EACH: u32 = 3;

/// Both call `add_one` a few times at once.
pub fn run(name: &str, add_one: impl Fn(&AtomicU32)) {
    let [count] = shared();
    let work = || (0..EACH).for_each(|_| add_one(count));
    start(|| {
        work();
        tell_parent(0);
    });
    work();
    wait_for_child();
    match count.load(SeqCst) {
        counted if counted == 2 * EACH => println!("{name}: ok"),
        counted => println!(
            "{name}: BUG: {counted} of {} counted: updates were lost",
            2 * EACH
        ),
    }
}
