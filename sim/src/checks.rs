//! What must hold of the whole machine, beyond the kernel's own invariants.
//!
//! The [audit](crate::audit) looks at what the kernel knows. These checks look from
//! outside, at what the CPUs still have: a translation, an environment, an
//! interrupt that will wake them. The hard thing is to say *when*: a CPU that has
//! a request in its mail and has not yet answered may still have what is being
//! taken from it.

use crate::audit::Broken;
use crate::machine::registers::Registers;
use crate::machine::{Machine, Mode};
use crate::mmu::walk;
use abi::EnvId;
use abi::scheduling::Policy;
use kcore::{CpuId, Pfn};
use std::fmt;

/// A state that must never be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// An invariant of the kernel is broken.
    Audit(Broken),
    /// A CPU remembers a translation that the page tables do not grant (I10).
    Stale {
        /// The CPU.
        cpu: CpuId,
        /// Address of the page.
        page: u32,
        /// The frame that it would reach.
        frame: Pfn,
    },
    /// A program reached a frame through a mapping that had been taken away.
    Revoked {
        /// The CPU.
        cpu: CpuId,
        /// Address of the access.
        va: u32,
        /// The frame that it reached.
        frame: Pfn,
    },
    /// A CPU remembers a translation to a frame that is free: somebody else may get it.
    Free {
        /// The CPU.
        cpu: CpuId,
        /// Address of the page.
        page: u32,
        /// The frame that it would reach.
        frame: Pfn,
    },
    /// A program reached a frame that is free.
    FreeFrame {
        /// The CPU.
        cpu: CpuId,
        /// Address of the access.
        va: u32,
        /// The frame that it reached.
        frame: Pfn,
    },
    /// A CPU runs an environment that the kernel does not have on that CPU.
    Ghost {
        /// The CPU.
        cpu: CpuId,
    },
    /// A CPU still has the page directory loaded of a space that is being taken apart.
    Left {
        /// The CPU.
        cpu: CpuId,
    },
    /// A CPU's x87 registers do not belong to the environment that the kernel
    /// thinks they do, or were not reset.
    Fpu {
        /// The CPU.
        cpu: CpuId,
    },
    /// A program found a value in its x87 registers that it did not leave there.
    Registers {
        /// The CPU.
        cpu: CpuId,
        /// The value that it found.
        value: u32,
    },
    /// An environment runs, and its CPU's timer does not ring before its quantum is over,
    /// or just then.
    Quantum {
        /// The CPU.
        cpu: CpuId,
    },
    /// An alarm is set, and the timer of the CPU that is to ring it does not ring in time.
    Alarm {
        /// The CPU.
        cpu: CpuId,
    },
    /// An environment waits for a CPU, a CPU sleeps, and no interrupt is on its way.
    LostWakeUp {
        /// The CPU.
        cpu: CpuId,
    },
    /// An environment keeps its CPU, one that waits outranks it, and no interrupt is on its
    /// way.
    Outranked {
        /// The CPU.
        cpu: CpuId,
    },
    /// Nothing can happen any more, and the run is not over.
    Deadlock,
    /// The run is over, and an environment still waits.
    Forgotten {
        /// Its id.
        id: EnvId,
    },
    /// The kernel used an address outside memory.
    Stray(
        /// The physical address.
        u32,
    ),
    /// A system call returned a value that the scenario rules out.
    Result {
        /// The CPU.
        cpu: CpuId,
        /// The value that it returned.
        value: u32,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::Audit(broken) => write!(f, "{} (at {:#x})", broken.what, broken.at),
            Violation::Stale { cpu, page, frame } => write!(
                f,
                "CPU {} remembers page {page:#010x} as frame {:#x}, which the page tables deny",
                cpu.0, frame.0
            ),
            Violation::Revoked { cpu, va, frame } => write!(
                f,
                "CPU {} reached frame {:#x} at {va:#010x} after that was taken away",
                cpu.0, frame.0
            ),
            Violation::Free { cpu, page, frame } => write!(
                f,
                "CPU {} remembers page {page:#010x} as frame {:#x}, and that is free",
                cpu.0, frame.0
            ),
            Violation::FreeFrame { cpu, va, frame } => write!(
                f,
                "CPU {} reached frame {:#x} at {va:#010x}, and it is free",
                cpu.0, frame.0
            ),
            Violation::Ghost { cpu } => {
                write!(f, "CPU {} runs what the kernel does not have there", cpu.0)
            }
            Violation::Left { cpu } => {
                write!(f, "CPU {} has not left a space that is taken apart", cpu.0)
            }
            Violation::Fpu { cpu } => {
                write!(
                    f,
                    "CPU {}'s x87 registers are not whose the kernel thinks",
                    cpu.0
                )
            }
            Violation::Registers { cpu, value } => {
                write!(
                    f,
                    "a program on CPU {} found {value:#x} in its x87 registers",
                    cpu.0
                )
            }
            Violation::Quantum { cpu } => {
                write!(f, "CPU {}'s timer rings after the quantum is over", cpu.0)
            }
            Violation::Alarm { cpu } => {
                write!(f, "CPU {}'s timer rings after the first alarm", cpu.0)
            }
            Violation::LostWakeUp { cpu } => {
                write!(f, "CPU {} sleeps while an environment waits", cpu.0)
            }
            Violation::Outranked { cpu } => {
                write!(f, "CPU {} keeps an environment that is outranked", cpu.0)
            }
            Violation::Deadlock => write!(f, "nothing can happen any more"),
            Violation::Forgotten { id } => write!(f, "{:08x} waits for ever", id.0),
            Violation::Stray(pa) => write!(f, "the kernel used address {pa:#x}, outside memory"),
            Violation::Result { cpu, value } => {
                write!(f, "a call on CPU {} returned {:#x}", cpu.0, value)
            }
        }
    }
}

