//! Jobs of children that never ran are ended, again and again, beside one that
//! keeps a pattern in the x87 and SSE registers: those are nobody else's business.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use programs::fpu::{Registers, Unit};
use programs::lives;
use user::fork::fork_job;
use user::{EnvId, Error, Fork, fork, println, share, sys};

const JOBS: u32 = 20;
/// One more than a call ends: that one ends where it would run.
const CHILDREN: usize = 9;

user::program!(main);

fn main() {
    if let Err(error) = run() {
        panic!("{}", error.message());
    }
}

fn run() -> Result<(), Error> {
    let words = share::words(3)?;
    let (all_ended, changed, made) = (&words[0], &words[1], &words[2]);
    // SAFETY: only integers of at most 32 bits are worked with here, and in the
    // library.
    let unit = unsafe { Unit::take_over() };
    let Fork::Parent(bystander) = fork()? else {
        let pattern = Registers::pattern(0xb15);
        unit.load(&pattern);
        while all_ended.load(SeqCst) == 0 {
            sys::yield_now();
            changed.fetch_add(u32::from(unit.store() != pattern), SeqCst);
            unit.load(&pattern);
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

/// A job whose first member has made the others, and waits. Slots that were given
/// back are used again, so theirs lie before its own: while it lives they do not
/// end with it, and the kernel comes to them first.
fn make_job(made: &AtomicU32) -> Result<EnvId, Error> {
    made.store(0, SeqCst);
    let mut spare = [EnvId::NONE; CHILDREN];
    for id in &mut spare {
        // SAFETY: it never runs.
        *id = unsafe { sys::exofork() }?;
    }
    let Fork::Parent(job) = fork_job()? else {
        while made.load(SeqCst) == 0 {
            sys::yield_now();
        }
        for _ in 0..CHILDREN {
            // SAFETY: it never runs.
            unsafe { sys::exofork() }.expect("exofork");
        }
        made.store(2, SeqCst);
        loop {
            sys::yield_now();
        }
    };
    for id in spare {
        sys::env_destroy(id)?;
    }
    made.store(1, SeqCst);
    while made.load(SeqCst) < 2 {
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
