//! Producers and consumers at a ring that they share.
//!
//! The ring's places are words, its ends are counted behind one lock, and two
//! conditions say that there is room, or something. The hard thing is to see that nothing is
//! lost, doubled or overtaken: an item says who made it and how many that one had made, so
//! every consumer sees each producer's items in order, and all are summed up.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use user::sync::{Condvar, Died, Mutex};
use user::{Error, println, thread};

const PRODUCERS: usize = 3;
const CONSUMERS: usize = 3;
/// Items of each producer.
const ITEMS: u32 = 5_000;
/// Places of the ring.
const PLACES: u32 = 8;

user::program!(main);

fn main() {
    match run() {
        Ok(()) => println!("producers: ok"),
        Err(error) => println!("producers: {}", error.message()),
    }
}

/// A ring of items.
struct Ring {
    places: [AtomicU32; PLACES as usize],
    ends: Mutex<Ends>,
    room: Condvar,
    items: Condvar,
}

/// How many items were ever put in and taken out.
struct Ends {
    put: u32,
    taken: u32,
}

impl Ring {
    fn put(&self, item: u32) -> Result<(), Died> {
        let is_full = |ends: &mut Ends| ends.put - ends.taken == PLACES;
        let mut ends = self.room.wait_while(self.ends.lock()?, is_full)?;
        self.places[(ends.put % PLACES) as usize].store(item, Relaxed);
        ends.put += 1;
        drop(ends);
        self.items.notify_one();
        Ok(())
    }

    /// The next item; none if all have been taken.
    fn take(&self) -> Result<Option<u32>, Died> {
        const ALL: u32 = ITEMS * PRODUCERS as u32;
        let is_empty = |ends: &mut Ends| ends.taken == ends.put && ends.taken < ALL;
        let mut ends = self.items.wait_while(self.ends.lock()?, is_empty)?;
        if ends.taken == ALL {
            return Ok(None);
        }
        let item = self.places[(ends.taken % PLACES) as usize].load(Relaxed);
        ends.taken += 1;
        if ends.taken == ALL {
            self.items.notify_all();
        }
        drop(ends);
        self.room.notify_one();
        Ok(Some(item))
    }
}

fn run() -> Result<(), Error> {
    let ring = Ring {
        places: [const { AtomicU32::new(0) }; PLACES as usize],
        ends: Mutex::new(Ends { put: 0, taken: 0 }),
        room: Condvar::new(),
        items: Condvar::new(),
    };
    let sums = [const { AtomicU32::new(0) }; PRODUCERS];
    let taken = thread::scope(|scope| {
        for producer in 0..PRODUCERS as u32 {
            let ring = &ring;
            scope.spawn(move || {
                for number in 0..ITEMS {
                    ring.put(producer << 24 | number)?;
                }
                Ok::<(), Died>(())
            })?;
        }
        let consume = || consume(&ring, &sums);
        let mut consumers = [const { None }; CONSUMERS];
        for consumer in &mut consumers {
            *consumer = Some(scope.spawn(consume)?);
        }
        let joined = consumers.into_iter().flatten().map(|handle| handle.join());
        let taken = joined.map(|count| count.flatten().unwrap_or(0));
        Ok::<u32, Error>(taken.sum())
    })?;
    println!("{taken} items were taken");
    for (producer, sum) in sums.iter().enumerate() {
        println!("from producer {producer}: {}", sum.load(Relaxed));
    }
    Ok(())
}

/// Takes items until none is left, and returns how many.
fn consume(ring: &Ring, sums: &[AtomicU32; PRODUCERS]) -> Result<u32, Died> {
    let mut next = [0; PRODUCERS];
    let mut count = 0;
    while let Some(item) = ring.take()? {
        let (producer, number) = ((item >> 24) as usize, item & 0xff_ffff);
        assert!(number >= next[producer], "a producer's order");
        next[producer] = number + 1;
        sums[producer].fetch_add(number, Relaxed);
        count += 1;
    }
    Ok(count)
}
