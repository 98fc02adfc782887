//! Address spaces: two-level page tables in physical memory.
//!
//! [`pte`] is the format of an entry, [`space`] the operations on a whole
//! address space. The hard thing is that the MMU reads and writes these tables
//! while we do: entries are read and stored as whole words, and the accessed
//! and dirty bits that the MMU sets never decide anything here.

pub mod pte;
pub mod space;

pub use pte::Pte;
pub use space::{Space, UserPage};
