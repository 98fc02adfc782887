//! `jostle lab`: the course in a box.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `jostle lab`.
#[derive(Debug, Args, Clone)]
pub struct LabCommand {
    /// What to do.
    #[command(subcommand)]
    pub deed: LabDeed,
}

/// What can be done with labs.
#[derive(Debug, Subcommand, Clone)]
pub enum LabDeed {
    /// List the labs, their exercises and points.
    List,
    /// Make a folder to work in: this tree, with holes where the exercises are.
    New {
        /// Which lab.
        lab: String,
        /// The folder, which must be empty or not exist.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// The exercises of the library in C instead of Rust: labs b and c.
        #[arg(long = "c")]
        in_c: bool,
    },
    /// Test what was written in such a folder.
    Check {
        /// The folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Only this exercise (default: all).
        exercise: Option<String>,
        /// How it is done.
        #[command(flatten)]
        how: Checking,
    },
}

/// How a lab's folder is checked.
#[derive(Debug, Args, Clone, Copy)]
pub struct Checking {
    /// Print the result as JSON, in the form that Gradescope reads.
    #[arg(long)]
    pub json: bool,
    /// Run programs that pass on the simulated machine in QEMU as well.
    #[arg(long)]
    pub qemu: bool,
}
