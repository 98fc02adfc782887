//! Promises of the kernel that no other program here looks at, each tried once. One
//! that is broken is a line with the word BUG.
//!
//! The hard thing is memory that is used up: from then on this program must not need a
//! page of its own. So that comes first, before any fork that copies nothing.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use programs::{attack, lives};
use user::abi::layout::PGSIZE;
use user::env::Env;
use user::fork::{eager_fork, fork_job};
use user::{EnvId, EnvStatus, Fork, Perm, fork, ipc, println, share, sys};

/// Nothing of this program lives from here on.
const PLACE: u32 = 0x1000_0000;
/// Where a child has a page that its parent takes away.
const WINDOW: u32 = 0xa000_0000;
/// Children that have never run, and pages of each; and what a heap may ask for as soon
/// as they are dead: more than the kernel gets back in one step.
const CHILDREN: u32 = 100;
const PAGES: u32 = 5;
const HEAP: i32 = (CHILDREN * PAGES * PGSIZE) as i32;
/// Members of a job that are more than a few calls can end.
const MEMBERS: u32 = 200;
/// How often a page is taken away from a program that runs.
const ROUNDS: u32 = 50;
/// Enough for a step of the clock, which has ten milliseconds; and for others.
const LONG: u32 = 12_000_000;

user::program!(main);

fn main() {
    let words = share::words(2).expect("memory to share");
    memory(&words[0]);
    heap();
    words[0].store(0, SeqCst);
    taken_away(&words[0]);
    words[0].store(0, SeqCst);
    apart(&words[0]);
    words[0].store(0, SeqCst);
    members(&words[0], &words[1]);
    words[0].store(0, SeqCst);
    outrun(&words[0]);
    words[0].store(0, SeqCst);
    chosen(&words[0]);
    time();
    println!("promised: all was tried");
}

fn check(is_kept: bool, promise: &str) {
    if !is_kept {
        println!("promised: BUG: not so: {promise}");
    }
}

fn wait(word: &AtomicU32, least: u32) {
    while word.load(SeqCst) < least {
        sys::yield_now();
    }
}

/// Pages come empty, and none is refused while the dead have any.
fn memory(made: &AtomicU32) {
    let Fork::Parent(family) = eager_fork().expect("eager_fork") else {
        for _ in 0..CHILDREN {
            // SAFETY: it never runs.
            let child = unsafe { sys::exofork() }.expect("exofork");
            for page in 0..PAGES {
                // SAFETY: the child's, and nothing is there.
                unsafe { sys::page_alloc(child, PLACE + page * PGSIZE, Perm::WRITE) }
                    .expect("page_alloc");
            }
        }
        made.store(1, SeqCst);
        loop {
            sys::yield_now();
        }
    };
    wait(made, 1);
    let grower = grower(made);
    let mut next = PLACE;
    // A page that somebody has used, for whoever comes next.
    // SAFETY: nothing is there.
    unsafe {
        sys::page_alloc(EnvId::NONE, next, Perm::WRITE).expect("page_alloc");
        attack::store(next, 0x5eed);
        sys::page_unmap(EnvId::NONE, next).expect("page_unmap");
    }
    use_up(&mut next);
    sys::env_destroy(family).expect("env_destroy");
    // SAFETY: nobody here has a heap.
    let grown = unsafe { sys::sbrk(HEAP).and_then(|_| sys::sbrk(-HEAP)) };
    check(grown.is_ok(), "nothing is refused that the dead have");
    made.store(2, SeqCst);
    wait(made, 3);
    use_up(&mut next);
    for va in (PLACE..next).step_by(PGSIZE as usize) {
        // SAFETY: from above.
        unsafe { sys::page_unmap(EnvId::NONE, va) }.expect("page_unmap");
    }
    lives::wait_for(grower);
}

/// A child whose heap grows, once it is told so, while its parent takes all memory.
fn grower(told: &AtomicU32) -> EnvId {
    let Fork::Parent(child) = eager_fork().expect("eager_fork") else {
        wait(told, 2);
        // SAFETY: nobody here has a heap.
        let (before, grown, after) = unsafe {
            let before = sys::sbrk(0);
            told.store(3, SeqCst);
            (before, sys::sbrk(HEAP), sys::sbrk(0))
        };
        let kept = grown.is_ok() || after == before;
        check(kept, "a heap grows as far as it should, or not at all");
        user::exit()
    };
    child
}

/// Allocates pages from `next` on until one is refused.
fn use_up(next: &mut u32) {
    let mut are_empty = true;
    // SAFETY: nothing is there.
    while unsafe { sys::page_alloc(EnvId::NONE, *next, Perm::WRITE) }.is_ok() {
        // SAFETY: just allocated.
        are_empty &= unsafe { attack::load(*next) } == 0;
        *next += PGSIZE;
    }
    check(are_empty, "a page comes empty");
}

/// What the heap gives back is gone, and comes back empty.
fn heap() {
    let pages = 2 * PGSIZE as i32;
    // SAFETY: only this function has a heap.
    unsafe {
        let start = sys::sbrk(pages).expect("sbrk");
        attack::store(start, 1);
        attack::store(start + PGSIZE, 1);
        sys::sbrk(-pages).expect("sbrk");
        sys::sbrk(pages).expect("sbrk");
        check(attack::load(start) == 0, "a heap grows by empty pages");
    }
}

