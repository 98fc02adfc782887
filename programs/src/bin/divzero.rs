//! Divides by zero.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use programs::attack;
use user::println;

user::program!(main);

fn main() {
    println!("1/0 is {:08x}!", attack::divide(1, 0));
}
