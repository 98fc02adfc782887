//! The lock and the rendezvous on real threads; also the suite for Miri.
#![cfg(not(any(loom, shuttle)))]

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use biglock::{BigLock, Mailbox, Serviced, Target};

const ROUNDS: u32 = if cfg!(miri) { 30 } else { 50_000 };
const THREADS: u32 = if cfg!(miri) { 3 } else { 8 };

#[test]
fn additions_are_not_lost() {
    let lock = BigLock::new([0u64; 4]);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let mut guard = lock.lock(thread::yield_now);
                    guard.iter_mut().for_each(|count| *count += 1);
                }
            });
        }
    });
    assert_eq!(*lock.lock(|| ()), [u64::from(THREADS * ROUNDS); 4]);
}

#[test]
fn try_lock_fails_only_while_it_is_held() {
    let lock = BigLock::new(1);
    let guard = lock.try_lock().unwrap();
    assert!(lock.try_lock().is_none());
    drop(guard);
    *lock.try_lock().unwrap() += 1;
    assert_eq!(*lock.try_lock().unwrap(), 2);
}

#[test]
fn on_spin_is_called_while_waiting_and_only_then() {
    let lock = BigLock::new(());
    let spins = AtomicU32::new(0);
    let count = || {
        spins.fetch_add(1, Ordering::Relaxed);
    };
    drop(lock.lock(count));
    assert_eq!(spins.load(Ordering::Relaxed), 0);
    let guard = lock.lock(|| ());
    thread::scope(|scope| {
        scope.spawn(|| drop(lock.lock(count)));
        // The spinner's own calls are what lets it pass.
        while spins.load(Ordering::Relaxed) < 200 {
            thread::yield_now();
        }
        drop(guard);
    });
}

/// Does this with a lock that is free, but for which someone has waited for long
/// and raised its hand; then its host took the CPU away from it.
fn with_claim(f: impl FnOnce(&BigLock<()>)) {
    let lock = BigLock::new(());
    let guard = lock.lock(|| ());
    let spins = AtomicU32::new(0);
    let let_go = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            drop(lock.lock(|| {
                if spins.fetch_add(1, Ordering::Relaxed) == 100 {
                    while !let_go.load(Ordering::Relaxed) {
                        thread::yield_now();
                    }
                }
            }));
        });
        while spins.load(Ordering::Relaxed) < 101 {
            thread::yield_now();
        }
        drop(guard);
        // However this ends, the other has to.
        let judged = panic::catch_unwind(AssertUnwindSafe(|| f(&lock)));
        let_go.store(true, Ordering::Relaxed);
        if let Err(failure) = judged {
            panic::resume_unwind(failure);
        }
    });
}

#[test]
fn a_newcomer_gives_way_for_a_bounded_time() {
    with_claim(|lock| {
        let mut waited = 0;
        drop(lock.lock(|| waited += 1));
        assert!((1..1000).contains(&waited), "gave way for {waited} spins");
        // The claim has lapsed: the next time costs nothing.
        drop(lock.lock(|| panic!("waited again")));
    });
}

/// The way by which nearly all enter: it gives way too, for as long as it takes.
#[test]
fn a_cpu_that_will_not_wait_gives_way_as_well() {
    with_claim(|lock| {
        assert!(lock.lock_at_once().is_none(), "pushed in");
        assert!(lock.lock_at_once().is_none(), "pushed in the second time");
        // Whoever does not care takes it, and leaves the claim alone.
        assert!(lock.try_lock().is_some());
        assert!(lock.lock_at_once().is_none(), "the claim was forgotten");
        // One who waited for it to lapse ends it for all.
        drop(lock.lock(|| ()));
        assert!(lock.lock_at_once().is_some());
    });
    let lock = BigLock::new(());
    let guard = lock.lock_at_once().expect("free");
    assert!(lock.lock_at_once().is_none(), "held");
    drop(guard);
}

#[test]
fn the_value_can_be_forced() {
    let lock = BigLock::new(7);
    let guard = lock.lock(|| ());
    // SAFETY: (1) there is no other thread; (2) the guard is only forgotten.
    let value = unsafe { *lock.force() };
    core::mem::forget(guard);
    assert_eq!(value, 7);
    assert!(lock.try_lock().is_none());
}

/// A CPU in a test: counts what it was made to do.
#[derive(Default)]
struct Cpu {
    flushes: u32,
    stops: u32,
}

