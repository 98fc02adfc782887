//! Many thousand generated instructions and what this processor makes of them: a
//! digest for each group. With names of groups as arguments it prints every case of
//! those instead.

#![no_std]
#![no_main]

use drill::groups::{GROUPS, Group};
use programs::drilled::Native;
use user::println;

user::program!(main);

fn main() {
    // SAFETY: 1. Nothing else in this program uses those pages.
    let machine = unsafe { Native::take_over() };
    let Ok(mut machine) = machine else {
        panic!("the pages are not free");
    };
    if user::args().nth(1).is_none() {
        for group in &GROUPS {
            let digest = drill::run(group, &mut machine, |_, _, _| ());
            println!("{}", drill::line(group, digest));
        }
    }
    for name in user::args().skip(1) {
        let named = |group: &&Group| group.name == name;
        GROUPS
            .iter()
            .filter(named)
            .for_each(|group| print_cases(group, &mut machine));
    }
}

fn print_cases(group: &Group, machine: &mut Native) {
    let digest = drill::run(group, machine, |number, case, outcome| {
        println!("{}", drill::case_line(number, case, outcome));
    });
    println!("{}", drill::line(group, digest));
}
