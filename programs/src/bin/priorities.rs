//! On one CPU: who outranks whom runs at once, and nobody else does.
//!
//! A parent sends to a child above it, to one below it, and sleeps while that one spins.
//! What is not as it must be under `sched=priority` is a BUG. The hard thing is to ask
//! who ran without letting anybody run: printing can make one wait, so each child notes
//! in memory that all share what it has received.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::SeqCst;
use core::time::Duration;

use user::scheduling::{Policy, Scheduling};
use user::share::{self, Page};
use user::time::{self, Instant};
use user::{EnvId, Error, Fork, fork, ipc, println, sys};

const HIGH: u8 = 20;
const OWN: u8 = 10;
const LOW: u8 = 5;

/// Until both children wait.
const START: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_millis(3);
/// Less than is left of a quantum.
const LATE: Duration = Duration::from_millis(2);

/// What the child below does when it receives this.
const SPIN: u32 = 9;

user::program!(main);

fn main() {
    match run() {
        Ok(Policy::Priority) => println!("priorities are kept"),
        Ok(policy) => println!("{} ignores priorities", policy.name()),
        Err(error) => println!("no priorities: {}", error.message()),
    }
}

fn run() -> Result<Policy, Error> {
    let shared = share::page()?;
    let high = child(shared, 0, HIGH)?;
    let low = child(shared, 1, LOW)?;
    time::sleep(START)?;
    let policy = with_priority(OWN).give(EnvId(0))?;
    let refused = with_priority(OWN + 1).give(EnvId(0)) == Err(Error::Inval);
    check("nobody raises itself", refused);
    if policy == Policy::Priority {
        compare(shared, high, low)?;
    }
    sys::env_destroy(high)?;
    sys::env_destroy(low)?;
    Ok(policy)
}

fn compare(shared: &Page, high: EnvId, low: EnvId) -> Result<(), Error> {
    ipc::send(high, 1)?;
    check("who is above runs at once", shared[0].load(SeqCst) == 1);
    ipc::send(low, 1)?;
    check("who is below waits", shared[1].load(SeqCst) == 0);
    sys::yield_now();
    check("also when one yields", shared[1].load(SeqCst) == 0);
    time::sleep(PAUSE)?;
    check("until one sleeps", shared[1].load(SeqCst) == 1);
    ipc::send(low, SPIN)?;
    let end = Instant::now()?.after(PAUSE);
    time::sleep_until(end)?;
    let late = Instant::now()?.since(end);
    check("who is below spins", shared[1].load(SeqCst) == SPIN);
    check("and is interrupted in time", late < LATE);
    Ok(())
}

fn child(shared: &Page, place: usize, priority: u8) -> Result<EnvId, Error> {
    let Fork::Parent(child) = fork()? else {
        obey(shared, place);
    };
    with_priority(priority).give(child)?;
    Ok(child)
}

fn with_priority(priority: u8) -> Scheduling {
    Scheduling {
        priority,
        ..Scheduling::USUAL
    }
}

/// Notes what it receives, and spins if it is told to.
fn obey(shared: &Page, place: usize) -> ! {
    loop {
        let value = ipc::recv().map_or(0, |message| message.value);
        shared[place].store(value, SeqCst);
        if value == SPIN {
            loop {
                core::hint::spin_loop();
            }
        }
    }
}

fn check(what: &str, holds: bool) {
    if holds {
        println!("{what}");
    } else {
        println!("priorities: BUG: not so: {what}");
    }
}
