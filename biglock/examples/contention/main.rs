//! Measures locks that fight over few processors: the numbers behind
//! docs/decisions/0002-big-lock.md.
//!
//! `cargo run --release -p biglock --example contention [SECONDS [THREADS..]]`
//! (Linux)
//!
//! Cells are: thousands of acquisitions per millisecond of processor time, all
//! threads together; the unluckiest thread's rate over the luckiest's, each
//! per millisecond of its own processor time; and the number of spins that all
//! but one of 10,000 acquisitions stay below.
//!
//! The hard thing is to measure what matters to a kernel. Throughput alone
//! favours a lock that never leaves one CPU; fairness alone favours a queue,
//! which stands still when the host does not run the next in line. Processor
//! time is used, not wall clock, because the lock is not to blame when the host
//! runs something else. More threads than processors stand for virtual CPUs
//! that get pre-empted; and since an emulator leaves its inner loop at each
//! `pause`, everything is measured again with pauses of a microsecond.

mod candidates;

use std::cell::Cell;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use biglock::BigLock;
use candidates::{Backoff, Candidate, MAX_THREADS, Mcs, Ticket, Ttas};

/// Steps of work with the lock held; one is a load and a store of shared data.
const HELD: u32 = 100;
/// Steps of work that take about a microsecond.
const SLOW_PAUSE: u32 = 1000;
/// Runs of each measurement.
const RUNS: usize = 5;

/// What goes on in one measurement.
#[derive(Clone, Copy)]
struct Load {
    threads: usize,
    /// Steps of work between two acquisitions.
    outside: u32,
    /// Steps of work in each spin, beside the `pause` instruction.
    pause: u32,
    span: Duration,
}

/// What it gave; see the top of this file.
#[derive(Clone, Copy)]
struct Outcome {
    rate: f64,
    fairness: f64,
    tail: u64,
}

/// A lock in the contest: its name, its measurement without and with
/// contention.
type Contestant = (&'static str, fn() -> f64, fn(Load) -> Outcome);

const CONTESTANTS: [Contestant; 5] = [
    ("TTAS", alone::<Ttas>, contend::<Ttas>),
    ("backoff", alone::<Backoff>, contend::<Backoff>),
    ("ticket", alone::<Ticket>, contend::<Ticket>),
    ("MCS", alone::<Mcs>, contend::<Mcs>),
    ("give way", alone::<BigLock<()>>, contend::<BigLock<()>>),
];

fn main() {
    let mut args = std::env::args().skip(1);
    let seconds = args.next().and_then(|arg| arg.parse().ok());
    let span = Duration::from_secs_f64(seconds.unwrap_or(0.5));
    let mut counts: Vec<usize> = args.filter_map(|arg| arg.parse().ok()).collect();
    if counts.is_empty() {
        counts = vec![2, 4, MAX_THREADS];
    }
    let names = CONTESTANTS.map(|(name, ..)| name);
    println!("| pause | outside | threads | {} |", names.join(" | "));
    println!("|---{}|", "|---".repeat(names.len() + 2));
    let alone = CONTESTANTS.map(|(_, alone, _)| format!("{:.1} ns", alone()));
    println!("| - | - | 1 | {} |", alone.join(" | "));
    for pause in [0, SLOW_PAUSE] {
        for outside in [0, 2 * HELD] {
            for &threads in &counts {
                let load = Load {
                    threads,
                    outside,
                    pause,
                    span,
                };
                let cells = measure(load).map(|outcome| outcome.to_string());
                let pause = if pause == 0 { "native" } else { "slow" };
                let cells = cells.join(" | ");
                println!("| {pause} | {outside} | {threads} | {cells} |");
            }
        }
    }
}

/// Measures every contestant, in turns, so that a disturbance from outside hits
/// all of them; of each the median of each number.
fn measure(load: Load) -> [Outcome; CONTESTANTS.len()] {
    let mut runs = CONTESTANTS.map(|_| Vec::new());
    for _ in 0..RUNS {
        for ((_, _, contend), runs) in CONTESTANTS.iter().zip(&mut runs) {
            runs.push(contend(load));
        }
    }
    runs.map(|mut runs| {
        let mut median = |key: fn(&Outcome) -> f64| {
            runs.sort_by(|a, b| key(a).total_cmp(&key(b)));
            runs[RUNS / 2]
        };
        Outcome {
            rate: median(|run| run.rate).rate,
            fairness: median(|run| run.fairness).fairness,
            tail: median(|run| run.tail as f64).tail,
        }
    })
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Outcome {
            rate,
            fairness,
            tail,
        } = self;
        write!(f, "{rate:.2}, {fairness:.2}, {tail}")
    }
}

