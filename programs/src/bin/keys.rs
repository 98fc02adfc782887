//! Says of each byte that is typed what it is, until that is a `q`, or until
//! there were as many as its argument says.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::{println, sys};

user::program!(main);

fn main() {
    let most = user::args().nth(1).and_then(|most| most.parse().ok());
    println!("keys: type, q ends it");
    for _ in 0..most.unwrap_or(usize::MAX) {
        match sys::getc() {
            Ok(b'q') => return,
            Ok(byte) => println!("key {byte:02x}"),
            Err(error) => panic!("getc: {}", error.message()),
        }
    }
}
