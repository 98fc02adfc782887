//! All CPUs at work: eight environments draw the Mandelbrot set together.
//!
//! Whoever is free takes the next row, writes it into memory that all share,
//! and tells the parent, which sleeps until then and prints the rows in order
//! with the CPU that each was finished on. So one picture shows fork, shared
//! pages, messages, pre-emption and every CPU.
//!
//! The hard thing: rows are finished in any order, and a worker that is done
//! must not print (or exit, which the kernel may print) into the picture. So
//! only the parent prints, and the workers wait to be dismissed.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use user::env::Env;
use user::{EnvId, Fork, fork, ipc, println, share, sys};

const WORKERS: usize = 8;
const COLUMNS: usize = 72;
const ROWS: usize = 24;
/// More CPUs than this are not told apart in the summary: the stack is small.
const CPUS: usize = 64;

user::program!(main);

fn main() {
    let board = match share::words(1 + ROWS * Row::WORDS) {
        Ok(words) => Board { words },
        Err(error) => panic!("shared memory: {}", error.message()),
    };
    println!("The Mandelbrot set, by {WORKERS} environments on whatever CPU they get:");
    println!("");

    let mut workers = [EnvId::NONE; WORKERS];
    let parent = sys::getenvid();
    for worker in &mut workers {
        match fork() {
            Ok(Fork::Parent(child)) => *worker = child,
            Ok(Fork::Child) => return work(board, parent),
            Err(error) => panic!("fork: {}", error.message()),
        }
    }

    let rows_by_cpu = show(board);
    for worker in workers {
        // Cannot fail: the workers wait to be dismissed.
        let _ = sys::env_destroy(worker);
    }
    summarise(&rows_by_cpu);
}

/// Prints the rows as they come in. Returns how many each CPU finished.
fn show(board: Board) -> [u32; CPUS] {
    let mut rows_by_cpu = [0; CPUS];
    let mut finished = [false; ROWS];
    let mut shown = 0;
    while shown < ROWS {
        if let Ok(message) = ipc::recv()
            && let Some(row) = finished.get_mut(message.value as usize)
        {
            *row = true;
        }
        while shown < ROWS && finished[shown] {
            let row = board.row(shown);
            let cpu = row.cpu().load(Relaxed);
            let text = row.text();
            println!("CPU {cpu}  {}", str::from_utf8(&text).unwrap_or("?"));
            rows_by_cpu[cpu as usize % CPUS] += 1;
            shown += 1;
        }
    }
    rows_by_cpu
}

fn summarise(rows_by_cpu: &[u32; CPUS]) {
    println!("");
    let mut cpus = 0;
    for (cpu, &rows) in rows_by_cpu
        .iter()
        .enumerate()
        .filter(|&(_, &rows)| rows > 0)
    {
        println!("CPU {cpu}  {:*<1$} {rows} rows", "", rows as usize * 2);
        cpus += 1;
    }
    println!("{ROWS} rows, {WORKERS} environments, CPUs seen at work: {cpus}");
}

/// What a worker does: takes rows while there are any, then waits to be
/// dismissed.
fn work(board: Board, parent: EnvId) {
    let this = Env::this();
    loop {
        let number = board.next_row().fetch_add(1, Relaxed) as usize;
        if number >= ROWS {
            break;
        }
        let row = board.row(number);
        row.draw(number);
        row.cpu().store(this.cpu(), Relaxed);
        // The message is what orders these stores before the parent's loads:
        // it passes through the kernel and its lock.
        if ipc::send(parent, number as u32).is_err() {
            return;
        }
    }
    // Nobody sends us anything.
    let _ = ipc::recv();
}

/// The shared memory: the number of the next row to draw, then the rows.
#[derive(Clone, Copy)]
struct Board {
    words: &'static [AtomicU32],
}

impl Board {
    fn next_row(self) -> &'static AtomicU32 {
        &self.words[0]
    }

    fn row(self, number: usize) -> Row {
        Row(&self.words[1 + number * Row::WORDS..][..Row::WORDS])
    }
}

/// One row: its characters, four to a word, then the CPU.
struct Row(&'static [AtomicU32]);

impl Row {
    const WORDS: usize = COLUMNS / 4 + 1;

    fn cpu(&self) -> &'static AtomicU32 {
        &self.0[Row::WORDS - 1]
    }

    fn draw(&self, number: usize) {
        for (index, word) in self.0[..COLUMNS / 4].iter().enumerate() {
            let shades = core::array::from_fn(|i| mandelbrot::shade(index * 4 + i, number));
            word.store(u32::from_le_bytes(shades), Relaxed);
        }
    }

    fn text(&self) -> [u8; COLUMNS] {
        core::array::from_fn(|i| self.0[i / 4].load(Relaxed).to_le_bytes()[i % 4])
    }
}

/// The picture, in fixed point, because not every kernel keeps floating-point
/// registers apart.
mod mandelbrot {
    use super::{COLUMNS, ROWS};

    /// Bits after the point; six before it and a sign hold |z|², which is at
    /// most (2² + 2.5)² = 42.25 when a point is found to escape.
    const POINT: u32 = 25;
    /// The smallest real part that is drawn.
    const LEFT: i32 = -(9 << POINT) / 4;
    /// Samples in a character, each way.
    const SAMPLES: i32 = 8;
    /// Distance of samples along a row, and across rows: characters are higher
    /// than wide.
    const STEP: i32 = (3 << POINT) / (COLUMNS as i32 * SAMPLES);
    const STEP_DOWN: i32 = STEP * 13 / 6;
    /// A point that has not escaped after so many steps is taken as inside.
    const LIMIT: u32 = 1000;
    const SHADES: &[u8] = b" .:-=+*#%@@";
    /// Fine shades in each of [`SHADES`].
    const FINE: u32 = 8;

    /// The character at a place: the mean of the shades in its area.
    pub fn shade(column: usize, row: usize) -> u8 {
        let x = column as i32 * SAMPLES;
        let y = row as i32 * SAMPLES - ROWS as i32 * SAMPLES / 2;
        let mut sum = 0;
        for i in 0..SAMPLES {
            for j in 0..SAMPLES {
                let re = LEFT + (x + j) * STEP;
                let im = (y + i) * STEP_DOWN + STEP_DOWN / 2;
                sum += fine_shade(steps(re, im));
            }
        }
        let mean = sum / (SAMPLES * SAMPLES) as u32;
        SHADES[(mean / FINE) as usize]
    }

    /// Grows with the logarithm of the number of steps, inside is darkest.
    fn fine_shade(steps: u32) -> u32 {
        if steps == LIMIT {
            return 10 * FINE;
        }
        let n = steps + 1;
        let log = FINE * n.ilog2() + ((n * FINE) >> n.ilog2()) - FINE;
        (log.saturating_sub(6) * 3 / 2).min(8 * FINE)
    }

    /// How many steps z = z² + c takes to leave the circle of radius 2.
    fn steps(re: i32, im: i32) -> u32 {
        let (mut x, mut y) = (0, 0);
        for n in 0..LIMIT {
            let (xx, yy) = (times(x, x), times(y, y));
            if xx + yy > 4 << POINT {
                return n;
            }
            y = 2 * times(x, y) + im;
            x = xx - yy + re;
        }
        LIMIT
    }

    fn times(a: i32, b: i32) -> i32 {
        ((i64::from(a) * i64::from(b)) >> POINT) as i32
    }
}
