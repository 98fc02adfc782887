//! The machine: what of it the rest of the kernel uses, a file or folder each.
//!
//! Everything here is about one device, one table of the processor or one
//! instruction, and knows nothing of steps. The hard thing is that this is where
//! `unsafe` has to be: what is offered to the rest is safe wherever that can be.

pub mod address_space;
pub mod console;
pub mod log_device;
pub mod pci;
pub mod phys;
pub mod power;
pub mod smp;
pub mod x86;
