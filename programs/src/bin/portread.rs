//! Reads a port, then has a child read it: the right to do so is a file
//! server's alone, and not inherited. To see both, `--with type=fs:portread`;
//! as an ordinary program it dies at once.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use programs::ata;
use user::{Fork, fork, println};

user::program!(main);

fn main() {
    println!("reading a port ...");
    println!("the port was read: {:02x}", ata::status());
    match fork() {
        Ok(Fork::Parent(_)) => {}
        Ok(Fork::Child) => {
            println!("the child reads it ...");
            println!("the child has read it: {:02x}", ata::status());
        }
        Err(error) => panic!("fork: {}", error.message()),
    }
}
