//! The kernel's state.
//!
//! One value holds all of it, and having it means having the lock. `entry.rs` and
//! the files for each kind of trap say what a trap does to it. Whenever a step has
//! been settled, the invariants hold that `sim/src/audit/` recomputes.
//!
//! The hard thing is that equal states must behave equally. So a step depends on
//! nothing in here that a snapshot lacks.

use crate::console::{Console, ConsoleState};
use crate::cpu::Cpus;
use crate::effects::Effects;
use crate::env::mirror::Mirror;
use crate::env::table::TableState;
use crate::env::{Env, EnvTable};
use crate::frames::{Frame, Frames, FramesState};
use crate::ids::Slot;
use crate::phys::{Pfn, PhysMem};
use crate::reaper::Reaper;
use crate::sched::Sched;
use crate::step::{End, Outbox};
use crate::watch::{Unwatched, Watcher};
use abi::env::NENV;
use abi::scheduling::Policy;
use core::ops::Range;

/// Settings that do not change after boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The kernel's own page directory. Every address space gets a copy of its
    /// entries from UTOP up. Idle CPUs run on it.
    pub kernel_pgdir: Pfn,
    /// Physical address of the table at UENVS; its frames are contiguous and
    /// zero.
    pub uenvs: u32,
    /// Physical address of the table at UPAGES; likewise.
    pub upages: u32,
    /// Length of a full quantum in ticks. The caller of [`Kernel::step`], which
    /// passes the time, decides how long a tick is.
    pub quantum: u64,
    /// Who gets a CPU next.
    pub policy: Policy,
    /// The time at boot, from which programs count.
    pub started: u64,
    /// Ticks in 10 ms; not 0.
    pub ten_ms: u64,
    /// Whether to print a line when an environment begins or ends.
    pub lifecycle: bool,
    /// How the run ends when no environment is left.
    pub end: End,
    /// Whether a breakpoint enters the monitor, as graders expect, instead of ending
    /// its environment. Any program can then hold up the machine.
    pub grading: bool,
    /// How many CPUs may enter the kernel.
    pub cpus: u8,
    /// What `features` answers: bits of [`abi::call::FEATURES`]. A program may move to
    /// another CPU between any two instructions, so these are features of all CPUs.
    pub features: u32,
    /// Physical address of the saved x87 and SSE registers: for each slot 512 bytes, as
    /// FXSAVE writes them, or FNSAVE.
    pub fpu_images: u32,
    /// The bits that MXCSR has on all CPUs; 0 if they have no FXSAVE.
    pub mxcsr_mask: u32,
}

/// The memory for the kernel's tables, all zero. Their sizes depend on the machine.
pub struct Tables<'t> {
    /// One entry for each frame that may ever be mapped, by frame number.
    pub frames: &'t mut [Frame],
    /// One entry for each slot.
    pub envs: &'t mut [Env; NENV],
    /// The console's output ring.
    pub console: &'t mut [u8],
}

/// The part of a snapshot that is not a table. Two kernels with equal states, tables
/// and memory behave equally.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub(crate) frames: FramesState,
    pub(crate) envs: TableState,
    pub(crate) console: ConsoleState,
    /// The CPUs.
    pub cpus: Cpus,
    pub(crate) sched: Sched,
    pub(crate) reaper: Reaper,
}

/// The kernel, generic over the access to physical memory and over the watcher.
pub struct Kernel<'t, M: PhysMem, W: Watcher = Unwatched> {
    // --- The machine's memory.
    pub(crate) mem: M,
    pub(crate) frames: Frames<'t>,
    pub(crate) reaper: Reaper,

    // --- Environments, and which of them run where.
    pub(crate) envs: EnvTable<'t>,
    pub(crate) mirror: Mirror,
    pub(crate) cpus: Cpus,
    pub(crate) sched: Sched,

    // --- Output and input.
    pub(crate) console: Console<'t>,

    /// Told what happens. No step depends on it.
    pub(crate) watcher: W,

    // --- Valid during one step; the next overwrites them.
    pub(crate) now: u64,
    /// The current call came by `sysenter`.
    pub(crate) fast: bool,
    /// With `HandOver`: the environment that gets this CPU.
    pub(crate) heir: Slot,
    pub(crate) effects: Effects,
    /// How many waits for the dead the step has ended.
    pub(crate) notices: u32,
    pub(crate) outbox: Outbox,

    // --- Derived from the rest whenever a step is settled.
    /// Nothing is left over from earlier steps; see `quiet.rs`.
    pub(crate) quiet: bool,

    // --- Immutable after boot.
    /// Steps may go the short way.
    pub(crate) short_ways: bool,
    pub(crate) config: Config,
}

