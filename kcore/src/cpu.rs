//! What the kernel knows of each CPU.
//!
//! The hard thing: [`Cpu::current`] and [`crate::env::Env::on_cpu`] state the same
//! fact, whose registers and page tables a CPU holds. Both ends keep it, so that
//! neither has to search. The audit checks that they agree.

use crate::frames::Frames;
use crate::ids::{CpuId, Link, MAX_CPUS, Slot};
use crate::phys::{Pfn, PhysMem};

/// One CPU; all-zero is one without an environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cpu {
    /// The environment whose registers and page tables are on this CPU.
    pub current: Link,
    /// When the quantum of `current` began, in ticks.
    pub since: u64,
    /// Its timer runs, and rings before the quantum of `current` has passed, or just then.
    /// Not set while it idles: a timer that runs then is for an alarm.
    pub timer: bool,
    /// `current` has used the x87 and SSE registers on this CPU.
    pub fpu: bool,
    /// A frame of zeroes that nobody else has, for the next page that a program asks for
    /// here; frame 0 if there is none. Whoever takes it puts another one in its place, which
    /// this CPU clears before it leaves the kernel: see [`crate::step::Common::CLEAR`].
    pub clean: Pfn,
}

/// All CPUs, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cpus([Cpu; MAX_CPUS]);

impl Cpus {
    /// CPUs without environments, so many of which have a clean frame. If memory is as short
    /// as that, some of them have none.
    pub(crate) fn with_clean_frames<M: PhysMem>(
        count: u8,
        frames: &mut Frames<'_>,
        mem: &mut M,
    ) -> Cpus {
        let mut cpus = Cpus::default();
        for cpu in cpus.0.iter_mut().take(count.into()) {
            if let Ok(frame) = frames.take_for_ever(mem) {
                mem.zero_frame(frame);
                cpu.clean = frame;
            }
        }
        cpus
    }

    /// The environment on `cpu`.
    pub fn current(&self, cpu: CpuId) -> Option<Slot> {
        self[cpu].current.get()
    }
}

impl core::ops::Index<CpuId> for Cpus {
    type Output = Cpu;
    fn index(&self, cpu: CpuId) -> &Cpu {
        &self.0[cpu.0 as usize % MAX_CPUS]
    }
}

impl core::ops::IndexMut<CpuId> for Cpus {
    fn index_mut(&mut self, cpu: CpuId) -> &mut Cpu {
        &mut self.0[cpu.0 as usize % MAX_CPUS]
    }
}
