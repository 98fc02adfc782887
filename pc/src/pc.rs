//! The machine, and its way through time.
//!
//! A run is a line of positions. Each instruction is one, and so is each thing that a
//! CPU does on its way through the kernel: an interrupt, a step, an answer to another
//! CPU. [`Pc::advance`] goes on by as many as it is told to, and where it stops makes
//! no difference to what comes next; so a debugger may stand anywhere.
//!
//! The hard thing is that a CPU on its way through the kernel must wait for others, as
//! a real one does, and yet nothing here may wait: a turn (`turn.rs`) does one thing
//! and returns.

use crate::care::Care;
use crate::context::{Cpu, Kept};
use crate::ide::Ide;
use crate::noted::Noted;
use crate::plan::{Fair, Hostile, Move, Own, Plan, View};
use crate::stores::Stores;
use crate::turn::Turn;
use crate::typing::Typing;
use kcore::CpuId;
use ring3::Cache;
use sim::machine::{Machine, Mode};
use std::collections::VecDeque;

/// What decides a run, beside its programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Where its random numbers begin.
    pub seed: u64,
    /// How CPUs and interrupts behave.
    pub pace: Pace,
    /// Whether stores of a CPU become visible to others late, as x86-TSO allows.
    pub store_buffers: bool,
}

/// How CPUs and interrupts behave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As on a calm PC: all at about the same pace.
    #[default]
    Fair,
    /// One far ahead of the others, interrupts where they hurt.
    Hostile,
}

impl Config {
    /// Who moves next.
    pub fn plan(&self) -> Plan {
        match self.pace {
            Pace::Fair => Plan::Fair(Fair::new(self.seed, self.store_buffers)),
            Pace::Hostile => Plan::Hostile(Hostile::new(self.seed)),
        }
    }
}

/// A machine that runs programs.
pub struct Pc<'t> {
    /// The kernel, memory, and the CPUs as the kernel sees them.
    pub machine: Machine<'t>,
    /// The disk, if one is attached.
    pub disk: Option<Ide>,
    pub(crate) cpus: Vec<Cpu>,
    pub(crate) cache: Cache,
    pub(crate) kept: Kept,
    /// The time stamp counter, as it was last read.
    pub(crate) stamp: u64,
    pub(crate) care: Care,
    pub(crate) plan: Plan,
    pub(crate) turn: Option<Turn>,
    /// What somebody chose in the plan's place, for the next decision.
    pub(crate) chosen: Option<Move>,
    /// Time that has not made a nanosecond yet, in parts of one: as many as there are
    /// CPUs.
    pub(crate) rest: u64,
    pub(crate) input: VecDeque<u8>,
    /// Which memory was used, if somebody wants to know.
    pub(crate) noted: Option<Vec<Noted>>,
    /// What will be typed by itself.
    typing: Typing,
    /// When the console will have taken what it was given.
    pub(crate) console_due: Option<u64>,
    pub(crate) position: u64,
    pub(crate) executed: u64,
    /// The CPU that went on last.
    pub(crate) latest: CpuId,
    /// The last position was an instruction.
    pub(crate) moved: bool,
    /// Since the last look at the plan, something was done in the kernel or to a CPU.
    pub(crate) crossed: bool,
}

