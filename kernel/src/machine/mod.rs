//! The machine, as the rest of the kernel uses it: a file or folder for each part.
//!
//! Each is about one device, one table of the processor or one instruction, and
//! knows nothing of steps. The hard thing is that `unsafe` must be here: the
//! functions for the rest of the kernel are safe wherever they can be.

pub mod address_space;
pub mod console;
pub mod log_device;
pub mod pci;
pub mod phys;
pub mod power;
pub mod smp;
pub mod x86;
