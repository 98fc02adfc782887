//! The kernel's state, and its one entry.
//!
//! [`Kernel::step`] is what a trap means. The hardware half calls it with the
//! lock held, performs the effects that it returns, calls [`Kernel::settle`]
//! and only then lets the lock go. Between two such rounds the invariants of
//! [`crate::audit`] hold.
//!
//! The hard thing is the rendezvous. A step may ask for an environment to be
//! stopped on another CPU. That CPU publishes the registers it was interrupted
//! with, and the entry it was about to make; the initiator, still holding the
//! lock, hands both to [`Kernel::parked`]. To the core, a CPU that waits for the
//! lock is still in user mode before its trap.
//!
//! Besides `step`, the state changes only in [`Kernel::parked`],
//! [`Kernel::settle`] and, at boot, [`crate::loader`]: replay knows these four.

use crate::console::{Console, ConsoleState};
use crate::cpu::{CpuId, Cpus};
use crate::env::mirror::Mirror;
use crate::env::table::TableState;
use crate::env::{Env, EnvTable, Slot};
use crate::event::Event;
use crate::frames::{Frame, Frames, FramesState};
use crate::phys::{Pfn, PhysMem};
use crate::processor::Processor;
use crate::reaper::Reaper;
use crate::sched::{Next, Sched};
use crate::step::{Common, End, Outbox, Step, ToEnterAgain, ToIdle, ToResume, ToSwitch};
use crate::watch::{Fact, Tell, Unwatched, Watcher};
use abi::env::NENV;
use abi::trap::FLAG_IOPL;
use abi::{EnvType, Error, TrapFrame};
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

bitflags::bitflags! {
    /// What has come together so far in this step, before anybody knows how it ends.
    /// Bits that mean nothing to its end are dropped: who switches page tables need
    /// not flush any more.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Effects: u32 {
        const REMOTE = Common::REMOTE.bits();
        const WAKE = Common::WAKE.bits();
        const CONSOLE = Common::CONSOLE.bits();
        const SETTLE = Common::SETTLE.bits();
        const BREAK = ToResume::BREAK.bits();
        const QUANTUM = ToResume::QUANTUM.bits();
        const FLUSH = ToResume::FLUSH.bits();
        const FLUSH_ALL = ToResume::FLUSH_ALL.bits();
        const FPU = ToResume::FPU.bits();
        const FPU_LOAD = ToResume::FPU_LOAD.bits();
        const FIRST = ToSwitch::FIRST.bits();
        const FPU_SAVE = ToIdle::FPU_SAVE.bits();
        const FPU_RESET = ToIdle::FPU_RESET.bits();
        const END = ToIdle::END.bits();
    }
}

/// How a step ends: [`Step`] without what there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Resume,
    Switch,
    Idle,
    Again,
}

impl Effects {
    /// The step that goes this way.
    #[inline(always)]
    pub(crate) const fn step(self, way: Way) -> Step {
        let bits = self.bits();
        match way {
            Way::Resume => Step::Resume(ToResume::from_bits_truncate(bits)),
            Way::Switch => Step::Switch(ToSwitch::from_bits_truncate(bits)),
            Way::Idle => Step::Idle(ToIdle::from_bits_truncate(bits)),
            Way::Again => Step::Again(ToEnterAgain::from_bits_truncate(bits)),
        }
    }
}

