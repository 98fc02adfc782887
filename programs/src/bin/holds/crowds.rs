//! Calls that concern a crowd: all other environments there can be.
//!
//! The hard thing is memory: a thousand children fit if they share their pages.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use user::env::Env;
use user::fork::fork_job;
use user::{EnvStatus, Fork, fork, ipc, println, share, sys};

use super::gap;

/// As many as there are slots, but for this environment, another, and a few that the
/// machine may have.
const CROWD: u32 = 1000;
/// Those who go to sleep first, and wake last.
const SLEEPERS: u32 = 900;
/// As many as one step wakes.
const WOKEN: u32 = 64;
/// As many as may wait for a word that one environment owns.
const MOST_OWNED: u32 = 512;
/// In microseconds: until the one wake, and the others.
const SOON: u64 = 10_000;
const LATE: u64 = 300_000;

pub fn all() {
    let words = share::words(2).expect("memory to share");
    senders(&words[0]);
    watchers(&words[0], &words[1]);
    sleepers(&words[0]);
    job(&words[0]);
}

/// Everybody waits to send to one, which is ended.
fn senders(ready: &AtomicU32) {
    ready.store(0, Relaxed);
    let target = match fork().expect("fork") {
        Fork::Parent(target) => target,
        Fork::Child => loop {
            sys::yield_now();
        },
    };
    for _ in 0..CROWD {
        if let Fork::Child = fork().expect("fork") {
            ready.fetch_add(1, Relaxed);
            // The target ends before it receives.
            let _ = ipc::send(target, 1);
            user::exit();
        }
    }
    wait(ready, CROWD);
    let time = gap::of(|| sys::env_destroy(target).expect("env_destroy"));
    gap::print("env_destroy-senders", time);
    wait_for_all();
}

/// Everybody waits for a word that one of two owns, of whom one is ended; half of them then
/// depend on this environment, which wakes some, and then one to whom others are handed over.
fn watchers(ready: &AtomicU32, word: &AtomicU32) {
    ready.store(0, Relaxed);
    let own = sys::getenvid();
    let owners = [(); 2].map(|()| match fork().expect("fork") {
        Fork::Parent(owner) => owner,
        Fork::Child => loop {
            sys::yield_now();
        },
    });
    for number in 0..CROWD {
        if let Fork::Child = fork().expect("fork") {
            ready.fetch_add(1, Relaxed);
            sys::yield_now();
            let _ = sys::futex_wait(word, 0, owners[usize::from(number >= MOST_OWNED)]);
            ready.fetch_add(1, Relaxed);
            let _ = sys::futex_wait(word, 0, own);
            user::exit();
        }
    }
    wait(ready, CROWD);
    let time = gap::of(|| sys::env_destroy(owners[0]).expect("env_destroy"));
    gap::print("env_destroy-owner", time);
    wait(ready, CROWD + MOST_OWNED);
    let time = gap::of(|| {
        let _ = sys::futex_wake(word, WOKEN);
    });
    gap::print("futex_wake", time);
    let time = gap::of(|| {
        let _ = sys::futex_pass_on(word);
    });
    gap::print("futex_wake-others", time);
    sys::env_destroy(owners[1]).expect("env_destroy");
    // Nobody waits again.
    word.store(1, Relaxed);
    while sys::futex_wake(word, WOKEN) == Ok(WOKEN) {}
    wait_for_all();
}

/// Everybody sleeps. One more goes to sleep behind them; then a step wakes as many as it
/// may.
fn sleepers(ready: &AtomicU32) {
    ready.store(0, Relaxed);
    let now = || sys::time_usec().expect("time_usec");
    let late = now() + LATE;
    sleep(SLEEPERS, ready, late);
    wait(ready, SLEEPERS);
    sleep(1, ready, late);
    let times = (0..10).map(|_| gap::of(sys::yield_now));
    gap::print("sleep_until", times.max().unwrap_or(0));
    sleep(WOKEN, ready, now() + SOON);
    wait(ready, SLEEPERS + 1 + WOKEN);
    gap::print("interrupt-wakes", gap::interruption());
    wait_for_all();
}

/// Makes children that sleep until this time. Each yields first, when its memory is its
/// own.
fn sleep(count: u32, ready: &AtomicU32, time: u64) {
    for _ in 0..count {
        if let Fork::Child = fork().expect("fork") {
            ready.fetch_add(1, Relaxed);
            sys::yield_now();
            let _ = sys::sleep_until(time);
            user::exit();
        }
    }
}

/// Lets so many begin to wait.
fn wait(ready: &AtomicU32, count: u32) {
    while ready.load(Relaxed) < count {
        sys::yield_now();
    }
    (0..10).for_each(|_| sys::yield_now());
}

/// Lets all others end.
fn wait_for_all() {
    let living = || Env::all().filter(|env| env.status() != Some(EnvStatus::Free));
    while living().count() > 1 {
        sys::yield_now();
    }
}

/// A job of everybody, all waiting, is ended.
fn job(ready: &AtomicU32) {
    ready.store(0, Relaxed);
    let job = match fork_job().expect("fork_job") {
        Fork::Parent(job) => job,
        Fork::Child => {
            for _ in 0..CROWD {
                if let Fork::Child = fork().expect("fork") {
                    ready.fetch_add(1, Relaxed);
                    loop {
                        let _ = ipc::recv();
                    }
                }
            }
            loop {
                let _ = ipc::recv();
            }
        }
    };
    wait(ready, CROWD);
    let size = gap::of(|| {
        let _ = sys::job_size(job);
    });
    gap::print("job_size", size);
    let mut left = Ok(1);
    let mut times = [0; 2];
    for time in &mut times {
        *time = gap::of(|| left = sys::job_destroy(job));
    }
    gap::print("job_destroy", times[0]);
    gap::print("job_destroy-again", times[1]);
    if left.is_err() {
        println!("holds: no jobs");
    }
}
