//! The lock and the rendezvous on eight CPUs, under random schedules.
//!
//! `RUSTFLAGS="--cfg shuttle" cargo test --release -p biglock --test shuttle`;
//! `SCHEDULES` in the environment says how many, 20,000 if it does not.
//!
//! What loom does completely for two or three CPUs, this does at random for
//! eight. Half of the schedules are drawn freely, half with few switches at
//! badly chosen places (probabilistic concurrency testing).
#![cfg(shuttle)]

use biglock::{BigLock, Mailbox, Serviced, Target};
use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::sync::{Arc, Mutex};
use shuttle::thread;

const CPUS: usize = 8;

/// Runs a model under both kinds of schedules.
fn explore(model: fn()) {
    let schedules = std::env::var("SCHEDULES").ok();
    let schedules = schedules.and_then(|n| n.parse().ok()).unwrap_or(20_000);
    shuttle::check_random(model, schedules / 2);
    shuttle::check_pct(model, schedules / 2, 3);
}

#[test]
fn eight_cpus_exclude_each_other() {
    explore(|| {
        // The inner mutex is there to be found taken.
        let lock = Arc::new(BigLock::new(Mutex::new(0)));
        let add_one = |lock: &BigLock<Mutex<usize>>| {
            let guard = lock.lock(|| ());
            let mut count = guard.try_lock().expect("two CPUs hold the lock");
            thread::yield_now();
            *count += 1;
        };
        let threads: Vec<_> = (0..CPUS)
            .map(|_| {
                let lock = lock.clone();
                thread::spawn(move || (0..2).for_each(|_| add_one(&lock)))
            })
            .collect();
        threads.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(*lock.lock(|| ()).lock().unwrap(), 2 * CPUS);
    });
}

/// What the CPUs share.
struct Machine {
    /// For each CPU, the flushes and stops it was sent.
    lock: BigLock<[[u32; 2]; CPUS]>,
    boxes: [Mailbox<u32>; CPUS],
    finished: AtomicUsize,
}

/// What a CPU was made to do.
#[derive(Default)]
struct Cpu {
    flushes: u32,
    stops: u32,
}

impl Target for Cpu {
    type Parked = u32;
    fn flush(&mut self) {
        self.flushes += 1;
    }
    fn stop(&mut self) -> u32 {
        self.stops += 1;
        self.stops
    }
}

/// Orders another CPU about, and then is in user mode until all have done so.
fn run(machine: &Machine, me: usize) -> [u32; 2] {
    let mut cpu = Cpu::default();
    let mut guard = machine.lock.lock(|| {
        let _ = machine.boxes[me].service(&mut cpu);
    });
    assert_eq!(machine.boxes[me].service(&mut cpu), Serviced::Nothing);
    let other = (me + 1 + me % 3) % CPUS;
    if me.is_multiple_of(2) {
        guard[other][0] += 1;
        machine.boxes[other].flush(&mut guard, || ());
    } else {
        guard[other][1] += 1;
        let expected = guard[other][1];
        let parked = machine.boxes[other].stop(&mut guard, || ());
        assert_eq!(parked, Some(expected));
    }
    drop(guard);
    machine.finished.fetch_add(1, Ordering::SeqCst);
    while machine.finished.load(Ordering::SeqCst) < CPUS {
        let _ = machine.boxes[me].service(&mut cpu);
        thread::yield_now();
    }
    [cpu.flushes, cpu.stops]
}

#[test]
fn eight_cpus_order_each_other_about() {
    explore(|| {
        let machine = Arc::new(Machine {
            lock: BigLock::new([[0; 2]; CPUS]),
            boxes: std::array::from_fn(|_| Mailbox::new()),
            finished: AtomicUsize::new(0),
        });
        let threads: Vec<_> = (0..CPUS)
            .map(|me| {
                let machine = machine.clone();
                thread::spawn(move || run(&machine, me))
            })
            .collect();
        let done = threads.into_iter().map(|t| t.join().unwrap());
        let done: Vec<_> = done.collect();
        assert_eq!(done, machine.lock.lock(|| ()).to_vec());
    });
}