/// Pieces of dead address spaces that one step takes apart at the most, if it
/// needs frames; each is a few page tables.
const PIECES: u32 = 32;

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
            effects: Effects::empty(),
            outbox: Outbox::default(),
            quiet: false,
            config,
        }
    }

    /// One entry to the kernel by `cpu`, at `now` (in ticks), because of
    /// `event`, with `frame` the registers that user mode was left with. If the
    /// CPU has no environment, the frame's content is ignored.
    #[inline(always)]
    pub fn step(&mut self, cpu: CpuId, now: u64, event: Event, frame: &mut TrapFrame) -> Step {
        self.now = now;
        match self.quiet_step(cpu, event, frame) {
            Some(step) => step,
            None => self.general_step(cpu, event, frame),
        }
    }

    /// A step, whatever it takes.
    fn general_step(&mut self, cpu: CpuId, event: Event, frame: &mut TrapFrame) -> Step {
        self.effects = Effects::empty();
        let way = match self.cpus.current(cpu) {
            Some(slot) => {
                let next = self.handle(cpu, slot, event, frame);
                self.go_on(cpu, frame, next)
            }
            None => {
                self.tell_entry(cpu, event, frame);
                self.sched.idle.remove(cpu);
                self.device(event);
                self.run_next(cpu, frame)
            }
        };
        let step = self.close(way);
        self.tell_step(cpu, &step);
        step
    }

    /// The end of every step that may have changed something: looks after what
    /// it left over.
    #[inline(always)]
    pub(crate) fn close(&mut self, way: Way) -> Step {
        self.quiet = self.has_nothing_left();
        if !self.quiet {
            self.leave_over();
        }
        self.effects.step(way)
    }

    /// Something is to be settled, printed or ended: does a bounded piece of
    /// it.
    #[inline(never)]
    fn leave_over(&mut self) {
        self.effects |= Effects::SETTLE;
        if self.has_chores() {
            self.chores();
        }
    }

    /// Handles one event of the environment that is on this CPU.
    pub(crate) fn handle(
        &mut self,
        cpu: CpuId,
        slot: Slot,
        event: Event,
        frame: &mut TrapFrame,
    ) -> Next {
        self.tell_entry(cpu, event, frame);
        if self.envs[slot].job.ending {
            self.device(event);
            if self.console.is_crowded() {
                return self.wait_for_console(cpu, slot, frame, None);
            }
            return self.end_marked(cpu, slot);
        }
        match event {
            Event::Syscall | Event::FastSyscall => {
                if self.console.is_crowded() {
                    return self.wait_for_console(cpu, slot, frame, Some(event));
                }
                self.syscall(cpu, slot, event, frame)
            }
            Event::FpuUse if !self.cpus[cpu].fpu => {
                self.lend_fpu(cpu, slot);
                Next::Same
            }
            Event::Exception | Event::PageFault { .. } | Event::FpuUse => {
                if self.console.is_crowded() {
                    return self.wait_for_console(cpu, slot, frame, Some(event));
                }
                self.fault(cpu, slot, event, frame)
            }
            Event::Timer => self.quantum_ended(cpu),
            Event::Wake | Event::ConsoleReady | Event::ConsoleInput { .. } => {
                self.device(event);
                Next::Same
            }
        }
    }

    /// What concerns no environment in particular.
    fn device(&mut self, event: Event) {
        match event {
            Event::ConsoleReady => self.console_ready(),
            Event::ConsoleInput { byte } => self.typed(byte),
            _ => {}
        }
    }

    /// Work that is nobody's in particular and may be put off.
    pub(crate) fn has_chores(&self) -> bool {
        self.console.has_chunk() || self.sched.has_doomed()
    }

    /// Does a bounded piece of such work.
    #[cold]
    fn chores(&mut self) {
        self.reap_doomed();
        if self.console.has_chunk() {
            self.outbox.chunk = self.console.take_chunk();
            self.effects |= Effects::CONSOLE;
        }
    }

    /// Gives a file server back what the way in by `sysenter` takes from the flags,
    /// as the hardware half lets no I/O privilege through there. Call it before a
    /// step, if any program has that privilege.
    pub fn restore_io_privilege(&self, cpu: CpuId, event: Event, frame: &mut TrapFrame) {
        let privileged = self
            .cpus
            .current(cpu)
            .is_some_and(|slot| self.envs[slot].kind == EnvType::FileServer);
        if privileged && event == Event::FastSyscall {
            frame.eflags |= FLAG_IOPL;
        }
    }

    /// After a [`crate::Remote::Stop`]: `cpu` has left user mode for good, with
    /// these registers, and was about to enter the kernel because of `event`.
    /// It holds no page tables but the kernel's.
    pub fn parked(&mut self, cpu: CpuId, frame: &TrapFrame, event: Event) {
        let Some(slot) = self.cpus.current(cpu) else {
            return;
        };
        let mut frame = *frame;
        self.restore_io_privilege(cpu, event, &mut frame);
        self.note_fpu_saved(cpu, slot);
        self.leave_cpu(cpu, slot, &frame);
        self.envs[slot].pending = event.divide().0;
        self.show_status(slot);
        self.watcher.tell(|| Fact::Parked {
            cpu,
            env: self.envs[slot].id,
            eip: frame.eip,
        });
    }

    /// The step's other effects are done: what it freed is free.
    pub fn settle(&mut self) {
        let freed = self.frames.settle();
        self.tell_freed(freed);
        if !self.reaper.is_empty() {
            self.reaper.settle(&mut self.frames);
            self.reap_dead();
        }
        self.quiet = self.is_quiet();
    }

    /// Makes sure that `needed` frames can be taken, at the cost of taking dead
    /// address spaces apart, those of children that died with their parents
    /// included; a bounded number of pieces. If that was not enough, the call may
    /// have to be made again: [`Kernel::may_be_had`].
    pub(crate) fn reserve(&mut self, needed: u32) -> Result<(), Error> {
        if needed == 0 {
            return Ok(());
        }
        for _ in 0..PIECES {
            if self.frames.has(needed) {
                return Ok(());
            }
            if !self.reap_dead() && !self.reap_doomed() {
                break;
            }
        }
        Err(Error::NoMem)
    }

    /// Takes a bounded piece of a dead address space apart, if there is one.
    fn reap_dead(&mut self) -> bool {
        self.reaper
            .work(&mut self.mem, &mut self.frames, &mut self.watcher)
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

    /// For tests: memory that runs out when they want.
    pub fn frames_mut(&mut self) -> &mut Frames<'t> {
        &mut self.frames
    }

    /// The CPUs.
    pub fn cpus(&self) -> &Cpus {
        &self.cpus
    }

    /// The console; the panic path drains it.
    pub fn console(&mut self) -> &mut Console<'t> {
        &mut self.console
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

    /// How many environments wait for a byte from the console.
    pub fn readers(&self) -> u32 {
        self.sched.input.len()
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
