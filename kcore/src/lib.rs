//! The kernel as a deterministic state machine.
//!
//! A JOS kernel never blocks: it handles each trap to the end and then resumes
//! some environment. So a crate without hardware, `unsafe` or clocks can hold the
//! whole meaning of the kernel. Given the CPU, the time, the event and the trapped
//! registers, [`Kernel::step`] changes the state and says what runs next. The lock
//! that lets one CPU at a time into the kernel is whatever hands out the
//! `&mut Kernel`.
//!
//! Laws that hold everywhere in this crate:
//!
//! 1. No function waits. Handlers return.
//! 2. Everything the kernel learns comes in by argument or through
//!    [`PhysMem`]; everything it does to the machine goes out in a [`Step`].
//! 3. A freed frame is not free yet: it stays in limbo until [`Kernel::settle`].
//! 4. Decode, check, commit: a call that returns an error has changed nothing.
//! 5. Nothing that user space does can cause a panic.
//! 6. Watchers receive facts by value and change nothing: [`watch`].
//!
//! Reading order: [`event`], [`kernel`], [`syscall`], [`sched`], [`mod@env`],
//! [`paging`], [`frames`], then the rest.

#![no_std]
#![forbid(unsafe_code)]

pub mod console;
pub mod cpu;
mod effects;
pub mod elf;
mod entry;
pub mod env;
pub mod event;
mod exception;
pub mod fault;
mod fpu;
pub mod frames;
pub mod ids;
pub mod kernel;
pub mod loader;
pub mod paging;
pub mod phys;
pub mod quick;
mod quiet;
pub mod reaper;
pub mod sched;
mod shortage;
pub mod step;
pub mod syscall;
pub mod usermem;
pub mod watch;

pub use event::Event;
pub use ids::{CpuId, CpuSet, Slot};
pub use kernel::{Config, Kernel, Tables};
pub use loader::{Boot, LoadError};
pub use phys::{Pfn, PhysMem};
pub use step::{Common, End, Outbox, Remote, Step, ToEnterAgain, ToIdle, ToResume, ToSwitch};
