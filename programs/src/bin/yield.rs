//! Yields five times. Several of these take turns.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::{println, sys};

user::program!(main);

fn main() {
    let id = sys::getenvid().0;
    println!("Hello, I am environment {id:08x}.");
    for iteration in 0..5 {
        sys::yield_now();
        println!("Back in environment {id:08x}, iteration {iteration}.");
    }
    println!("All done in environment {id:08x}.");
}
