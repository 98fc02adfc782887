//! Threads, used hard: locks, notifications, channels, borrowing, the heap; and threads that
//! die, with a lock or without.
//!
//! With the argument `panic` one thread panics, and nothing else happens.
//!
//! What is printed is the same however the threads take turns. The hard thing is to see
//! that nothing is lost: everything is counted twice, by those who do it and by what they share.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::hint::black_box;

use user::sync::{Barrier, Channel, Condvar, Died, Mutex};
use user::thread::JoinHandle;
use user::{Error, area, fork, println, share, sys, thread};

/// Threads that do the same.
const THREADS: u32 = 6;
/// How often each counts.
const COUNTS: u32 = 20_000;
/// How often two pass the turn to each other.
const TURNS: u32 = 2_000;
/// Values that go through the channel from each sender.
const VALUES: u32 = 3_000;
/// Bytes of heap.
const ROOM: usize = 0x8_0000;

user::heap!();
user::program!(main);

fn main() {
    let is_to_panic = user::args().any(|word| word == "panic");
    let result = if is_to_panic {
        panic_with_lock()
    } else {
        run()
    };
    if let Err(error) = result {
        println!("threads: {}", error.message());
    }
}

fn run() -> Result<(), Error> {
    thread::reserve(ROOM)?;
    assert_eq!(thread::reserve(ROOM), Err(Error::Inval));
    count()?;
    take_turns()?;
    send_and_receive()?;
    meet()?;
    join()?;
    allocate()?;
    die()?;
    die_later()?;
    run_out();
    println!("all is well");
    Ok(())
}

/// A counter behind a lock, and threads that borrow it.
fn count() -> Result<(), Error> {
    let counter = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..COUNTS {
                    *must(counter.lock()) += 1;
                }
            })?;
        }
        Ok::<(), Error>(())
    })?;
    println!("{THREADS} threads counted to {}", counter.into_inner());
    Ok(())
}

/// Two threads that wait for each other, every time.
fn take_turns() -> Result<(), Error> {
    let turn = Mutex::new(0);
    let changed = Condvar::new();
    let play = |own: u32| {
        for _ in 0..TURNS {
            let guard = must(turn.lock());
            let mut guard = must(changed.wait_while(guard, |turn| *turn % 2 != own));
            *guard += 1;
            drop(guard);
            changed.notify_one();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| play(0))?;
        scope.spawn(|| play(1))?;
        Ok::<(), Error>(())
    })?;
    println!("two threads took {} turns", turn.into_inner());
    Ok(())
}

/// Three senders and two receivers at a channel that is nearly always full.
fn send_and_receive() -> Result<(), Error> {
    let channel: Channel<Box<u32>, 4> = Channel::new();
    let (count, sum) = thread::scope(|scope| {
        let receive = || {
            let (mut count, mut sum) = (0, 0);
            while let Ok(value) = channel.recv() {
                count += 1;
                sum += *value;
            }
            (count, sum)
        };
        let receivers = [scope.spawn(receive)?, scope.spawn(receive)?];
        let send = |first: u32| {
            for value in 0..VALUES {
                must(channel.send(Box::new(first + value)));
            }
        };
        let senders = [
            scope.spawn(move || send(0))?,
            scope.spawn(move || send(VALUES))?,
            scope.spawn(move || send(2 * VALUES))?,
        ];
        senders.into_iter().for_each(|sender| must(sender.join()));
        channel.close();
        let [first, second] = receivers.map(|receiver| must(receiver.join()));
        Ok::<_, Error>((first.0 + second.0, first.1 + second.1))
    })?;
    let all = 3 * VALUES;
    assert!(sum == all * (all - 1) / 2, "each value once");
    println!("{count} values went through a channel, each once");
    Ok(())
}

/// Nobody begins a round before all have ended the one before.
fn meet() -> Result<(), Error> {
    const ROUNDS: u32 = 200;
    let barrier = Barrier::new(THREADS as usize);
    let done = Mutex::new(0);
    let last = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    *must(done.lock()) += 1;
                    if must(barrier.wait()) {
                        *must(last.lock()) += 1;
                    }
                    assert!(*must(done.lock()) >= round * THREADS, "all have come");
                    must(barrier.wait());
                }
            })?;
        }
        Ok::<(), Error>(())
    })?;
    println!("{} rounds, and in each one was the last", last.into_inner());
    Ok(())
}

/// Results, threads that start threads, and more of them than there are at a time.
fn join() -> Result<(), Error> {
    let outer = thread::spawn(|| {
        let inner = thread::spawn(|| String::from("a thread's thread"))?;
        inner.join().map_err(|Died| Error::BadEnv)
    })?;
    let said = must(outer.join())?;
    println!("a result from {said}");
    let mut sum = 0;
    for value in 0..2 * thread::MOST as u32 {
        // Dropped handles let threads go.
        drop(spawn_patiently(move || Box::new(value))?);
        sum += must(spawn_patiently(move || value)?.join());
    }
    println!("{} threads, one after the other: {sum}", 2 * thread::MOST);
    assert!(fork().is_err(), "threads and fork");
    assert!(share::page().is_err(), "threads and new shared pages");
    Ok(())
}

