//! `jostle explore`: searches schedules, of a program or of the kernel's core.

mod core;
pub mod file;
pub mod program;
mod say;
mod search;
pub mod story;

use crate::cli::Explore;

/// Explores; the status says whether nothing was found.
pub fn explore(options: &Explore) -> anyhow::Result<u8> {
    match options.kernel {
        true => core::explore(options),
        false => program::explore(options),
    }
}
