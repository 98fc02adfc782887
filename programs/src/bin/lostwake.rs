//! A lost wake-up: a wake-up between a sleeper's look and its sleep wakes nobody.
//!
//! Then both wait for ever: the run ends, because nobody can run, and there is no
//! line `lostwake: ok`. `lostwakefixed` is the mended twin.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use programs::samples::lost_wake;

user::program!(main);

fn main() {
    lost_wake::run("lostwake", |sleeper| {
        sleeper.wake();
    });
}
