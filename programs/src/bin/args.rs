//! Prints its arguments, a line for each.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::{print, println, sys};

user::program!(main);

fn main() {
    for (number, argument) in user::raw_args().enumerate() {
        if let Ok(text) = str::from_utf8(argument) {
            println!("{number}: '{text}'");
        } else {
            print!("{number}: '");
            sys::cputs(argument);
            println!("'");
        }
    }
}
