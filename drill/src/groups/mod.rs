//! The groups of cases. Each is made by one function, which is given its number.

mod addresses;
mod arithmetic;
mod atomic;
mod bits;
mod conditions;
mod decimal;
mod jumps;
mod moves;
mod multiply;
mod segments;
mod sequences;
mod shifts;
mod stack;
mod strings;

use crate::case::Case;
use crate::random::Random;

/// Cases of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// How many there are.
    pub cases: u32,
    build: fn(&mut Case, u32),
}

impl Group {
    const fn new(name: &'static str, cases: u32, build: fn(&mut Case, u32)) -> Group {
        Group { name, cases, build }
    }

    /// One of its cases, the same each time.
    pub fn case(&self, number: u32) -> Case {
        let mut case = Case::new(Random::new(self.name, number));
        (self.build)(&mut case, number);
        case.code.exit();
        case
    }
}

/// All groups.
pub const GROUPS: [Group; 14] = [
    Group::new("arithmetic", 4000, |case, _| arithmetic::build(case)),
    Group::new("shifts", 4000, |case, _| shifts::build(case)),
    Group::new("bits", 2000, |case, _| bits::build(case)),
    Group::new("multiply", 3000, |case, _| multiply::build(case)),
    Group::new("decimal", 1500, |case, _| decimal::build(case)),
    Group::new("moves", 2500, |case, _| moves::build(case)),
    Group::new("addresses", 1536, addresses::build),
    Group::new("conditions", conditions::CASES, conditions::build),
    Group::new("atomic", 2000, |case, _| atomic::build(case)),
    Group::new("stack", 2000, |case, _| stack::build(case)),
    Group::new("strings", 2500, |case, _| strings::build(case)),
    Group::new("jumps", 2000, |case, _| jumps::build(case)),
    Group::new("segments", 1000, |case, _| segments::build(case)),
    Group::new("sequences", 2000, |case, _| sequences::build(case)),
];
