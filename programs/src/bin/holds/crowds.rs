//! Calls that concern a crowd: all other environments there can be.
//!
//! The hard thing is memory: a thousand children fit if they share their pages.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use user::env::Env;
use user::fork::fork_job;
use user::{EnvId, EnvStatus, Fork, fork, ipc, println, share, sys};

use super::gap;

/// As many as there are slots, but for this environment, another, and a few that the
/// machine may have.
const CROWD: u32 = 1000;
/// Those who go to sleep first, and wake last.
const SLEEPERS: u32 = 900;
/// As many as one step wakes.
const WOKEN: u32 = 64;
/// In microseconds: until the one wake, and the others.
const SOON: u64 = 10_000;
const LATE: u64 = 300_000;

pub fn all() {
    let words = share::words(2).expect("memory to share");
    senders(&words[0]);
    hearers(&words[0]);
    clients(&words[0]);
    watchers(&words[0], &words[1]);
    sleepers(&words[0]);
    job(&words[0]);
}

/// Makes one that does nothing, for others to depend on.
fn bystander() -> EnvId {
    match fork().expect("fork") {
        Fork::Parent(child) => child,
        Fork::Child => loop {
            sys::yield_now();
        },
    }
}

/// Has everybody `depend` on something, each once.
fn gather(ready: &AtomicU32, depend: impl Fn()) {
    ready.store(0, Relaxed);
    for _ in 0..CROWD {
        if let Fork::Child = fork().expect("fork") {
            ready.fetch_add(1, Relaxed);
            depend();
            user::exit();
        }
    }
    wait(ready, CROWD);
}

/// Ends the one that all depend on. Others are told in the entries after that.
fn end(env: EnvId, row: &str) {
    let death = gap::of(|| sys::env_destroy(env).expect("env_destroy"));
    let after = [(); 3].map(|()| {
        gap::of(|| {
            sys::getenvid();
        })
    });
    gap::print(row, death.max(after.into_iter().max().unwrap_or(0)));
}

/// Everybody waits to send to one that never receives.
fn senders(ready: &AtomicU32) {
    let target = bystander();
    gather(ready, || {
        let _ = ipc::send(target, 1);
    });
    end(target, "env_destroy-senders");
    wait_for_all();
}

/// Everybody waits for the message of one.
fn hearers(ready: &AtomicU32) {
    let speaker = bystander();
    gather(ready, || {
        let _ = ipc::recv_from(speaker);
    });
    end(speaker, "env_destroy-speaker");
    wait_for_all();
}

/// Everybody waits for the reply of one that has taken all requests.
fn clients(ready: &AtomicU32) {
    let server = match fork().expect("fork") {
        Fork::Parent(server) => server,
        Fork::Child => loop {
            let _ = sys::ipc_reply(EnvId::NONE, [0; 2]);
        },
    };
    gather(ready, || {
        let _ = sys::ipc_call(server, [1, 2]);
    });
    end(server, "env_destroy-server");
    wait_for_all();
}

/// Everybody waits for a word of one that is ended. Then all depend on this environment, which
/// wakes some. Those wait again; and then some are woken and the others are handed over to
/// the last of these.
fn watchers(ready: &AtomicU32, word: &AtomicU32) {
    let own = sys::getenvid();
    let owner = bystander();
    gather(ready, || {
        sys::yield_now();
        let _ = sys::futex_wait(word, 0, owner);
        for _ in 0..2 {
            ready.fetch_add(1, Relaxed);
            let _ = sys::futex_wait(word, 0, own);
        }
    });
    end(owner, "env_destroy-owner");
    wait(ready, 2 * CROWD);
    let time = gap::of(|| {
        let _ = sys::futex_wake(word, WOKEN);
    });
    gap::print("futex_wake", time);
    wait(ready, 2 * CROWD + WOKEN);
    let time = gap::of(|| {
        let _ = sys::futex_pass_on(word, WOKEN);
    });
    gap::print("futex_wake-others", time);
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
