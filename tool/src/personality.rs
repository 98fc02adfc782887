//! Which edition of the JOS interface a program was built for.
//!
//! Lab 4 and lab 5 number their system calls differently from call 9 on, so
//! the kernel must be told. A linked JOS program carries the names of the
//! calls it can make, which settles it for all but one edition: 2014's lab 4
//! differs in an error value only, so it must be named with `--personality`.

/// An edition of the interface, as the kernel's module line spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Personality {
    /// Lab 4 of 2016 to 2018.
    Lab4,
    /// Lab 4 of 2014: another value for one error.
    #[value(name = "lab4-2014")]
    Lab4Of2014,
    /// Lab 5: `env_set_trapframe` inserted as call 9.
    Lab5,
    /// Lab 6: lab 5 and `time_msec`.
    Lab6,
}

impl Personality {
    /// The word in a module line: `@personality=…`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lab4 => "lab4",
            Self::Lab4Of2014 => "lab4-2014",
            Self::Lab5 => "lab5",
            Self::Lab6 => "lab6",
        }
    }

    /// The edition that defines these symbols.
    pub fn of_symbols<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut found = Self::Lab4;
        for name in names {
            match name {
                "sys_time_msec" => return Self::Lab6,
                "sys_env_set_trapframe" => found = Self::Lab5,
                _ => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn symbols_settle_the_edition() {
        assert_eq!(Personality::of_symbols([]), Personality::Lab4);
        assert_eq!(
            Personality::of_symbols(["umain", "sys_yield"]),
            Personality::Lab4
        );
        let lab5 = ["sys_env_set_trapframe", "umain"];
        assert_eq!(Personality::of_symbols(lab5), Personality::Lab5);
        let lab6 = ["sys_time_msec", "sys_env_set_trapframe"];
        assert_eq!(Personality::of_symbols(lab6), Personality::Lab6);
        // Only the exact name counts, not one that contains it.
        assert_eq!(
            Personality::of_symbols(["my_sys_time_msec"]),
            Personality::Lab4
        );
    }

    #[test]
    fn the_command_line_and_the_module_line_spell_alike() {
        for value in Personality::value_variants() {
            let shown = value.to_possible_value().expect("no hidden variants");
            assert_eq!(shown.get_name(), value.word());
        }
    }
}
