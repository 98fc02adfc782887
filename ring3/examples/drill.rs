//! Prints every case of some groups, as the guest program `instructions` does with
//! the same arguments; `diff` of both shows where they part.

#[path = "../tests/common/mod.rs"]
mod common;

use common::drill::Interpreter;
use drill::groups::GROUPS;

fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    for group in GROUPS
        .iter()
        .filter(|group| names.iter().any(|name| name == group.name))
    {
        let mut interpreter = Interpreter::new(u64::MAX);
        let digest = drill::run(group, &mut interpreter, |number, case, outcome| {
            println!("{}", drill::case_line(number, case, outcome));
        });
        println!("{}", drill::line(group, digest));
    }
}
