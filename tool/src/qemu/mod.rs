//! The emulated machine: how it is put together, watched and judged.

pub mod blocking_writer;
pub mod conversation;
pub mod input;
pub mod log_memory;
pub mod machine;
pub mod module_line;
pub mod seal;
pub mod supervise;
pub mod verdict;