/// The first violation that a check finds, as an error.
pub type Verdict = Result<(), Violation>;

impl Machine<'_> {
    /// The CPU that has a request in its mail, if any: there is at most one.
    pub fn asked(&self) -> Option<CpuId> {
        let target = self.holder?.target()?;
        self.cpu(target).mail.map(|_| target)
    }

    /// Makes every check that is valid between two entries to the kernel.
    pub fn check(&mut self) -> Verdict {
        self.audit().map_err(Violation::Audit)?;
        self.check_stray()?;
        self.check_translations()?;
        self.check_ghosts()?;
        self.check_fpu()?;
        self.check_quanta()?;
        self.check_alarm()?;
        self.check_ranks()?;
        self.check_wake_ups()
    }

    /// Makes every check that is valid between two transitions: all while the lock is
    /// free, else those that look at no half-made change.
    pub fn check_between_transitions(&mut self) -> Verdict {
        self.check_frames()?;
        if self.holder.is_none() {
            return self.check();
        }
        self.check_stray()?;
        self.check_translations()?;
        self.check_ghosts()
    }

    /// Checks that no CPU remembers a translation to a free frame. A CPU that has yet
    /// to answer a request may remember one that was taken away; but until it has
    /// answered, such a frame is in limbo and not free.
    pub fn check_frames(&self) -> Verdict {
        let frames = self.kernel.frames();
        for cpu in self.cpu_ids() {
            for (page, entry) in self.cpu(cpu).tlb.iter() {
                let frame = entry.frame;
                if self.is_user(frame) && frames.count(frame) == 0 && !frames.in_limbo(frame) {
                    return Err(Violation::Free { cpu, page, frame });
                }
            }
        }
        Ok(())
    }

    /// Checks that the kernel used no address outside memory.
    pub fn check_stray(&self) -> Verdict {
        self.stray().map_or(Ok(()), |pa| Err(Violation::Stray(pa)))
    }

    /// Checks I10: no CPU remembers a translation that the page tables do not grant.
    pub fn check_translations(&self) -> Verdict {
        for cpu in self.cpu_ids().filter(|&cpu| self.asked() != Some(cpu)) {
            let own = self.cpu(cpu);
            for (page, entry) in own.tlb.iter() {
                let granted = walk(self.kernel.memory(), own.cr3, page).is_some_and(|now| {
                    now.frame == entry.frame && (now.writeable || !entry.writeable)
                });
                if !granted
                    || self.kernel.frames().count(entry.frame) == 0 && self.is_user(entry.frame)
                {
                    let frame = entry.frame;
                    return Err(Violation::Stale { cpu, page, frame });
                }
            }
        }
        Ok(())
    }

    /// Checks that no environment keeps its CPU for longer than its quantum.
    pub fn check_quanta(&self) -> Verdict {
        let quantum = self.kernel.config().quantum;
        for cpu in self.cpu_ids() {
            let own = self.cpu(cpu);
            let end = self.kernel.cpus()[cpu].since + quantum;
            if own.mode == Mode::User && own.due.is_none_or(|due| due > end) {
                return Err(Violation::Quantum { cpu });
            }
        }
        Ok(())
    }

    /// Checks that the first alarm rings in time, unless the CPU that is to ring it is on
    /// its way into the kernel.
    pub fn check_alarm(&self) -> Verdict {
        let timers = self.kernel.sched().timers;
        let cpu = timers.keeper;
        let Some(slot) = timers.first() else {
            return Ok(());
        };
        let latest = self.kernel.envs()[slot].alarm.max(self.now);
        let own = self.cpu(cpu);
        let rests = matches!(own.mode, Mode::User | Mode::Idle);
        if rests && own.due.is_none_or(|due| due > latest) {
            return Err(Violation::Alarm { cpu });
        }
        Ok(())
    }

    /// Whether the kernel may hand this frame out.
    fn is_user(&self, frame: Pfn) -> bool {
        self.spec.usable().contains(&frame.0)
    }

    /// Checks P7: each CPU runs the environment that the kernel has on it, with that
    /// environment's page tables.
    pub fn check_ghosts(&self) -> Verdict {
        // To the kernel, an environment that has been stopped is still on its CPU
        // until the holder of the lock has noted the answer.
        let target = self.holder.and_then(|holder| holder.target());
        for cpu in self.cpu_ids().filter(|&cpu| target != Some(cpu)) {
            let own = self.cpu(cpu);
            let directory = match self.kernel.cpus().current(cpu) {
                Some(slot) => self.kernel.envs()[slot].space.pgdir,
                None => self.kernel.config().kernel_pgdir,
            };
            let in_user_mode = matches!(own.mode, Mode::User | Mode::Serving);
            let has_env = self.kernel.cpus().current(cpu).is_some();
            if own.mode != Mode::Off && (own.cr3 != directory || in_user_mode && !has_env) {
                return Err(Violation::Ghost { cpu });
            }
            if own.leaving.is_some_and(|left| !self.may_be_loaded(left)) {
                return Err(Violation::Left { cpu });
            }
        }
        Ok(())
    }

    /// Whether a page directory is the kernel's, or a living environment's, or that of one
    /// whose space nobody takes apart yet.
    fn may_be_loaded(&self, directory: Pfn) -> bool {
        let envs = self.kernel.envs();
        let mut alive = envs.used().filter(|&slot| envs[slot].alive);
        let fresh = self.kernel.reaper().fresh;
        directory == self.kernel.config().kernel_pgdir
            || alive.any(|slot| envs[slot].space.pgdir == directory)
            || self
                .kernel
                .frames()
                .iter_list(fresh)
                .any(|dead| dead == directory)
    }

    /// Checks that each CPU's x87 registers belong to the environment that the kernel
    /// thinks they do, and if to none, are as after a reset.
    pub fn check_fpu(&self) -> Verdict {
        let target = self.holder.and_then(|holder| holder.target());
        for cpu in self.cpu_ids().filter(|&cpu| target != Some(cpu)) {
            let fpu = &self.cpu(cpu).fpu;
            let cpus = self.kernel.cpus();
            let known = cpus[cpu].fpu.then(|| cpus.current(cpu)).flatten();
            if fpu.user != known || known.is_none() && fpu.value != Registers::default() {
                return Err(Violation::Fpu { cpu });
            }
        }
        Ok(())
    }

    /// Checks P13: under priorities, no environment that waits outranks one on a CPU, unless
    /// some CPU is on its way into the kernel, where it will see to that. A server may have
    /// a CPU that was lent to it, and a step that brings x87 registers changes nothing else.
    pub fn check_ranks(&self) -> Verdict {
        let on_the_way = |cpu| {
            let own = self.cpu(cpu);
            own.ipi || matches!(own.mode, Mode::Waiting(_))
        };
        let (envs, first) = (self.kernel.envs(), self.kernel.sched().ready.next());
        let ranks = self.kernel.config().policy == Policy::Priority;
        let Some(first) = first.filter(|_| ranks && !self.cpu_ids().any(on_the_way)) else {
            return Ok(());
        };
        for cpu in self.cpu_ids() {
            if let Some(slot) = self.kernel.cpus().current(cpu)
                && envs[slot].priority < envs[first].priority
                && envs[slot].callers == 0
                && !self.kernel.cpus()[cpu].fpu
            {
                return Err(Violation::Outranked { cpu });
            }
        }
        Ok(())
    }

    /// Checks P9: while any CPU sleeps, another CPU or an interrupt is on its way
    /// for every environment that waits. The lock must be free.
    pub fn check_wake_ups(&self) -> Verdict {
        let on_the_way = self.cpu_ids().filter(|&cpu| {
            let own = self.cpu(cpu);
            match own.mode {
                Mode::Idle => own.ipi,
                Mode::Waiting(_) => self.kernel.cpus().current(cpu).is_none(),
                _ => false,
            }
        });
        let asleep = self
            .cpu_ids()
            .find(|&cpu| self.cpu(cpu).mode == Mode::Idle && !self.cpu(cpu).ipi);
        match asleep {
            Some(cpu) if self.queued() > on_the_way.count() => Err(Violation::LostWakeUp { cpu }),
            _ => Ok(()),
        }
    }

    /// Checks that no environment is alive.
    pub fn check_all_ended(&self) -> Verdict {
        let envs = self.kernel.envs();
        let mut alive = envs.used().filter(|&slot| envs[slot].alive);
        alive.next().map_or(Ok(()), |slot| {
            let id = envs[slot].id;
            Err(Violation::Forgotten { id })
        })
    }

    /// Checks an access through a remembered translation. The page tables must
    /// grant it, unless this CPU has yet to answer a request to forget it; and the
    /// frame must never be free.
    pub fn check_access(&self, cpu: CpuId, va: u32, frame: Pfn, write: bool) -> Verdict {
        let frames = self.kernel.frames();
        if self.is_user(frame) && frames.count(frame) == 0 && !frames.in_limbo(frame) {
            return Err(Violation::FreeFrame { cpu, va, frame });
        }
        let asked = self.asked() == Some(cpu);
        let granted = walk(self.kernel.memory(), self.cpu(cpu).cr3, va)
            .is_some_and(|now| now.frame == frame && (now.writeable || !write));
        if asked || granted {
            Ok(())
        } else {
            Err(Violation::Revoked { cpu, va, frame })
        }
    }
}
