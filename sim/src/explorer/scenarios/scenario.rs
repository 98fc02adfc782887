//! One history: its programs, and how a machine gets to its beginning.
//!
//! The hard thing is that every exploration must begin in the same state, to the
//! bit. So calls that succeed lead to that state, and the traces that they leave
//! are wiped out.

use crate::explorer::program::{Op, go_on};
use crate::explorer::state::forget_history;
use crate::machine::call::Answer;
use crate::machine::{Machine, Mode, Spec, Store};
use abi::{Call, EnvStatus, PageRange, Personality};
use kcore::{CpuId, Event};

/// Permissions to read and write.
pub const RW: u32 = 7;
/// The status that starts.
pub const RUN: u32 = EnvStatus::Runnable as u32;
/// Where the first environment runs.
pub const CPU0: CpuId = CpuId(0);

/// A history to explore.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The name, as on the command line.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// The machine.
    pub spec: Spec,
    /// The programs.
    pub text: Vec<Op>,
    /// Pages whose translations CPUs may fetch at any time.
    pub pages: Vec<u32>,
    /// What happens before the exploration begins.
    pub prepare: fn(&mut Stage<'_, '_>),
    /// Whether it is a violation if a CPU merely *remembers* a mapping that was
    /// taken away. If not, a program must use it.
    pub forbid_stale: bool,
    /// Whether it is a violation if an environment is still alive when nothing
    /// can happen any more.
    pub all_end: bool,
}

/// The first environment, on CPU 0, before the exploration begins.
pub struct Stage<'m, 't> {
    machine: &'m mut Machine<'t>,
}

impl Stage<'_, '_> {
    /// Makes a call, which must succeed.
    pub(super) fn call(&mut self, call: Call, arguments: [u32; 5]) -> u32 {
        match self.machine.call(CPU0, call, arguments) {
            Answer::Value(value) => value,
            answer => panic!("{call:?} while preparing: {answer:?}"),
        }
    }

    pub(super) fn page_alloc(&mut self, id: u32, va: u32) {
        self.call(Call::PageAlloc, [id, va, RW, 0, 0]);
    }

    pub(super) fn page_map(&mut self, from: u32, from_va: u32, to: u32, to_va: u32) {
        self.call(Call::PageMap, [from, from_va, to, to_va, RW]);
    }

    pub(super) fn page_unmap(&mut self, id: u32, va: u32) {
        self.call(Call::PageUnmap, [id, va, 0, 0, 0]);
    }

    /// Writes a list of ranges to a page of its own.
    pub(super) fn write_list(&mut self, va: u32, list: &[PageRange]) {
        for (index, word) in (0..).zip(list.iter().flat_map(PageRange::words)) {
            let stored = self.machine.store(CPU0, va + index * 4, word);
            stored.expect("a page to write to");
        }
    }

    /// Makes a child that will start at an index of the text.
    pub(super) fn child(&mut self, start: usize) -> u32 {
        let own = self.machine.cpu(CPU0).frame.eip;
        self.machine.cpu_mut(CPU0).frame.eip = start as u32;
        let id = self.call(Call::Exofork, [0; 5]);
        self.machine.cpu_mut(CPU0).frame.eip = own;
        id
    }

    /// Starts a child, and lets idle CPUs look for work.
    pub(super) fn start(&mut self, id: u32) {
        self.call(Call::EnvSetStatus, [id, RUN, 0, 0, 0]);
        for cpu in self.machine.cpu_ids() {
            if self.machine.cpu(cpu).mode == Mode::Idle {
                self.machine.cpu_mut(cpu).ipi = false;
                self.machine.run_event(cpu, Event::Wake);
            }
        }
    }
}

impl Scenario {
    /// The same scenario without [`Scenario::forbid_stale`].
    #[must_use]
    pub fn allowing_stale(mut self) -> Scenario {
        self.forbid_stale = false;
        self
    }

    /// The same scenario on a machine with so many CPUs, which sleep at first; one that is
    /// about a single CPU as it is.
    #[must_use]
    pub fn with_cpus(mut self, cpus: u8) -> Scenario {
        if self.spec.cpus > 1 {
            self.spec.cpus = cpus;
        }
        self
    }

    /// Calls `f` with a machine in the initial state.
    pub fn with_machine<R>(&self, f: impl FnOnce(&mut Machine<'_>) -> R) -> R {
        let mut store = Store::new(&self.spec);
        let mut machine = Machine::new(&mut store, self.spec);
        machine.usage_bits = false;
        machine.boot(0, Personality::Lab4);
        machine.calm_down();
        (self.prepare)(&mut Stage {
            machine: &mut machine,
        });
        machine.clean_up(CPU0);
        forget_history(&mut machine);
        go_on(&mut machine, &self.text).expect("programs begin with a visible op");
        f(&mut machine)
    }
}
