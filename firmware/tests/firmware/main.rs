//! Tests of the firmware readers on synthetic memory.

mod acpi;
mod direct_map;
mod handover;
mod machine;
mod memory_map;
mod module_string;
mod mp_table;
mod multiboot;
mod mutation;
mod odd_tables;
mod options;
mod ranges;
mod topology;
