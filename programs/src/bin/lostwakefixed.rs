//! As `lostwake`, mended: the wake-up is for whoever is on the way to sleep, too.
//!
//! In xv6 a sleeper holds a lock from its look until it sleeps, and who wakes it
//! takes that lock. Here the sleeper says that it is on the way, and who wakes it waits
//! until it is there.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use programs::samples::lost_wake;
use user::sys;

user::program!(main);

fn main() {
    lost_wake::run("lostwakefixed", |sleeper| {
        while sleeper.is_sleepy() && !sleeper.wake() {
            sys::yield_now();
        }
    });
}