/// Nanoseconds for taking and releasing a free lock, least of many batches.
fn alone<L: Candidate>() -> f64 {
    const BATCH: u32 = 10_000;
    let lock = L::default();
    let batches = (0..200).map(|_| {
        let start = Instant::now();
        for _ in 0..BATCH {
            lock.with(0, || (), || std::hint::black_box(()));
        }
        start.elapsed().as_nanos() as f64 / f64::from(BATCH)
    });
    batches.fold(f64::INFINITY, f64::min)
}

/// What one thread did.
struct Record {
    count: u64,
    cpu_time: Duration,
    /// Acquisitions by the number of binary digits of their spins.
    spins: [u64; 65],
}

/// Lets threads take the lock again and again for a while.
fn contend<L: Candidate>(load: Load) -> Outcome {
    let lock = L::default();
    let shared = AtomicU64::new(0);
    let start = Barrier::new(load.threads + 1);
    let over = AtomicBool::new(false);
    let one = |me: usize| {
        let private = AtomicU64::new(0);
        let spins = Cell::new(0u64);
        let pause = || {
            work(&private, load.pause);
            spins.set(spins.get() + 1);
        };
        let mut record = Record {
            count: 0,
            cpu_time: Duration::ZERO,
            spins: [0; 65],
        };
        start.wait();
        let before = cpu_time();
        while !over.load(Ordering::Relaxed) {
            spins.set(0);
            lock.with(me, pause, || work(&shared, HELD));
            work(&private, load.outside);
            record.spins[(u64::BITS - spins.get().leading_zeros()) as usize] += 1;
            record.count += 1;
        }
        record.cpu_time = cpu_time() - before;
        record
    };
    let records: Vec<Record> = std::thread::scope(|scope| {
        let one = &one;
        let workers: Vec<_> = (0..load.threads)
            .map(|me| scope.spawn(move || one(me)))
            .collect();
        start.wait();
        std::thread::sleep(load.span);
        over.store(true, Ordering::Relaxed);
        let records = workers.into_iter().map(|worker| worker.join());
        records.map(|r| r.expect("a worker panicked")).collect()
    });
    let total: u64 = records.iter().map(|record| record.count).sum();
    // The work is not atomic: had two threads been inside, some were lost.
    assert_eq!(shared.into_inner(), total * u64::from(HELD));
    outcome(&records, total)
}

/// Sums up the records of all threads.
fn outcome(records: &[Record], total: u64) -> Outcome {
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let all: Duration = records.iter().map(|record| record.cpu_time).sum();
    let rates = records
        .iter()
        .map(|record| record.count as f64 / millis(record.cpu_time));
    let least = rates.clone().fold(f64::INFINITY, f64::min);
    let most = rates.fold(0.0, f64::max);
    let slower_than = |digits: &u32| {
        let slow = records
            .iter()
            .flat_map(|r| r.spins.iter().skip(*digits as usize + 1));
        slow.sum::<u64>()
    };
    let digits = (0..63).find(|digits| slower_than(digits) * 10_000 <= total);
    Outcome {
        rate: total as f64 / millis(all) / 1e3,
        fairness: least / most,
        tail: 1 << digits.unwrap_or(63),
    }
}

/// Adds one `steps` times, as a load and a store.
fn work(place: &AtomicU64, steps: u32) {
    for _ in 0..steps {
        let value = place.load(Ordering::Relaxed);
        place.store(value + 1, Ordering::Relaxed);
    }
}

/// The processor time that this thread has used.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat");
    let nanos = text.ok().and_then(|t| t.split(' ').next()?.parse().ok());
    Duration::from_nanos(nanos.expect("needs Linux's schedstat"))
}
