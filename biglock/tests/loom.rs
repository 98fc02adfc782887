//! The lock and the rendezvous under the model checker: every interleaving and
//! every allowed reordering, up to three pre-emptions.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release -p biglock --test loom`
//!
//! An interrupt is modelled by a thread that looks into its box again and
//! again, as a CPU in user mode would be made to.
#![cfg(loom)]

use biglock::{BigLock, Mailbox, Serviced, Target, arrival};
use loom::cell::Cell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use loom::thread;

/// Explores a model and prints how many executions that took.
fn explore(name: &str, model: impl Fn() + Sync + Send + 'static) {
    let executions = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counter = executions.clone();
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(3);
    builder.max_branches = 10_000;
    builder.check(move || {
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        model();
    });
    let executions = executions.load(std::sync::atomic::Ordering::Relaxed);
    println!("{name}: {executions} executions, complete");
}

/// A value whose unsynchronised use the checker notices.
fn counter() -> Arc<BigLock<Cell<u32>>> {
    Arc::new(BigLock::new(Cell::new(0)))
}

fn add_one(lock: &BigLock<Cell<u32>>) {
    let guard = lock.lock(thread::yield_now);
    guard.set(guard.get() + 1);
}

#[test]
fn mutual_exclusion_and_hand_over_of_two() {
    explore("lock, 2 CPUs twice", || {
        let lock = counter();
        let other = lock.clone();
        let thread = thread::spawn(move || {
            add_one(&other);
            add_one(&other);
        });
        add_one(&lock);
        add_one(&lock);
        thread.join().unwrap();
        assert_eq!(lock.lock(thread::yield_now).get(), 4);
    });
}

/// Three CPUs, of which one spins: with two that spin the checker finds
/// executions in which they take turns for ever and the holder never runs.
#[test]
fn hand_over_past_a_third_cpu() {
    explore("lock, 3 CPUs", || {
        let lock = counter();
        let guard = lock.lock(|| ());
        let (waiting, passing) = (lock.clone(), lock.clone());
        let waiter = thread::spawn(move || add_one(&waiting));
        let passer = thread::spawn(move || {
            passing.try_lock().map_or(0, |guard| {
                guard.set(guard.get() + 1);
                1
            })
        });
        guard.set(guard.get() + 1);
        drop(guard);
        waiter.join().unwrap();
        let passed = passer.join().unwrap();
        assert_eq!(lock.lock(|| ()).get(), 2 + passed);
    });
}

#[test]
fn try_lock_excludes_as_well() {
    explore("try_lock", || {
        let lock = counter();
        let other = lock.clone();
        let thread = thread::spawn(move || {
            other.try_lock().map_or(0, |guard| {
                guard.set(guard.get() + 1);
                1
            })
        });
        add_one(&lock);
        let tried = thread.join().unwrap();
        assert_eq!(lock.lock(thread::yield_now).get(), 1 + tried);
    });
}

/// A CPU switches from one environment to another while another CPU ends the first and
/// reclaims its space: the checker fails if that is not after the CPU has left.
#[test]
fn a_space_is_reclaimed_when_nobody_has_it_loaded() {
    const OLD: u32 = 1;
    const NEW: u32 = 2;
    explore("arrival", || {
        struct Cpu {
            /// Which environment the CPU runs by the kernel's state.
            lock: BigLock<Cell<u32>>,
            word: AtomicU32,
            /// The page directory of the first, which the processor may read and write
            /// while it is loaded.
            directory: Cell<u32>,
        }
        let cpu = Arc::new(Cpu {
            lock: BigLock::new(Cell::new(OLD)),
            word: AtomicU32::new(OLD),
            directory: Cell::new(0),
        });
        let other = cpu.clone();
        let thread = thread::spawn(move || {
            let guard = other.lock.lock(thread::yield_now);
            guard.set(NEW);
            drop(guard);
            other.directory.set(1);
            arrival::arrive(&other.word, NEW);
        });
        let guard = cpu.lock.lock(thread::yield_now);
        if guard.get() == NEW {
            arrival::wait_for(&cpu.word, NEW);
            cpu.directory.set(2);
        }
        drop(guard);
        thread.join().unwrap();
    });
}

/// What the tests' CPUs share beside the lock.
struct Machine {
    lock: BigLock<Cell<u32>>,
    mailbox: Mailbox<[u32; 2]>,
    /// A page table entry: changed by the initiator, cached by the target.
    entry: AtomicU32,
    /// The frame that the entry maps. Used by the target as long as its TLB has
    /// the entry, and by the initiator after: the checker fails if the two are
    /// not in order.
    frame: Cell<u32>,
    /// Set when the target's CPU shall leave its user mode.
    over: AtomicBool,
}

fn machine() -> Arc<Machine> {
    Arc::new(Machine {
        lock: BigLock::new(Cell::new(0)),
        mailbox: Mailbox::new(),
        entry: AtomicU32::new(1),
        frame: Cell::new(0),
        over: AtomicBool::new(false),
    })
}

/// A CPU with a TLB of one entry.
struct Cpu<'m> {
    machine: &'m Machine,
    cached: u32,
    flushes: u32,
    stops: u32,
}

