//! Everything the `jostle` command does, as a library, so that the QEMU cases
//! in `tests/` boot the guest through the very code that `jostle run` uses.
//!
//! Reading order: [`cli`] says what can be asked, [`commands`] does it; below
//! them [`boot`] is the way from a request to a guest that runs: [`build`] makes
//! kernel and programs, [`qemu`] boots them and turns the guest's verdict into an exit status, [`symbols`] names the functions in its
//! backtraces, [`expect`] judges what it printed.
//!
//! The hard thing here is leaving nothing behind: whatever ends the tool (a
//! time limit, a signal, a closed pipe), the emulator must be gone with it.

#![forbid(unsafe_code)]

pub mod boot;
pub mod build;
pub mod called;
pub mod child_process;
pub mod cli;
pub mod commands;
pub mod crash;
pub mod debug;
pub mod expect;
pub mod external;
pub mod fair_clock;
pub mod filtered;
pub mod host;
pub mod host_cargo;
pub mod labs;
pub mod nic;
pub mod opener;
pub mod pictures;
pub mod plants;
pub mod process_group;
pub mod programs;
pub mod qemu;
pub mod quoting;
pub mod regular_file;
pub mod report;
#[cfg(test)]
mod scratch;
pub mod server;
pub mod setup_script;
pub mod simulated;
pub mod status;
pub mod symbols;
pub mod trace_file;
pub mod trace_filter;
pub mod workspace;

pub use admit::{elf_check, personality};
