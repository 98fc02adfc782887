//! The kernel's state.
//!
//! One value holds all of it; whoever has it has the lock. What a trap does to it is
//! in `entry.rs` and the files that handle each kind of trap. Between two steps
//! that are settled the invariants hold that `sim/src/audit/` recomputes.
//!
//! The hard thing is that equal states must behave equally: so there is nothing in
//! here that a step could depend on and a snapshot does not have.

use crate::console::{Console, ConsoleState};
use crate::cpu::Cpus;
use crate::effects::Effects;
use crate::env::mirror::Mirror;
use crate::env::table::TableState;
use crate::env::{Env, EnvTable};
use crate::frames::{Frame, Frames, FramesState};
use crate::phys::{Pfn, PhysMem};
use crate::processor::Processor;
use crate::reaper::Reaper;
use crate::sched::Sched;
use crate::step::{End, Outbox};
use crate::watch::{Unwatched, Watcher};
use abi::env::NENV;
use core::ops::Range;

/// What does not change after boot.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The kernel's own page directory, whose entries from UTOP up every
    /// address space gets. Idle CPUs run on it.
    pub kernel_pgdir: Pfn,
    /// Physical address of the table at UENVS; its frames are contiguous and
    /// zero.
    pub uenvs: u32,
    /// Physical address of the table at UPAGES; likewise.
    pub upages: u32,
    /// Length of a full quantum in ticks. What a tick is, is the affair of
    /// whoever passes the time to [`Kernel::step`].
    pub quantum: u64,
    /// The time at boot, from which `time_msec` counts.
    pub started: u64,
    /// Ticks in 10 ms, the step of `time_msec`; not 0.
    pub ten_ms: u64,
    /// Print lines when environments come and go.
    pub lifecycle: bool,
    /// What happens when nothing is left to run.
    pub end: End,
    /// Breakpoints enter the monitor instead of killing, as people's graders
    /// expect; any program can then hold up the machine.
    pub grading: bool,
    /// What all CPUs have.
    pub processor: Processor,
}

/// Tables whose size is a matter of the machine. All of them are all-zero.
pub struct Tables<'t> {
    /// One entry for each frame that may ever be mapped, by frame number.
    pub frames: &'t mut [Frame],
    /// The environments.
    pub envs: &'t mut [Env; NENV],
    /// The console's ring.
    pub console: &'t mut [u8],
}

/// Everything that is not a table, for taking and restoring snapshots of a
/// kernel. Two kernels with equal states, tables and memory behave equally.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub(crate) frames: FramesState,
    pub(crate) envs: TableState,
    pub(crate) console: ConsoleState,
    pub(crate) cpus: Cpus,
    pub(crate) sched: Sched,
    pub(crate) reaper: Reaper,
}

/// The kernel. Generic are how physical memory is reached, and who is told what
/// happens.
pub struct Kernel<'t, M: PhysMem, W: Watcher = Unwatched> {
    // --- The machine's memory.
    pub(crate) mem: M,
    pub(crate) frames: Frames<'t>,
    pub(crate) reaper: Reaper,

    // --- Environments and who runs where.
    pub(crate) envs: EnvTable<'t>,
    pub(crate) mirror: Mirror,
    pub(crate) cpus: Cpus,
    pub(crate) sched: Sched,

    // --- The way out.
    pub(crate) console: Console<'t>,

    /// Whom to tell what happens. No step depends on it.
    pub(crate) watcher: W,

    // --- This step's own. Overwritten by the next.
    pub(crate) now: u64,
    /// The call that is made came by `sysenter`.
    pub(crate) fast: bool,
    pub(crate) effects: Effects,
    pub(crate) outbox: Outbox,

    // --- Derived from the rest, when a step is settled.
    /// Nothing is left over from earlier steps; see [`crate::quiet`].
    pub(crate) quiet: bool,

    // --- Immutable after boot.
    pub(crate) config: Config,
}

