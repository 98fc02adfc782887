//! Readers for what the boot loader and the firmware left in memory.
//!
//! The kernel learns from here how much memory there is, what it was told to
//! do, which programs came along, and which CPUs can be started. The hard
//! thing: none of these tables can be trusted to be well formed, and none of
//! them may be reachable through the direct map. So everything is read by
//! value through [`PhysBytes`], every loop is bounded by a constant of this
//! crate rather than by a length in the table, and nothing here can panic.
//!
//! | module | what |
//! |---|---|
//! | [`phys`] | the one way to read physical memory |
//! | [`ranges`] | sets of physical address ranges |
//! | [`multiboot`] | boot information: memory, modules, strings |
//! | [`options`] | the kernel's command line |
//! | [`module_string`] | a module's name, personality and arguments |
//! | [`apic`] | CPUs and I/O APICs, whichever table lists them |
//! | [`acpi`] | RSDP, RSDT/XSDT, MADT |
//! | [`mp_table`] | the MultiProcessor Specification's table |
//! | [`topology`] | the CPUs to start, from whichever table there is |

#![no_std]
#![forbid(unsafe_code)]

pub mod acpi;
pub mod apic;
pub mod module_string;
pub mod mp_table;
pub mod multiboot;
pub mod options;
pub mod phys;
pub mod ranges;
pub mod topology;

pub use module_string::ModuleString;
pub use multiboot::MultibootInfo;
pub use options::BootOptions;
pub use phys::PhysBytes;
pub use ranges::{PhysRange, RangeSet};
pub use topology::Topology;