impl<'m> Cpu<'m> {
    fn new(machine: &'m Machine) -> Cpu<'m> {
        Cpu {
            machine,
            cached: machine.entry.load(Ordering::Relaxed),
            flushes: 0,
            stops: 0,
        }
    }

    /// Runs in user mode, where the interrupt may come at any time, until told
    /// that it is over. Reads its page while it can.
    fn run_user(&mut self) {
        while !self.machine.over.load(Ordering::Acquire) {
            if self.cached == 1 {
                assert_eq!(self.machine.frame.get(), 0);
            }
            let _ = self.machine.mailbox.service(self);
            thread::yield_now();
        }
    }

    /// Enters the kernel: takes the lock, and services the box while waiting.
    fn enter_kernel(&mut self) {
        let machine = self.machine;
        let guard = machine.lock.lock(|| {
            let _ = machine.mailbox.service(self);
            thread::yield_now();
        });
        // A CPU that has just got the lock has an empty box.
        assert_eq!(machine.mailbox.service(self), Serviced::Nothing);
        guard.set(guard.get() + 1);
    }
}

impl Target for Cpu<'_> {
    type Parked = [u32; 2];
    fn flush(&mut self) {
        self.flushes += 1;
        // Refilled from memory. Relaxed: the order comes from the mailbox.
        self.cached = self.machine.entry.load(Ordering::Relaxed);
    }
    fn stop(&mut self) -> [u32; 2] {
        self.stops += 1;
        [self.cached, self.stops]
    }
}

/// Takes away the page that the target has in its TLB, as `page_unmap` does,
/// and gives the frame to somebody else.
fn unmap(machine: &Machine) {
    let mut guard = machine.lock.lock(thread::yield_now);
    machine.entry.store(0, Ordering::Relaxed);
    machine.mailbox.flush(&mut guard, || ());
    machine.frame.set(9);
    guard.set(guard.get() + 1);
}

#[test]
fn a_flush_is_done_before_the_initiator_goes_on() {
    explore("flush, target in user mode", || {
        let shared = machine();
        let target = shared.clone();
        let thread = thread::spawn(move || {
            let mut cpu = Cpu::new(&target);
            cpu.run_user();
            (cpu.flushes, cpu.cached)
        });
        unmap(&shared);
        shared.over.store(true, Ordering::Release);
        // Exactly one flush, and the new entry was seen by it.
        assert_eq!(thread.join().unwrap(), (1, 0));
    });
}

#[test]
fn a_stop_brings_the_whole_state() {
    explore("stop, target in user mode", || {
        let shared = machine();
        let target = shared.clone();
        let thread = thread::spawn(move || Cpu::new(&target).run_user());
        let mut guard = shared.lock.lock(thread::yield_now);
        let mailbox = &shared.mailbox;
        let parked = mailbox.stop(&mut guard, || ());
        assert_eq!(parked, Some([1, 1]));
        // And again: the box is as good as new.
        let parked = mailbox.stop(&mut guard, || ());
        assert_eq!(parked, Some([1, 2]));
        drop(guard);
        shared.over.store(true, Ordering::Release);
        thread.join().unwrap();
    });
}

/// The target never takes an interrupt: it is on its way into the kernel. Were
/// the request lost, or not answered while waiting, this would never end.
#[test]
fn a_rendezvous_does_not_deadlock_with_the_lock() {
    explore("flush, target taking the lock", || {
        let shared = machine();
        let target = shared.clone();
        let thread = thread::spawn(move || {
            let mut cpu = Cpu::new(&target);
            cpu.enter_kernel();
            // Back in user mode: an interrupt that was held off comes now.
            cpu.run_user();
            cpu.flushes
        });
        unmap(&shared);
        shared.over.store(true, Ordering::Release);
        assert_eq!(thread.join().unwrap(), 1);
        assert_eq!(shared.lock.lock(thread::yield_now).get(), 2);
    });
}

#[test]
fn a_stop_reaches_a_cpu_that_waits_for_the_lock() {
    explore("stop, target taking the lock", || {
        let shared = machine();
        let target = shared.clone();
        let thread = thread::spawn(move || {
            let mut cpu = Cpu::new(&target);
            cpu.enter_kernel();
            cpu.run_user();
            cpu.stops
        });
        let mut guard = shared.lock.lock(thread::yield_now);
        let mailbox = &shared.mailbox;
        let parked = mailbox.stop(&mut guard, || ());
        assert_eq!(parked, Some([1, 1]));
        drop(guard);
        shared.over.store(true, Ordering::Release);
        assert_eq!(thread.join().unwrap(), 1);
    });
}

/// Two CPUs that stop each other: whoever gets the lock is the initiator, the
/// other answers while it waits and comes second.
#[test]
fn two_cpus_stop_each_other() {
    struct Stopped(u32);
    impl Target for Stopped {
        type Parked = u32;
        fn flush(&mut self) {}
        fn stop(&mut self) -> u32 {
            self.0 += 1;
            self.0
        }
    }
    type Pair = (BigLock<Cell<u32>>, [Mailbox<u32>; 2], AtomicU32);
    fn kill_the_other((lock, boxes, finished): &Pair, me: usize) -> u32 {
        let mut cpu = Stopped(0);
        let mut guard = lock.lock(|| {
            let _ = boxes[me].service(&mut cpu);
            thread::yield_now();
        });
        assert_eq!(boxes[me].service(&mut cpu), Serviced::Nothing);
        // After taking the lock a CPU looks whether it still has work.
        if cpu.0 == 0 {
            let other = &boxes[1 - me];
            assert_eq!(other.stop(&mut guard, || ()), Some(1));
        }
        drop(guard);
        finished.fetch_add(1, Ordering::Release);
        while finished.load(Ordering::Acquire) < 2 {
            let _ = boxes[me].service(&mut cpu);
            thread::yield_now();
        }
        cpu.0
    }
    explore("two CPUs stop each other", || {
        let pair: Arc<Pair> = Arc::new((
            BigLock::new(Cell::new(0)),
            [Mailbox::new(), Mailbox::new()],
            AtomicU32::new(0),
        ));
        let other = pair.clone();
        let thread = thread::spawn(move || kill_the_other(&other, 1));
        let mine = kill_the_other(&pair, 0);
        // Exactly one of them was stopped.
        assert_eq!(mine + thread.join().unwrap(), 1);
    });
}