impl<'t, M: PhysMem, W: Watcher> Kernel<'t, M, W> {
    /// A kernel without environments. `usable` are the ranges of frame numbers
    /// that may be allocated, ascending and disjoint; `watcher` is told what
    /// happens.
    pub fn new(
        mem: M,
        watcher: W,
        tables: Tables<'t>,
        config: Config,
        usable: impl Iterator<Item = Range<u32>>,
    ) -> Kernel<'t, M, W> {
        Kernel {
            mem,
            frames: Frames::new(tables.frames, config.upages, usable),
            reaper: Reaper::default(),
            envs: EnvTable::new(tables.envs),
            mirror: Mirror { base: config.uenvs },
            cpus: Cpus::default(),
            sched: Sched::default(),
            console: Console::new(tables.console),
            watcher,
            now: 0,
            fast: false,
            effects: Effects::empty(),
            outbox: Outbox::default(),
            quiet: false,
            config,
        }
    }

    /// Details of the last step's effects.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// What does not change.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Physical memory, as the kernel reaches it.
    pub fn mem(&mut self) -> &mut M {
        &mut self.mem
    }

    /// Physical memory, to look at.
    pub fn memory(&self) -> &M {
        &self.mem
    }

    /// The environments.
    pub fn envs(&self) -> &EnvTable<'t> {
        &self.envs
    }

    /// The frames.
    pub fn frames(&self) -> &Frames<'t> {
        &self.frames
    }

    /// Makes the `n + 1`st following reservation of memory fail, and all after
    /// it, until [`Kernel::refuse_none`]. For tests of failure paths.
    pub fn refuse_after(&mut self, n: u32) {
        self.frames.state.allowance = n.saturating_add(1);
    }

    /// Ends [`Kernel::refuse_after`].
    pub fn refuse_none(&mut self) {
        self.frames.state.allowance = 0;
    }

    /// The CPUs.
    pub fn cpus(&self) -> &Cpus {
        &self.cpus
    }

    /// The scheduler.
    pub fn sched(&self) -> &Sched {
        &self.sched
    }

    /// The dead address spaces.
    pub fn reaper(&self) -> &Reaper {
        &self.reaper
    }

    /// The console.
    pub fn console(&self) -> &Console<'t> {
        &self.console
    }

    /// For the end of a run, a panic's too: whatever is still to be printed,
    /// oldest first. The kernel makes no step afterwards.
    pub fn drain_console(&mut self) -> impl Iterator<Item = u8> {
        self.console.drain()
    }

    /// Who is told what happens.
    pub fn watcher(&self) -> &W {
        &self.watcher
    }

    /// The same, to take from it what it noted.
    pub fn watcher_mut(&mut self) -> &mut W {
        &mut self.watcher
    }

    /// Everything that is not a table.
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

    /// Puts back what [`Kernel::state`] gave; the caller has put back tables
    /// and memory.
    pub fn set_state(&mut self, state: &State) {
        self.frames.state = state.frames;
        self.envs.state = state.envs;
        self.console.state = state.console;
        self.cpus = state.cpus.clone();
        self.sched = state.sched;
        self.reaper = state.reaper;
        self.quiet = self.is_quiet();
    }

    /// Whether something dead is still to be taken apart.
    pub fn has_leftovers(&self) -> bool {
        !self.reaper.is_empty() || self.sched.has_doomed()
    }

    /// For a search over states: sets what only grows and decides nothing, how
    /// often each environment has run, to its least equivalent, so that the
    /// search comes to an end.
    pub fn forget_history(&mut self) {
        for slot in self.envs.used() {
            let env = &mut self.envs[slot];
            if env.alive {
                env.runs = env.runs.min(1);
                self.mirror.runs(&mut self.mem, slot, &self.envs[slot]);
            }
        }
    }

    /// The tables, to copy from and to.
    pub fn tables(&mut self) -> Tables<'_> {
        Tables {
            frames: self.frames.table,
            envs: self.envs.slots_mut(),
            console: self.console.ring,
        }
    }
}
