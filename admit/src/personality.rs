//! Which edition of the JOS interface a program was built for.
//!
//! Lab 4 and lab 5 number their system calls differently from call 9 on, and
//! 2014 numbers its errors differently, so the kernel must be told. The hard
//! thing is to find out. A linked JOS program carries the names of the calls it
//! can make, which settles the lab; and its table of the errors' names has one
//! more in 2014, which settles the year by the table's size. Only a file without
//! symbols leaves it open.

use std::path::Path;

use abi::Personality;

/// What a program's file says about its edition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// Its symbols tell.
    Told(Personality),
    /// It has none: this is as good as any.
    Guessed(Personality),
}

/// Where programs have the names of the errors.
const ERRORS: &str = "error_string";
/// The sizes of that table that only 2014's have: 0 to 9 in lab 4, 0 to 16 in
/// labs 5 and 6, four bytes each.
const SIZES_OF_2014: [u64; 2] = [4 * 10, 4 * 17];
/// The last year in which that table was so.
const OLD: u16 = 2014;

/// The edition that defines these symbols, each with its size.
pub fn of_symbols<'a>(symbols: impl IntoIterator<Item = (&'a str, u64)>) -> Personality {
    let mut lab = Personality::Lab4;
    let mut old = false;
    for (name, size) in symbols {
        match name {
            "sys_time_msec" => lab = Personality::Lab6,
            "sys_env_set_trapframe" if lab == Personality::Lab4 => lab = Personality::Lab5,
            ERRORS => old = SIZES_OF_2014.contains(&size),
            _ => {}
        }
    }
    if old { of_2014(lab) } else { lab }
}

/// The same lab in this year.
pub fn of_year(lab: Personality, year: u16) -> Personality {
    if year <= OLD { of_2014(lab) } else { lab }
}

fn of_2014(lab: Personality) -> Personality {
    use Personality::{Lab4, Lab4Of2014, Lab5, Lab5Of2014, Lab6, Lab6Of2014};
    match lab {
        Lab4 | Lab4Of2014 => Lab4Of2014,
        Lab5 | Lab5Of2014 => Lab5Of2014,
        Lab6 | Lab6Of2014 => Lab6Of2014,
    }
}

impl Edition {
    /// The edition, known or not.
    pub fn personality(self) -> Personality {
        match self {
            Self::Told(personality) | Self::Guessed(personality) => personality,
        }
    }

    /// What to say when nobody has said better.
    pub fn remark(self, file: &Path) -> String {
        format!(
            "{} has no symbols, so it is taken for {}; if it is not, its system calls go wrong \
             from number 9 on",
            file.display(),
            self.personality().name()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Personality {
        of_symbols(names.iter().map(|&name| (name, 4)))
    }

    #[test]
    fn symbols_settle_the_lab() {
        assert_eq!(of(&[]), Personality::Lab4);
        assert_eq!(of(&["umain", "sys_yield"]), Personality::Lab4);
        assert_eq!(of(&["sys_env_set_trapframe", "umain"]), Personality::Lab5);
        // In either order.
        let lab6 = ["sys_time_msec", "sys_env_set_trapframe"];
        assert_eq!(of(&lab6), Personality::Lab6);
        let lab6 = ["sys_env_set_trapframe", "sys_time_msec"];
        assert_eq!(of(&lab6), Personality::Lab6);
        // Only the exact name counts, not one that contains it.
        assert_eq!(of(&["my_sys_time_msec"]), Personality::Lab4);
    }

    /// The sizes are those of linked programs of these editions.
    #[test]
    fn the_table_of_errors_settles_the_year() {
        let of = |lab: &[&str], size| {
            let calls = lab.iter().map(|&name| (name, 30));
            of_symbols(calls.chain([(ERRORS, size)]))
        };
        let lab5 = ["sys_env_set_trapframe"];
        let lab6 = ["sys_env_set_trapframe", "sys_time_msec"];
        assert_eq!(of(&[], 0x24), Personality::Lab4);
        assert_eq!(of(&[], 0x28), Personality::Lab4Of2014);
        assert_eq!(of(&lab5, 0x40), Personality::Lab5);
        assert_eq!(of(&lab5, 0x44), Personality::Lab5Of2014);
        assert_eq!(of(&lab6, 0x40), Personality::Lab6);
        assert_eq!(of(&lab6, 0x44), Personality::Lab6Of2014);
        // Somebody's own table.
        assert_eq!(of(&lab5, 0x48), Personality::Lab5);
    }

    #[test]
    fn a_year_settles_it_too() {
        assert_eq!(of_year(Personality::Lab5, 2014), Personality::Lab5Of2014);
        assert_eq!(of_year(Personality::Lab4, 2011), Personality::Lab4Of2014);
        assert_eq!(of_year(Personality::Lab6, 2016), Personality::Lab6);
    }
}
