//! Building what runs in the guest, with whatever Rust the machine has.
//!
//! The guest's target is built in, but few toolchains come with its `core`
//! library. [`ladder`] decides where to take it from, [`toolchain`] looks at
//! what there is, [`plan`] puts both together, [`guest`] runs the inner cargo,
//! [`remapped`] hides from it where things lie here, [`archive`] packs the programs
//! for the prompt, [`source`] knows programs of somebody's own, [`c`] builds those in C, [`wasm`] builds the machine for a browser in the same way.

pub mod archive;
pub mod c;
pub mod guest;
pub mod inner_cargo;
pub mod ladder;
pub mod linker;
pub mod plan;
pub mod remapped;
pub mod source;
pub mod target;
pub mod toolchain;
pub mod wasm;
