//! The Mandelbrot set, a line at a time, by a pool of threads.
//!
//! A pool takes jobs from a channel: here the numbers of lines. It draws the picture with one
//! thread and with four, and both must be the same. The hard thing is the kernel's: each thread
//! is in the middle of floating-point numbers when it loses its CPU or waits, and finds
//! them again on another one.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::sync::{Channel, Mutex};
use user::{Error, println, thread};

const WIDTH: usize = 64;
const HEIGHT: usize = 24;
/// After so many steps a point counts as one of the set.
const STEPS: u32 = 2_000;
/// From those that leave at once to those that stay.
const SHADES: &[u8] = b" .:-=+*#%@";

/// A picture, which the stack has no room for.
type Picture = Mutex<[[u8; WIDTH]; HEIGHT]>;

static ALONE: Picture = Mutex::new([[0; WIDTH]; HEIGHT]);
static TOGETHER: Picture = Mutex::new([[0; WIDTH]; HEIGHT]);

user::program!(main);

fn main() {
    if let Err(error) = run() {
        println!("mandelbrot: {}", error.message());
    }
}

fn run() -> Result<(), Error> {
    draw(1, &ALONE)?;
    draw(4, &TOGETHER)?;
    if let (Ok(alone), Ok(together)) = (ALONE.lock(), TOGETHER.lock()) {
        for line in together.iter() {
            println!("{}", core::str::from_utf8(line).unwrap_or("?").trim_end());
        }
        assert!(*alone == *together, "one thread and four draw the same");
        println!("drawn by 1 and by 4 threads");
    }
    Ok(())
}

/// Has the picture drawn by so many threads.
fn draw(threads: usize, picture: &Picture) -> Result<(), Error> {
    let jobs: Channel<usize, 4> = Channel::new();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Ok(row) = jobs.recv() {
                    let line = line(row);
                    if let Ok(mut picture) = picture.lock() {
                        picture[row] = line;
                    }
                }
            })?;
        }
        for row in 0..HEIGHT {
            // It is not closed before this loop is over.
            let _ = jobs.send(row);
        }
        jobs.close();
        Ok(())
    })
}

fn line(row: usize) -> [u8; WIDTH] {
    core::array::from_fn(|column| {
        let x = column as f64 * 3.0 / WIDTH as f64 - 2.1;
        let y = row as f64 * 2.4 / (HEIGHT - 1) as f64 - 1.2;
        match steps(x, y) {
            STEPS => SHADES[SHADES.len() - 1],
            steps => SHADES[steps.ilog2() as usize % (SHADES.len() - 1)],
        }
    })
}

/// After how many steps a point is outside, and at least 1.
fn steps(x: f64, y: f64) -> u32 {
    let (mut re, mut im) = (0.0, 0.0);
    for step in 1..STEPS {
        (re, im) = (re * re - im * im + x, 2.0 * re * im + y);
        if re * re + im * im > 4.0 {
            return step;
        }
    }
    STEPS
}
