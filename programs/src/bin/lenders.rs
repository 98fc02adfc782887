//! Threads that die while others borrow from them; and what else could show a thread memory
//! that is not what it borrowed.
//!
//! The hard thing is that nothing may go wrong: each case looks for a long time at what was
//! lent, while others do what they can to have it changed.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use programs::attack;
use user::abi::EnvState;
use user::exception::{Decision, Exception, Kind, set_handler};
use user::sync::Mutex;
use user::{Error, Fork, checkpoint, fork, println, sys, thread};

/// How often a borrower looks.
const LOOKS: u32 = 300;
/// What is lent.
const LENT: u32 = 0x1e47;

user::heap!();
user::program!(main);

fn main() {
    if let Err(error) = run() {
        println!("lenders: {}", error.message());
    }
}

fn run() -> Result<(), Error> {
    look_at_child()?;
    join_lender()?;
    join_inner_lender()?;
    leave_lender()?;
    borrow_in_handler()?;
    println!("lenders: done");
    Ok(())
}

/// A program with threads looks at a child's pages.
fn look_at_child() -> Result<(), Error> {
    let Fork::Parent(child) = fork()? else {
        loop {
            sys::yield_now();
        }
    };
    // From now on the library remembers in a page of its own which environment this is.
    thread::reserve(0x1000)?;
    let own = thread::current();
    let mut state = EnvState::default();
    let stopped = checkpoint::stop(child, &mut state)?;
    let mut known = true;
    stopped.pages(|_, _, _| known &= thread::current() == own)?;
    known &= thread::current() == own;
    sys::env_destroy(child)?;
    println!("who looks at a child knows itself: {known}");
    Ok(())
}

/// Looks at what was lent, and says when that is over.
struct Watch {
    changed: AtomicBool,
    over: AtomicBool,
}

impl Watch {
    const fn new() -> Watch {
        Watch {
            changed: AtomicBool::new(false),
            over: AtomicBool::new(false),
        }
    }

    fn look(&self, lent: &AtomicU32) {
        for _ in 0..LOOKS {
            if lent.load(SeqCst) != LENT {
                self.changed.store(true, SeqCst);
            }
            thread::yield_now();
        }
        self.over.store(true, SeqCst);
    }

    fn is_over(&self) -> bool {
        self.over.load(SeqCst)
    }

    fn is_well(&self) -> bool {
        self.is_over() && !self.changed.load(SeqCst)
    }
}

/// Lends what is on its stack to a thread, and dies.
fn lend(watch: &Watch) {
    let lent = AtomicU32::new(LENT);
    lend_this(watch, &lent);
}

fn lend_this(watch: &Watch, lent: &AtomicU32) {
    thread::scope(|scope| {
        if scope.spawn(|| watch.look(lent)).is_ok() {
            user::exit();
        }
    });
}

/// Who joins a lender that has died waits for those who borrow.
fn join_lender() -> Result<(), Error> {
    static WATCH: Watch = Watch::new();
    let joined = thread::spawn(|| lend(&WATCH))?.join();
    let well = WATCH.is_well();
    println!("a lender: {joined:?}, and the borrower has ended: {well}");
    Ok(())
}

/// What is lent belongs to who joins, and is lent on by one that dies.
fn join_inner_lender() -> Result<(), Error> {
    static WATCH: Watch = Watch::new();
    let lent = AtomicU32::new(LENT);
    let joined = thread::scope(|scope| {
        let lender = scope.spawn(|| lend_this(&WATCH, &lent))?;
        Ok::<_, Error>(lender.join())
    })?;
    let well = WATCH.is_well();
    println!("one that lends on: {joined:?}, and the borrower has ended: {well}");
    Ok(())
}

/// The stack of a lender that nobody joins is not given to others before that is over.
fn leave_lender() -> Result<(), Error> {
    static WATCH: Watch = Watch::new();
    drop(thread::spawn(|| lend(&WATCH))?);
    let mut others = 0;
    while !WATCH.is_over() {
        // Writes over more than half of its stack.
        let other = thread::spawn(move || black_box([others; 1200])[0])?;
        others += u32::from(other.join() == Ok(others));
    }
    let well = WATCH.is_well();
    println!(
        "others have had stacks: {}, what was lent is there: {well}",
        others > 0
    );
    Ok(())
}

/// A handler's stack is seen by nobody else.
fn borrow_in_handler() -> Result<(), Error> {
    static TRIED: Mutex<Option<Error>> = Mutex::new(None);
    fn handle(_: &Exception<'_>) -> Decision {
        let tried = thread::scope(|scope| scope.spawn(|| ()).map(|_| ()));
        if let Ok(mut outcome) = TRIED.lock() {
            *outcome = tried.err();
        }
        Decision::Retry
    }
    set_handler(&[Kind::Breakpoint], handle)?;
    attack::breakpoint();
    let tried = TRIED.lock().map_or(None, |outcome| *outcome);
    println!("lending in a handler: {tried:?}");
    Ok(())
}
