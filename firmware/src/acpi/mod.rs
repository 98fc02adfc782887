//! ACPI, as far as it is needed to find the CPUs.
//!
//! Structures: ACPI Specification 6.5, chapter 5. The hard thing is trust:
//! lengths and addresses come from tables that may be damaged, so a table
//! counts only if its whole length is readable and sums to zero, and every
//! walk through one advances or ends.

pub mod madt;
mod rsdp;
mod table;

pub use rsdp::Rsdp;
pub use table::{MAX_TABLE, Table};
