//! Jobs of children that never ran are ended, again and again, beside somebody who
//! keeps a pattern in the x87 and SSE registers: those are nobody else's business.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use programs::fpu::Registers;
use programs::lives;
use user::fork::fork_job;
use user::{EnvId, Error, Fork, fork, println, share, sys};

const JOBS: u32 = 20;
/// As many as one call ends: with their parent there is one too many, which the
/// kernel ends when it would run.
const CHILDREN: u32 = 8;

user::program!(main);

fn main() {
    if let Err(error) = run() {
        panic!("{}", error.message());
    }
}

fn run() -> Result<(), Error> {
    let words = share::words(3)?;
    let (all_ended, changed, made) = (&words[0], &words[1], &words[2]);
    let Fork::Parent(bystander) = fork()? else {
        let pattern = Registers::pattern(0xb15);
        pattern.load();
        while all_ended.load(SeqCst) == 0 {
            sys::yield_now();
            changed.fetch_add(u32::from(Registers::store() != pattern), SeqCst);
            pattern.load();
        }
        user::exit()
    };
    for _ in 0..JOBS {
        end(make_job(made)?)?;
    }
    all_ended.store(1, SeqCst);
    lives::wait_for(bystander);
    println!(
        "{JOBS} jobs ended, registers changed {} times",
        changed.load(SeqCst)
    );
    Ok(())
}

/// A job whose first member has made the others, and waits.
fn make_job(made: &AtomicU32) -> Result<EnvId, Error> {
    made.store(0, SeqCst);
    let Fork::Parent(job) = fork_job()? else {
        for _ in 0..CHILDREN {
            // SAFETY: it never runs.
            unsafe { sys::exofork() }.expect("exofork");
        }
        made.store(1, SeqCst);
        loop {
            sys::yield_now();
        }
    };
    while made.load(SeqCst) == 0 {
        sys::yield_now();
    }
    Ok(job)
}

/// Ends all members, and waits until they are gone.
fn end(job: EnvId) -> Result<(), Error> {
    while sys::job_destroy(job)? > 0 {
        sys::yield_now();
    }
    Ok(())
}
