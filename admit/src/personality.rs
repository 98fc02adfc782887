//! Which edition of the JOS interface a program was built for.
//!
//! Lab 4 and lab 5 number their system calls differently from call 9 on, and
//! 2014 numbers its errors differently, so the kernel must be told. The hard
//! thing is to find out. A linked JOS program carries the names of the calls it
//! can make, which settles the lab; and its table of the errors' names has one
//! more in 2014, which settles the year by the table's size. Only a file without
//! symbols leaves it open.

use std::path::Path;

/// An edition of the interface, as the kernel's module line spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Personality {
    /// Lab 4 of 2016 to 2018.
    Lab4,
    /// Lab 4 of 2014: another value for one error.
    #[cfg_attr(feature = "clap", value(name = "lab4-2014"))]
    Lab4Of2014,
    /// Lab 5: `env_set_trapframe` inserted as call 9.
    Lab5,
    /// Lab 6: lab 5 and `time_msec`.
    Lab6,
    /// Lab 5 with 2014's value for that error, as some have it.
    #[cfg_attr(feature = "clap", value(name = "lab5-2014"))]
    Lab5Of2014,
    /// Lab 6 with 2014's value for that error, as some have it.
    #[cfg_attr(feature = "clap", value(name = "lab6-2014"))]
    Lab6Of2014,
}

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

impl Personality {
    /// The word in a module line: `@personality=…`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lab4 => "lab4",
            Self::Lab4Of2014 => "lab4-2014",
            Self::Lab5 => "lab5",
            Self::Lab6 => "lab6",
            Self::Lab5Of2014 => "lab5-2014",
            Self::Lab6Of2014 => "lab6-2014",
        }
    }

    /// The edition that defines these symbols, each with its size.
    pub fn of_symbols<'a>(symbols: impl IntoIterator<Item = (&'a str, u64)>) -> Self {
        let mut lab = Self::Lab4;
        let mut old = false;
        for (name, size) in symbols {
            match name {
                "sys_time_msec" => lab = Self::Lab6,
                "sys_env_set_trapframe" if lab == Self::Lab4 => lab = Self::Lab5,
                ERRORS => old = SIZES_OF_2014.contains(&size),
                _ => {}
            }
        }
        if old { lab.of_2014() } else { lab }
    }

    /// The same lab in this year.
    pub fn of_year(self, year: u16) -> Self {
        if year <= OLD { self.of_2014() } else { self }
    }

    fn of_2014(self) -> Self {
        match self {
            Self::Lab4 | Self::Lab4Of2014 => Self::Lab4Of2014,
            Self::Lab5 | Self::Lab5Of2014 => Self::Lab5Of2014,
            Self::Lab6 | Self::Lab6Of2014 => Self::Lab6Of2014,
        }
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
            self.personality().word()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Personality {
        Personality::of_symbols(names.iter().map(|&name| (name, 4)))
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
            Personality::of_symbols(calls.chain([(ERRORS, size)]))
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
        assert_eq!(Personality::Lab5.of_year(2014), Personality::Lab5Of2014);
        assert_eq!(Personality::Lab4.of_year(2011), Personality::Lab4Of2014);
        assert_eq!(Personality::Lab6.of_year(2016), Personality::Lab6);
    }

    #[cfg(feature = "clap")]
    #[test]
    fn the_command_line_and_the_module_line_spell_alike() {
        use clap::ValueEnum;
        for value in Personality::value_variants() {
            let shown = value.to_possible_value().expect("no hidden variants");
            assert_eq!(shown.get_name(), value.word());
            assert!(abi::Personality::from_name(value.word()).is_some());
        }
    }
}