impl<'t> Pc<'t> {
    /// A PC around a machine that was just made; its programs may be booted before
    /// or after.
    pub fn new(machine: Machine<'t>, config: Config) -> Pc<'t> {
        Pc::with_plan(machine, config.plan(), config.store_buffers)
    }

    /// As [`Pc::new`], with a plan.
    pub fn with_plan(mut machine: Machine<'t>, plan: Plan, store_buffers: bool) -> Pc<'t> {
        let cpus = machine.cpus.len();
        machine.uart.instant = plan.is_narrow();
        Pc {
            cpus: vec![Cpu::new(); cpus],
            machine,
            disk: None,
            cache: Cache::default(),
            kept: Kept::default(),
            stamp: 0,
            care: Care::new(cpus, store_buffers, plan.is_narrow()),
            plan,
            turn: None,
            chosen: None,
            rest: 0,
            input: VecDeque::new(),
            noted: None,
            typing: Typing::default(),
            console_due: None,
            position: 0,
            executed: 0,
            latest: CpuId(0),
            moved: false,
            crossed: false,
        }
    }

    /// Whether the run is over.
    pub fn has_ended(&self) -> bool {
        self.machine.end.is_some()
    }

    /// How many instructions all programs together have executed.
    pub fn executed(&self) -> u64 {
        self.executed
    }

    /// How far the run has come: instructions, and things done on the way through the
    /// kernel.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The CPU that made the last position.
    pub fn latest(&self) -> CpuId {
        self.latest
    }

    /// Whether the last position was an instruction, be it one that called the kernel or
    /// faulted; not an interrupt, nor anything in the kernel.
    pub fn moved(&self) -> bool {
        self.moved
    }

    /// Who decides what comes next.
    pub fn plan_mut(&mut self) -> &mut Plan {
        &mut self.plan
    }

    /// Ends the turn that is under way; what comes next is this, and then what the
    /// plan says. A history does not know of it: who goes back to before this position
    /// has to choose again.
    pub fn choose(&mut self, next: Move) {
        self.turn = None;
        self.chosen = Some(next);
    }

    /// What `cpu` has stored and others do not see yet.
    pub fn stores(&self, cpu: CpuId) -> &Stores {
        &self.care.stores[cpu.0 as usize]
    }

    /// Types something on the console.
    pub fn type_in(&mut self, bytes: &[u8]) {
        if let Some(log) = &mut self.machine.log {
            log.typed(self.position, bytes);
        }
        self.input.extend(bytes);
    }

    /// Types this by itself, at its positions, whenever they are reached. The run must
    /// not have begun.
    pub fn repeat_typing(&mut self, typing: Typing) {
        for bytes in typing.at_once() {
            self.type_in(&bytes);
        }
        self.typing = typing;
    }

    /// Notes from now on which memory programs use, and the kernel for them; or no
    /// longer.
    pub fn note_accesses(&mut self, wanted: bool) {
        self.noted = wanted.then(Vec::new);
        self.machine.readings = wanted.then(Vec::new);
    }

    /// What was noted since the last time. Whatever the kernel writes is not in it, but
    /// what it reads for a program is.
    pub fn take_accesses(&mut self) -> Vec<Noted> {
        let mut all = self.noted.as_mut().map(std::mem::take).unwrap_or_default();
        let readings = self.machine.readings.as_mut();
        let readings = readings.map(std::mem::take).unwrap_or_default();
        all.extend(readings.into_iter().map(|(pa, len)| Noted {
            pa,
            len,
            write: false,
        }));
        all
    }

    /// What was printed since the last time.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.machine.uart.output)
    }

    /// Whether nothing moves any more: all CPUs wait for an interrupt, and none will
    /// come before somebody types.
    pub fn is_asleep(&self) -> bool {
        let quiet = self.input.is_empty() && !self.machine.uart.busy && self.all_idle();
        quiet && self.next_alarm().is_none()
    }

    /// When the first timer of the CPUs rings, if all idle.
    pub(crate) fn next_alarm(&self) -> Option<u64> {
        self.machine.cpus.iter().filter_map(|cpu| cpu.due).min()
    }

    /// Whether a CPU has something to do.
    pub fn can_move(&self, cpu: CpuId) -> bool {
        self.view().can_move(cpu)
    }

    /// What comes next if nobody chooses, where somebody could ([`Plan::Chosen`]).
    pub fn own_move(&self) -> Option<Own> {
        self.plan.own(&self.view())
    }

    /// Whether stores of a CPU are on their way to memory.
    pub fn has_stores(&self, cpu: CpuId) -> bool {
        !self.care.stores[cpu.0 as usize].is_empty()
    }

    /// Goes on by `most` positions, or until the run is over or asleep. Returns how
    /// many there were.
    pub fn advance(&mut self, most: u64) -> u64 {
        let start = self.position;
        while self.position - start < most && !self.has_ended() && !self.is_asleep() {
            self.go_on_and_type(most - (self.position - start));
        }
        self.position - start
    }

    /// Goes on until the plan has to decide again, for at most `most` positions.
    pub fn turn(&mut self, most: u64) {
        let start = self.position;
        loop {
            let left = most.saturating_sub(self.position - start);
            if left == 0 || self.has_ended() || self.is_asleep() {
                return;
            }
            self.go_on_and_type(left);
            if self.turn.is_none() {
                return;
            }
        }
    }

    /// As [`Pc::go_on`], but no further than to where something is typed by itself.
    fn go_on_and_type(&mut self, most: u64) {
        let before = self.position;
        self.go_on(most.min(self.typing.room(before)));
        for bytes in self.typing.between(before, self.position) {
            self.type_in(&bytes);
        }
    }

    pub(crate) fn view(&self) -> View<'_, 't> {
        View {
            machine: &self.machine,
            stores: &self.care.stores,
        }
    }

    /// Whether all CPUs wait for an interrupt, and none is on its way from another.
    pub(crate) fn all_idle(&self) -> bool {
        let mut cpus = self.machine.cpus.iter();
        cpus.all(|cpu| cpu.mode == Mode::Idle && !cpu.ipi)
    }
}
