//! Says hello. The hard thing is everything below it.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::{println, sys};

user::program!(main);

fn main() {
    println!("hello, world");
    println!("i am environment {:08x}", sys::getenvid().0);
}
