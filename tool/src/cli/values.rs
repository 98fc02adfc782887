//! What the values of options may be, and what is said of those that they may
//! not be.
//!
//! The hard thing is a number that a library's parser would take and a person
//! did not mean: `+4`, `nan`, an infinite time.

use std::ops::RangeInclusive;
use std::time::Duration;

use abi::Personality;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use kcore::ids::MAX_CPUS;
use witness::trace::Kind;

/// A number in hexadecimal, with `0x` or without.
pub fn hexadecimal(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    match u32::from_str_radix(digits, 16) {
        Ok(number) if all_digits => Ok(number),
        _ => Err("a hexadecimal number of at most 32 bits is needed".into()),
    }
}

/// A whole number in this range.
fn number(text: &str, range: RangeInclusive<u32>) -> Result<u32, String> {
    // Parsing would take a leading `+` too.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits && range.contains(&number) => Ok(number),
        _ => {
            let (first, last) = range.into_inner();
            Err(format!("a whole number from {first} to {last} is needed"))
        }
    }
}

/// Any whole number of 64 bits.
pub fn count64(text: &str) -> Result<u64, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits => Ok(number),
        _ => Err(format!("a whole number from 0 to {} is needed", u64::MAX)),
    }
}

/// A whole number in this range, for a parameter of this type.
pub fn whole<N: TryFrom<u32>>(
    range: RangeInclusive<u32>,
) -> impl Fn(&str) -> Result<N, String> + Clone {
    move |text| {
        let found = number(text, range.clone())?;
        N::try_from(found).map_err(|_| format!("{found} is too large"))
    }
}

/// How many CPUs a machine has.
pub fn cpus(text: &str) -> Result<u32, String> {
    number(text, 1..=MAX_CPUS as u32)
}

/// One CPU of a machine, by its number.
pub fn cpu(text: &str) -> Result<u32, String> {
    number(text, 0..=MAX_CPUS as u32 - 1)
}

/// A size of the memory.
pub fn mebibytes(text: &str) -> Result<u32, String> {
    number(text, 8..=4096)
}

/// A limit on how many, or how much.
pub fn count(text: &str) -> Result<u64, String> {
    let wanted = format!("a whole number is needed, at most {}", u64::MAX);
    text.parse().map_err(|_| wanted)
}

/// A number of seconds, fractions allowed, more than none and at most a week.
pub fn seconds(text: &str) -> Result<Duration, String> {
    const WEEK: f64 = 7.0 * 24.0 * 3600.0;
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value <= WEEK => Ok(Duration::from_secs_f64(value)),
        _ => Err("a number of seconds is needed, more than 0 and at most 604800".into()),
    }
}

/// An edition of the interface by its name; with what each is, for `--help`.
pub fn personality() -> impl TypedValueParser<Value = Personality> {
    let value = |edition: Personality| {
        PossibleValue::new(edition.name()).help(match edition {
            Personality::Lab4 => "Lab 4 of 2016 to 2018",
            Personality::Lab4Of2014 => "Lab 4 of 2014: another value for one error",
            Personality::Lab5 => "Lab 5: `env_set_trapframe` inserted as call 9",
            Personality::Lab6 => "Lab 6: lab 5 and `time_msec`",
            Personality::Lab5Of2014 => "Lab 5 with 2014's value for that error, as some have it",
            Personality::Lab6Of2014 => "Lab 6 with 2014's value for that error, as some have it",
        })
    };
    let values = PossibleValuesParser::new(Personality::ALL.map(value));
    values.try_map(|name| Personality::from_name(&name).ok_or("no edition has this name"))
}

/// A kind by its name.
pub fn kind(name: &str) -> Result<Kind, String> {
    let found = Kind::ALL.iter().find(|kind| kind.name() == name);
    found
        .copied()
        .ok_or_else(|| format!("there are: {}", kinds()))
}

/// What the help says about the kinds.
pub fn kinds_help() -> String {
    format!("Only these kinds: {}", kinds())
}

fn kinds() -> String {
    let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_of_a_second_are_fine() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("30"), Ok(Duration::from_secs(30)));
    }
}