impl<'t, M: PhysMem, W: Watcher> Kernel<'t, M, W> {
    /// Makes a kernel without environments. It may allocate the frames whose numbers
    /// are in `usable`, ranges that are ascending and disjoint.
    pub fn new(
        mut mem: M,
        watcher: W,
        tables: Tables<'t>,
        config: Config,
        usable: impl Iterator<Item = Range<u32>>,
    ) -> Kernel<'t, M, W> {
        let mut frames = Frames::new(tables.frames, config.upages, usable);
        let cpus = Cpus::with_clean_frames(config.cpus, &mut frames, &mut mem);
        Kernel {
            mem,
            frames,
            reaper: Reaper::default(),
            envs: EnvTable::new(tables.envs),
            mirror: Mirror { base: config.uenvs },
            cpus,
            sched: Sched::new(config.policy, config.quantum),
            console: Console::new(tables.console),
            watcher,
            now: 0,
            fast: false,
            heir: Slot(0),
            effects: Effects::empty(),
            notices: 0,
            outbox: Outbox::default(),
            quiet: false,
            // They know no other policy.
            short_ways: config.policy == Policy::RoundRobin,
            config,
        }
    }

    /// From now on neither [`Kernel::quick_step`] nor [`Kernel::quiet_step`] makes a step.
    /// For a caller that has something to do before each step, and for tests: the steps are
    /// the same.
    pub fn forgo_short_ways(&mut self) {
        self.short_ways = false;
        self.quiet = false;
    }

    /// Details of the last step.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Settings that do not change after boot.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Physical memory, to change.
    pub fn mem(&mut self) -> &mut M {
        &mut self.mem
    }

    /// Physical memory, to look at only.
    pub fn memory(&self) -> &M {
        &self.mem
    }

    /// The table of environments.
    pub fn envs(&self) -> &EnvTable<'t> {
        &self.envs
    }

    /// The table of frames.
    pub fn frames(&self) -> &Frames<'t> {
        &self.frames
    }

    /// For tests of failure paths: lets `n` more reservations of memory succeed and
    /// makes all later ones fail, until [`Kernel::refuse_none`].
    pub fn refuse_after(&mut self, n: u32) {
        self.frames.state.allowance = n.saturating_add(1);
    }

    /// Ends [`Kernel::refuse_after`].
    pub fn refuse_none(&mut self) {
        self.frames.state.allowance = 0;
    }

    /// What the kernel knows of each CPU.
    pub fn cpus(&self) -> &Cpus {
        &self.cpus
    }

    /// The scheduler's state.
    pub fn sched(&self) -> &Sched {
        &self.sched
    }

    /// Address spaces of the dead that are still to be freed.
    pub fn reaper(&self) -> &Reaper {
        &self.reaper
    }

    /// The console's rings.
    pub fn console(&self) -> &Console<'t> {
        &self.console
    }

    /// Takes out all that is still unprinted, oldest first. For the end of a run, also
    /// by a panic: the kernel makes no step afterwards.
    pub fn drain_console(&mut self) -> impl Iterator<Item = u8> {
        self.console.drain()
    }

    /// The watcher, to look at.
    pub fn watcher(&self) -> &W {
        &self.watcher
    }

    /// The watcher, to take out what it has noted.
    pub fn watcher_mut(&mut self) -> &mut W {
        &mut self.watcher
    }

    /// A snapshot of everything that is not a table.
    pub fn state(&self) -> State {
        State {
            frames: self.frames.state,
            envs: self.envs.state,
            console: self.console.state,
            cpus: self.cpus.clone(),
            sched: self.sched,
            reaper: self.reaper,
        }
    }

    /// Restores a snapshot; the caller must have restored tables and memory.
    pub fn set_state(&mut self, state: &State) {
        self.frames.state = state.frames;
        self.envs.state = state.envs;
        self.console.state = state.console;
        self.cpus = state.cpus.clone();
        self.sched = state.sched;
        self.reaper = state.reaper;
        self.quiet = self.is_quiet();
    }

    /// Whether dead environments still hold memory or slots, others still wait for them, or
    /// members of a job that has ended are still to be woken.
    pub fn has_leftovers(&self) -> bool {
        !self.reaper.is_empty() || self.sched.has_dead() || self.sched.unswept > 0
    }

    /// For a search over states: limits each environment's count of runs to 1. The
    /// count only grows and decides nothing; without this the search would not end.
    pub fn forget_history(&mut self) {
        for slot in self.envs.used() {
            let env = &mut self.envs[slot];
            if env.alive {
                env.runs = env.runs.min(1);
                self.mirror.runs(&mut self.mem, slot, self.envs[slot].runs);
            }
        }
    }

    /// The tables, for snapshots to copy from and to.
    pub fn tables(&mut self) -> Tables<'_> {
        Tables {
            frames: self.frames.table,
            envs: self.envs.slots_mut(),
            console: self.console.ring,
        }
    }
}
