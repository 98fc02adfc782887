//! Prints its arguments, a line for each.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::println;

user::program!(main);

fn main() {
    for (number, argument) in user::args().enumerate() {
        println!("{number}: '{argument}'");
    }
}
