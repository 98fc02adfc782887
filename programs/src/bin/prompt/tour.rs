//! `tour`: an idea of the system, and a program that shows it.
//!
//! The hard thing is whose turn it is: a person wants to read, try a variant, and go on. So
//! a station ends at the prompt, and `tour` alone goes to the one after the last.

use alloc::format;
use alloc::string::String;

use shell::tour::{STATIONS, Station};
use user::println;

/// Where somebody is.
#[derive(Default)]
pub struct Tour {
    /// How many stations are behind them.
    done: usize,
}

impl Tour {
    /// Announces a station, counted from 1, or the next one; returns what to run for it.
    pub fn go(&mut self, number: Option<usize>) -> Option<&'static str> {
        let number = number.unwrap_or(self.done % STATIONS.len() + 1);
        let Some(station) = number.checked_sub(1).and_then(|index| STATIONS.get(index)) else {
            println!("tour: the stations are 1 to {}", STATIONS.len());
            return None;
        };
        self.done = number;
        println!("{}", heading(number, station));
        println!("{}", station.idea);
        println!("> {}", station.line);
        Some(station.line)
    }

    /// Says how to go on.
    pub fn tell_next(&self) {
        let Some(station) = STATIONS.get(self.done.wrapping_sub(1)) else {
            return;
        };
        let more = format!("More: {}.", station.page);
        match STATIONS.get(self.done) {
            Some(next) => println!("{more} `tour` goes on: {}.", next.title),
            None => println!("{more} That was the last station; help lists all programs."),
        }
    }
}

fn heading(number: usize, station: &Station) -> String {
    format!("{number} of {}: {}", STATIONS.len(), station.title)
}