/// Starts a thread, when there is room for one. Those for which nobody waits need the heap's
/// lock, and pile up if the one that has it gets no CPU.
fn spawn_patiently<T: Send + 'static>(
    closure: impl FnOnce() -> T + Send + Copy + 'static,
) -> Result<JoinHandle<T>, Error> {
    loop {
        match thread::spawn(closure) {
            Err(Error::NoFreeEnv) => thread::yield_now(),
            spawned => return spawned,
        }
    }
}

/// Threads that allocate and free at the same time.
fn allocate() -> Result<(), Error> {
    let make = |thread: u32| {
        let mut lines: Vec<String> = Vec::new();
        for round in 0..400 {
            lines.push(format!("thread {thread}, line {round}"));
            if lines.len() > 20 {
                lines.swap_remove(round % 20);
            }
        }
        let prefix = format!("thread {thread}, ");
        lines.iter().all(|line| line.starts_with(&prefix))
    };
    let intact = thread::scope(|scope| {
        let mut handles = Vec::new();
        for number in 0..THREADS {
            handles.push(scope.spawn(move || make(number))?);
        }
        let joined = handles.into_iter().map(|handle| must(handle.join()));
        Ok::<usize, Error>(joined.filter(|&intact| intact).count())
    })?;
    println!("{intact} threads have what they wrote");
    Ok(())
}

/// Who joins a thread that died is told, and so is who wants the lock that it had.
fn die() -> Result<(), Error> {
    static HELD: Mutex<u32> = Mutex::new(7);
    let joined = thread::spawn(|| user::exit())?.join();
    println!("a thread that ends itself: {joined:?}");
    let joined = thread::spawn(|| area::write(0, 7))?.join();
    println!("a thread that faults: {joined:?}");
    let joined = thread::spawn(|| descend(1000))?.join();
    println!("a thread that uses up its stack: {joined:?}");
    let killed = thread::spawn(|| {
        loop {
            thread::yield_now();
        }
    })?;
    sys::env_destroy(killed.id())?;
    println!("a thread that is ended: {:?}", killed.join());
    let holder = thread::spawn(|| {
        let _guard = HELD.lock();
        area::write(1, 7)
    })?;
    // Perhaps before it dies, perhaps after.
    let waiter = thread::spawn(|| {
        while HELD.try_lock().is_some() {
            thread::yield_now();
        }
        HELD.lock().err()
    })?;
    let told = must(waiter.join());
    let joined = holder.join();
    println!("a thread that faults with a lock: {joined:?}, and who wants the lock: {told:?}");
    println!("later: {:?}", HELD.lock().err());
    Ok(())
}

/// A panic ends its thread alone, which says where and why. Nothing is unwound, so the lock
/// is not let go.
fn panic_with_lock() -> Result<(), Error> {
    static LEFT: Mutex<u32> = Mutex::new(7);
    let panicking = thread::spawn(|| {
        let number = must(LEFT.lock());
        assert!(*number == 8, "{} is the wrong number", *number);
    })?;
    let joined = panicking.join();
    let wanted = LEFT.lock().err();
    println!("a thread that panics with a lock: {joined:?}, and who wants the lock: {wanted:?}");
    Ok(())
}

/// Three threads wait for the holder of a lock. The first to get it dies with it.
fn die_later() -> Result<(), Error> {
    static PASSED_ON: Mutex<u32> = Mutex::new(7);
    let guard = PASSED_ON.lock();
    let take = || {
        let taken = PASSED_ON.lock();
        if taken.is_ok() {
            area::write(2, 7)?;
        }
        Ok::<_, Error>(taken.err())
    };
    let threads = [
        thread::spawn(take)?,
        thread::spawn(take)?,
        thread::spawn(take)?,
    ];
    for _ in 0..100 {
        thread::yield_now();
    }
    drop(guard);
    let told = threads.map(|thread| thread.join() == Ok(Ok(Some(Died))));
    let told = told.into_iter().filter(|&told| told).count();
    println!("a later holder died, and who waited longer was told: {told}");
    Ok(())
}

/// Takes more than 256 bytes of stack a step.
fn descend(steps: u32) -> u32 {
    let room = black_box([steps; 64]);
    match steps {
        0 => 0,
        _ => descend(steps - 1) + room[steps as usize % 64],
    }
}

/// The heap does not grow any more, and says so.
fn run_out() {
    let mut blocks: Vec<Vec<u8>> = Vec::with_capacity(ROOM / 4000);
    let refused = loop {
        let mut block = Vec::new();
        match block.try_reserve_exact(4000) {
            Ok(()) => blocks.push(block),
            Err(_) => break blocks.len(),
        }
    };
    assert!(
        refused > ROOM / 8000 && refused <= ROOM / 4000,
        "{refused} blocks"
    );
    println!("the heap was used up");
    drop(blocks);
    assert!(Vec::<u8>::new().try_reserve_exact(4000).is_ok());
}

/// What cannot fail, because nobody dies.
fn must<T, E>(result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(_) => panic!("a thread died"),
    }
}
