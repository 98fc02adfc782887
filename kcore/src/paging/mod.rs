//! Address spaces: two-level page tables in physical memory.
//!
//! [`pte`] has the format of an entry, [`space`] the operations on an address space, `scan` the
//! search for what is mapped. The hard thing is that the MMU reads and writes these tables while the kernel
//! does. So the kernel loads and stores entries as whole words, and never decides by
//! the accessed and dirty bits, which the MMU sets.

pub mod pte;
pub(crate) mod scan;
pub mod space;

pub use pte::Pte;
pub use space::{Space, UserPage};
