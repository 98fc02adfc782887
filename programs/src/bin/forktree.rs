//! A binary tree of environments three levels deep, each named by the way to
//! it.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::fmt;

use user::{Fork, fork, println, sys};

const DEPTH: u32 = 3;

user::program!(main);

fn main() {
    grow(Path { steps: 0, len: 0 });
}

/// Says who it is and has two children, which do the same.
fn grow(path: Path) {
    println!("{:04x}: I am '{path}'", sys::getenvid().0);
    if path.len == DEPTH {
        return;
    }
    for step in [0, 1] {
        match fork() {
            Ok(Fork::Parent(_)) => {}
            Ok(Fork::Child) => return grow(path.then(step)),
            Err(error) => panic!("fork: {}", error.message()),
        }
    }
}

/// The way from the root to a node.
#[derive(Clone, Copy)]
struct Path {
    /// One bit for each step, the first step's the highest.
    steps: u32,
    len: u32,
}

impl Path {
    fn then(self, step: u32) -> Path {
        Path {
            steps: self.steps << 1 | step,
            len: self.len + 1,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        (0..self.len)
            .rev()
            .try_for_each(|bit| write!(f, "{}", self.steps >> bit & 1))
    }
}
