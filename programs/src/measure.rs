//! How `bench` and `benchfork` measure: 16 operations to warm up, then 20
//! batches, each between two readings of the time-stamp counter. For each row
//! they print
//!
//! ```text
//! bench ROW min N median N mean N of N
//! ```
//!
//! in ticks for one operation, and how many operations a batch has. With an argument
//! `batches=N` there are only N batches, for who traces each instruction. An emulator that counts instructions makes that
//! executed instructions; those of the loop itself are not subtracted.
//!
//! The hard thing is an operation that uses something up, such as pages that
//! are not mapped yet: that is made anew before each batch, outside the two
//! readings.

use user::{EnvId, Error, Fork, fork, println, sys, time};

const WARM_UPS: u32 = 16;
const BATCHES: usize = 20;

/// Times batches of `K` operations and prints the row. `PARTS` is into how
/// many equal parts an operation is divided for the figures.
#[inline(always)]
pub fn measure<const K: u32, const PARTS: u32>(row: &str, operation: impl Fn()) {
    measure_prepared::<K, PARTS>(row, || {}, |_| operation());
}

/// As [`measure`], with `prepare` before the warm-up and before each batch, and
/// operations that are numbered from 0 in each.
#[inline(always)]
pub fn measure_prepared<const K: u32, const PARTS: u32>(
    row: &str,
    prepare: impl Fn(),
    operation: impl Fn(u32),
) {
    // The warm-up is one more batch, so that the operation is expanded once.
    let mut room = [0; 1 + BATCHES];
    let batches = &mut room[..1 + wanted()];
    let mut count = WARM_UPS;
    for batch in &mut *batches {
        prepare();
        let start = time::cycles();
        for number in 0..count {
            operation(number);
        }
        *batch = time::cycles() - start;
        count = K;
    }
    print(row, batches, K * PARTS);
}

/// How many batches.
#[inline(never)]
fn wanted() -> usize {
    let mut told = user::args().filter_map(|word| word.strip_prefix("batches=")?.parse().ok());
    told.next().unwrap_or(BATCHES).clamp(1, BATCHES)
}

/// The rows that the arguments name.
pub fn rows() -> impl Iterator<Item = &'static str> {
    user::args().skip(1).filter(|word| !word.contains('='))
}

/// Prints a row from the ticks of its batches, which are `divisor` operations
/// each. Not expanded in each row, to keep the program small: `fork` is
/// measured with it.
#[inline(never)]
fn print(row: &str, batches: &mut [u64], divisor: u32) {
    let [_, batches @ ..] = batches else {
        return;
    };
    for batch in &mut *batches {
        *batch /= u64::from(divisor);
    }
    batches.sort_unstable();
    let count = batches.len();
    let min = batches[0];
    let median = (batches[(count - 1) / 2] + batches[count / 2]) / 2;
    let mean = batches.iter().sum::<u64>() / count as u64;
    println!("bench {row} min {min} median {median} mean {mean} of {divisor}");
}

/// What a row cannot go on without.
#[inline(always)]
pub fn must<T>(result: Result<T, Error>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => give_up(error),
    }
}

#[cold]
#[inline(never)]
fn give_up(error: Error) -> ! {
    panic!("{}", error.message())
}

/// Another environment, which lives while it is measured against.
pub struct Partner(EnvId);

impl Partner {
    /// Forks one that does `work` again and again.
    pub fn new(work: impl Fn()) -> Partner {
        match must(fork()) {
            Fork::Parent(partner) => Partner(partner),
            Fork::Child => loop {
                work();
            },
        }
    }

    /// Its id.
    pub fn id(&self) -> EnvId {
        self.0
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        must(sys::env_destroy(self.0));
    }
}
