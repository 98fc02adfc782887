//! Readers for what the boot loader and the firmware left in memory, and what
//! follows from it for the use of RAM.
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
//! | [`handover`] | all that the boot loader hands over, copied |
//! | [`stretches`] | which RAM the direct map shows, and how |
//! | [`free`] | which RAM nobody has yet |
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
pub mod free;
pub mod handover;
pub mod module_string;
pub mod mp_table;
pub mod multiboot;
pub mod options;
pub mod phys;
pub mod ranges;
pub mod stretches;
pub mod topology;

pub use free::FreeMemory;
pub use handover::Handover;
pub use module_string::ModuleString;
pub use multiboot::MultibootInfo;
pub use options::BootOptions;
pub use phys::PhysBytes;
pub use ranges::{PhysRange, RangeSet};
pub use topology::Topology;
