//! A ring buffer for one producer and one consumer, without a lock. The consumer
//! sleeps when it is empty, and only then is it woken.
//!
//! The hard thing is that each of the two writes one word and then reads the other's:
//! "there is more" and "I sleep". One of them must see what the other wrote. But a
//! processor may keep what it wrote to itself for a while (x86 has a store buffer),
//! and read from memory meanwhile.

use core::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use core::sync::atomic::{AtomicU32, compiler_fence};

use super::{shared, start, wait_for_child};
use user::{EnvId, ipc, println, sys};

const ROOM: u32 = 2;
const ITEMS: u32 = 3;

/// The two ends; `announce` stores a word that the other must not overlook.
struct Ring<F> {
    /// How many were put in.
    put: &'static AtomicU32,
    /// How many were taken out.
    taken: &'static AtomicU32,
    /// 1: the consumer sleeps or is about to. Whoever makes it 0 decides: the producer
    /// that it will be woken, the consumer that it need not be.
    asleep: &'static AtomicU32,
    slots: [&'static AtomicU32; ROOM as usize],
    consumer: EnvId,
    announce: F,
}

impl<F: Fn(&AtomicU32, u32)> Ring<F> {
    fn put(&self, item: u32) {
        let put = self.put.load(Relaxed);
        while put - self.taken.load(Acquire) == ROOM {
            sys::yield_now();
        }
        self.slots[(put % ROOM) as usize].store(item, Relaxed);
        self.say(self.put, put + 1);
        if self.asleep.load(Acquire) == 1 && self.asleep.swap(0, SeqCst) == 1 {
            ipc::send(self.consumer, 0).expect("it sleeps, or will");
        }
    }

    fn take(&self) -> u32 {
        let taken = self.taken.load(Relaxed);
        while self.put.load(Acquire) == taken {
            self.say(self.asleep, 1);
            if self.put.load(Acquire) == taken || self.asleep.swap(0, SeqCst) == 0 {
                wait_for_child();
            }
        }
        let item = self.slots[(taken % ROOM) as usize].load(Relaxed);
        self.taken.store(taken + 1, SeqCst);
        item
    }

    fn say(&self, word: &AtomicU32, value: u32) {
        (self.announce)(word, value);
        // The compiler is not to be blamed: it keeps the order.
        compiler_fence(SeqCst);
    }
}

/// The child puts a few numbers into a ring, the parent takes them out.
pub fn run(name: &str, announce: impl Fn(&AtomicU32, u32)) {
    let [put, taken, asleep, slots @ ..] = shared::<{ 3 + ROOM as usize }>();
    let ring = Ring {
        put,
        taken,
        asleep,
        slots: slots.each_ref(),
        consumer: sys::getenvid(),
        announce,
    };
    start(|| (0..ITEMS).for_each(|item| ring.put(item)));
    match (0..ITEMS).find(|&item| ring.take() != item) {
        None => println!("{name}: ok"),
        Some(item) => println!("{name}: BUG: item {item} is another"),
    }
}