impl Target for Cpu {
    type Parked = [u32; 17];
    fn flush(&mut self) {
        self.flushes += 1;
    }
    fn stop(&mut self) -> [u32; 17] {
        self.stops += 1;
        [self.stops; 17]
    }
}

#[test]
fn an_empty_box_does_nothing() {
    let mailbox = Mailbox::new();
    let mut cpu = Cpu::default();
    assert_eq!(mailbox.service(&mut cpu), Serviced::Nothing);
    assert_eq!((cpu.flushes, cpu.stops), (0, 0));
}

/// Several CPUs that all fight for the lock and order each other about. Each
/// answers only while it waits for the lock, and at the end.
#[test]
fn everybody_is_initiator_and_target() {
    const CPUS: usize = if cfg!(miri) { 3 } else { 4 };
    let rounds = if cfg!(miri) { 10 } else { 5_000 };
    let boxes: [Mailbox<[u32; 17]>; CPUS] = std::array::from_fn(|_| Mailbox::new());
    let lock = BigLock::new([[0u32; 2]; CPUS]);
    let done = AtomicU32::new(0);
    let run = &|me: usize| {
        let mut cpu = Cpu::default();
        for round in 0..rounds {
            let mut guard = lock.lock(|| {
                let _ = boxes[me].service(&mut cpu);
                thread::yield_now();
            });
            // A CPU that has just got the lock has an empty box.
            assert_eq!(boxes[me].service(&mut cpu), Serviced::Nothing);
            let other = (me + 1 + round % (CPUS - 1)) % CPUS;
            if round % 3 == 0 {
                guard[other][1] += 1;
                let expected = guard[other][1];
                let parked = boxes[other].stop(&mut guard, || ());
                assert_eq!(parked, Some([expected; 17]));
            } else {
                guard[other][0] += 1;
                boxes[other].flush(&mut guard, || ());
            }
        }
        done.fetch_add(1, Ordering::Release);
        // In user mode from now on: interrupts come at once.
        while done.load(Ordering::Acquire) < CPUS as u32 {
            let _ = boxes[me].service(&mut cpu);
            thread::yield_now();
        }
        [cpu.flushes, cpu.stops]
    };
    let counts: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..CPUS).map(|me| scope.spawn(move || run(me))).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(counts, lock.lock(|| ()).to_vec());
}

/// So large that it takes a while to leave it behind.
type Large = [u8; 1 << 17];

/// A CPU that takes its time to obey.
struct Slow<'o> {
    obeyed: &'o AtomicBool,
    last: u8,
}

impl Slow<'_> {
    fn obey(&mut self) {
        for _ in 0..20 {
            thread::yield_now();
        }
        // Relaxed: the order comes from the mailbox.
        self.obeyed.store(true, Ordering::Relaxed);
        self.last = self.last.wrapping_add(1);
    }
}

impl Target for Slow<'_> {
    type Parked = Large;
    fn flush(&mut self) {
        self.obey();
    }
    fn stop(&mut self) -> Large {
        self.obey();
        [self.last; 1 << 17]
    }
}

/// A target obeys, then leaves its registers behind, and answers last: the
/// initiator looks at once.
#[test]
fn the_answer_comes_last() {
    let rounds: u8 = if cfg!(miri) { 2 } else { 200 };
    let lock = BigLock::new(());
    let mailbox = Mailbox::<Large>::new();
    let (obeyed, over) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let target = scope.spawn(|| {
            let mut cpu = Slow {
                obeyed: &obeyed,
                last: 0,
            };
            while !over.load(Ordering::Relaxed) {
                let _ = mailbox.service(&mut cpu);
                thread::yield_now();
            }
        });
        // However this ends, the target has to.
        let initiator = scope.spawn(|| {
            let mut guard = lock.lock(|| ());
            for round in 1..=rounds {
                obeyed.store(false, Ordering::Relaxed);
                if round % 2 == 0 {
                    mailbox.flush(&mut guard, || ());
                } else {
                    let parked = mailbox.stop(&mut guard, || ());
                    let parked = parked.expect("answered before anything was left behind");
                    assert!(parked.iter().all(|&byte| byte == round));
                }
                assert!(obeyed.load(Ordering::Relaxed), "answered before it obeyed");
            }
        });
        let judged = initiator.join();
        over.store(true, Ordering::Relaxed);
        target.join().expect("no panic");
        assert!(judged.is_ok());
    });
}
