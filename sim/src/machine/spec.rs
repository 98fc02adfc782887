//! Which machine to simulate, and where its frames are.
//!
//! ```text
//! frame 0          never used
//!       1          the kernel's page directory
//!       2, 3       its tables for the windows UENVS and UPAGES
//!       4 ..       the public table of environments (31 frames)
//!      35 ..       the public table of frames
//!       .. frames  usable
//! frames ..        boot modules; beyond the kernel's table of frames
//!       ..        saved x87 and SSE registers, by slot
//! ```
//!
//! The hard thing is that the kernel's tables have sizes that depend on each
//! other: the public table of frames takes frames itself.

use super::registers::IMAGE;
use abi::call::FEATURES;
use abi::env::NENV;
use abi::layout::PGSIZE;
use abi::page_info::PAGE_INFO_STRIDE;
use abi::scheduling::Policy;
use kcore::Pfn;
use kcore::env::Slot;
use kcore::env::mirror::MIRROR_SIZE;
use std::ops::Range;

pub(super) const KERNEL_PGDIR: Pfn = Pfn(1);
pub(super) const UENVS_TABLE: Pfn = Pfn(2);
pub(super) const UPAGES_TABLE: Pfn = Pfn(3);
pub(super) const UENVS_FRAMES: Pfn = Pfn(4);
pub(super) const UPAGES_FRAMES: Pfn = Pfn(4 + MIRROR_SIZE.div_ceil(PGSIZE));

/// Which machine to build.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Frames in the kernel's table, including those of the kernel itself.
    pub frames: u32,
    /// Frames for boot modules.
    pub module_frames: u32,
    /// Frames for saved x87 and SSE registers, of 8 slots each.
    pub image_frames: u32,
    /// How many CPUs.
    pub cpus: u8,
    /// Length of a quantum in ticks; 0 makes every timer interrupt end one.
    pub quantum: u64,
    /// Who gets a CPU next.
    pub policy: Policy,
    /// Ticks in 10 ms, by which programs count.
    pub ten_ms: u64,
    /// Whether the kernel prints when environments come and go.
    pub lifecycle: bool,
    /// Whether breakpoints enter the monitor.
    pub grading: bool,
    /// The features of its CPUs.
    pub features: u32,
    /// Bytes in the console's ring.
    pub console: usize,
    /// Records in the ring of the trace, 0 for no trace.
    pub trace: usize,
}

impl Default for Spec {
    fn default() -> Spec {
        Spec {
            frames: 256,
            module_frames: 16,
            image_frames: NENV as u32 / 8,
            cpus: 1,
            quantum: 10_000_000,
            policy: Policy::RoundRobin,
            ten_ms: 10_000_000,
            lifecycle: false,
            grading: false,
            features: FEATURES,
            console: 16 * 1024,
            trace: 0,
        }
    }
}

impl Spec {
    /// The frame numbers that the kernel may allocate.
    pub fn usable(&self) -> Range<u32> {
        let mirror = (self.frames * PAGE_INFO_STRIDE).div_ceil(PGSIZE);
        UPAGES_FRAMES.0 + mirror..self.frames
    }

    /// Frames that boot modules may lie in.
    pub(super) fn modules(&self) -> Range<u32> {
        self.frames..self.frames + self.module_frames
    }

    /// Where the registers of `slot` are saved.
    pub(super) fn image(&self, slot: Slot) -> u32 {
        self.modules().end * PGSIZE + u32::from(slot.0) * IMAGE
    }

    /// The frames of the whole machine.
    pub(super) fn all_frames(&self) -> u32 {
        self.modules().end + self.image_frames
    }
}
