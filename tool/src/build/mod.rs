//! Building what runs in the guest, with whatever Rust the machine has.
//!
//! The guest's target is built in, but few toolchains come with its `core`
//! library. [`ladder`] decides where to take it from, [`toolchain`] looks at
//! what there is, [`plan`] puts both together, [`guest`] runs the inner cargo,
//! [`archive`] packs the programs for the prompt.

pub mod archive;
pub mod guest;
pub mod inner_cargo;
pub mod ladder;
pub mod linker;
pub mod plan;
pub mod toolchain;

/// The guest's target: i586 code has neither SSE nor CMOV.
pub const TARGET: &str = "i586-unknown-linux-gnu";