/// Who receives from one gets nobody else's message.
fn chosen(tried: &AtomicU32) {
    const TRIES: u32 = 20;
    let parent = sys::getenvid();
    let Fork::Parent(other) = eager_fork().expect("eager_fork") else {
        while sys::ipc_try_send(parent, 1).is_err() {
            tried.fetch_add(1, SeqCst);
            sys::yield_now();
        }
        user::exit()
    };
    let Fork::Parent(one) = eager_fork().expect("eager_fork") else {
        wait(tried, TRIES);
        ipc::send(parent, 2).expect("send");
        user::exit()
    };
    let first = ipc::recv_from(one).expect("recv_from");
    let is_from_one = (first.from, first.value) == (one, 2);
    check(is_from_one, "one who chooses the sender hears nobody else");
    if !is_from_one {
        tried.store(TRIES, SeqCst);
    }
    let second = ipc::recv().expect("recv");
    check(second.from != first.from, "no message comes twice");
    lives::wait_for(one);
    lives::wait_for(other);
    check(ipc::recv_from(one).is_err(), "nobody waits for the dead");
}

fn time() {
    let start = sys::time_msec().expect("time_msec");
    for step in 0..LONG {
        black_box(step);
    }
    let end = sys::time_msec().expect("time_msec");
    check(end > start, "time passes");
}

/// A page is taken away from a child that reads it: no other frame is ever seen there.
fn taken_away(told: &AtomicU32) {
    let Fork::Parent(child) = fork().expect("fork") else {
        wait(told, 1);
        let mut is_empty = true;
        while told.load(SeqCst) == 1 {
            // SAFETY: the parent has put a page there.
            is_empty &= unsafe { attack::load(WINDOW) } == 0;
        }
        check(is_empty, "a page is not another's before it is gone");
        user::exit()
    };
    let (mut both_run, mut share_cpu) = (0, 0);
    for round in 0..ROUNDS {
        // SAFETY: the child expects any page.
        unsafe { sys::page_alloc(child, WINDOW, Perm::WRITE) }.expect("page_alloc");
        told.store(1, SeqCst);
        for step in 0..round * 10 {
            black_box(step);
        }
        let other = Env::of(child);
        if other.status() == Some(EnvStatus::Running) {
            both_run += 1;
            share_cpu += u32::from(other.cpu() == Env::this().cpu());
        }
    }
    told.store(2, SeqCst);
    // One of the two may have moved in between, but not each time.
    check(
        both_run == 0 || share_cpu < both_run,
        "two that run are on two CPUs",
    );
    lives::wait_for(child);
}

/// What one of parent and child writes after a fork, the other never sees.
fn apart(told: &AtomicU32) {
    const PAGE: usize = PGSIZE as usize / 4;
    static WORDS: [AtomicU32; 4 * PAGE] = [const { AtomicU32::new(0) }; 4 * PAGE];
    let fill = |value| {
        WORDS
            .iter()
            .step_by(PAGE)
            .for_each(|word| word.store(value, SeqCst))
    };
    let all_are = |value| {
        WORDS
            .iter()
            .step_by(PAGE)
            .all(|word| word.load(SeqCst) == value)
    };
    fill(1);
    let Fork::Parent(child) = fork().expect("fork") else {
        wait(told, 1);
        check(all_are(1), "a child has what its parent had at the fork");
        fill(3);
        told.store(2, SeqCst);
        user::exit()
    };
    fill(2);
    told.store(1, SeqCst);
    wait(told, 2);
    check(all_are(2), "a parent does not see what its child writes");
    lives::wait_for(child);
}

/// The children of a job's member are members.
fn members(made: &AtomicU32, over: &AtomicU32) {
    let Fork::Parent(job) = fork_job().expect("fork_job") else {
        fork().expect("fork");
        made.fetch_add(1, SeqCst);
        wait(over, 1);
        user::exit()
    };
    wait(made, 2);
    let size = sys::job_size(job);
    check(size == Ok(2), "a member's child is a member");
    over.store(1, SeqCst);
    while sys::job_size(job).is_ok_and(|size| size > 0) {
        sys::yield_now();
    }
}

/// A job that is being ended makes no children. The hard thing is to be slow enough:
/// the kernel begins with the lowest slots, a few in a call, so the first of them are
/// for children.
fn outrun(made: &AtomicU32) {
    let mut spare = [EnvId::NONE; MEMBERS as usize];
    for id in &mut spare {
        // SAFETY: it never runs.
        *id = unsafe { sys::exofork() }.expect("exofork");
    }
    let Fork::Parent(job) = fork_job().expect("fork_job") else {
        wait(made, 1);
        loop {
            // SAFETY: it never runs.
            if unsafe { sys::exofork() }.is_ok() {
                made.fetch_add(1, SeqCst);
            }
        }
    };
    for id in spare {
        sys::env_destroy(id).expect("env_destroy");
    }
    made.store(1, SeqCst);
    wait(made, MEMBERS);
    let mut left = sys::job_destroy(job);
    // One may have been made that was not counted yet.
    let most = made.load(SeqCst) + 1;
    for call in 0.. {
        if !left.is_ok_and(|left| left > 0) {
            break;
        }
        if call == MEMBERS {
            // It never ends; but without this one it does.
            sys::env_destroy(job).expect("env_destroy");
        }
        left = sys::job_destroy(job);
    }
    let children = made.load(SeqCst);
    check(children <= most, "a job that ends has no more children");
}
