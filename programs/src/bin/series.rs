//! The power series of sin(x + x^3), from two environments that know nothing
//! but each other: the derivative of the sine of u is the cosine of u times u',
//! that of the cosine is minus the sine times u'. Each takes the other's
//! coefficients as they come, multiplies, integrates, and sends what it gets.
//! After M. D. McIlroy, "Squinting at Power Series", 1990.
//!
//! The hard thing is to begin: both wait for the other. But an integral's first
//! coefficient is known, and one coefficient is enough for the next.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::fmt;

use user::{EnvId, Error, Fork, fork, ipc, println, sys};

/// Coefficients that are printed; more would not fit into words.
const TERMS: usize = 10;

user::program!(main);

fn main() {
    if let Err(error) = print_series() {
        panic!("{}", error.message());
    }
}

fn print_series() -> Result<(), Error> {
    let reader = sys::getenvid();
    if fork()? == Fork::Child {
        let sine = sys::getenvid();
        return match fork()? {
            Fork::Parent(cosine) => integrate(Rational::new(0, 1), 1, cosine, Some(reader)),
            Fork::Child => integrate(Rational::new(1, 1), -1, sine, None),
        };
    }
    for power in 0..TERMS {
        println!("{} x^{power}", Rational::receive()?);
    }
    Ok(())
}

/// One of the two: `first` plus the integral of `sign` times `other`'s series
/// times 1 + 3 x^2. The side with a `reader` sends first.
fn integrate(first: Rational, sign: i32, other: EnvId, reader: Option<EnvId>) -> Result<(), Error> {
    let mut mine = first;
    // The other's last three coefficients, the latest first.
    let mut last = [Rational::new(0, 1); 3];
    for power in 1..=TERMS as i32 {
        let theirs;
        if let Some(reader) = reader {
            mine.send(reader)?;
            mine.send(other)?;
            theirs = Rational::receive()?;
        } else {
            theirs = Rational::receive()?;
            mine.send(other)?;
        }
        last = [theirs, last[0], last[1]];
        mine = last[0].plus(last[2].times(3, 1)).times(sign, power);
    }
    Ok(())
}

/// A fraction in lowest terms, with a positive denominator.
#[derive(Clone, Copy)]
struct Rational {
    over: i32,
    under: i32,
}

impl Rational {
    fn new(over: i32, under: i32) -> Rational {
        let divisor = common_divisor(over.abs(), under);
        Rational {
            over: over / divisor,
            under: under / divisor,
        }
    }

    fn plus(self, other: Rational) -> Rational {
        let divisor = common_divisor(self.under, other.under);
        let (mine, theirs) = (self.under / divisor, other.under / divisor);
        Rational::new(self.over * theirs + other.over * mine, self.under * theirs)
    }

    fn times(self, over: i32, under: i32) -> Rational {
        Rational::new(self.over * over, self.under * under)
    }

    /// As two messages.
    fn send(self, to: EnvId) -> Result<(), Error> {
        ipc::send(to, self.over as u32)?;
        ipc::send(to, self.under as u32)
    }

    fn receive() -> Result<Rational, Error> {
        let over = ipc::recv()?.value as i32;
        let under = ipc::recv()?.value as i32;
        Ok(Rational { over, under })
    }
}

/// The greatest, of numbers that are not negative.
fn common_divisor(a: i32, b: i32) -> i32 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.over, self.under)
    }
}
