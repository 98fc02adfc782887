//! Small histories worth walking whole.
//!
//! Each begins where it gets interesting: environments made, pages shared, the
//! child running on the other CPU. The hard thing is to choose programs whose
//! calls meet: one takes away what another uses, stops or ends one that is just
//! calling, sends to one that is about to wait.

pub mod lives;
pub mod messages;
pub mod pages;
pub mod parts;
pub mod senders;

use super::program::{Op, go_on};
use super::state::forget_history;
use crate::machine::call::Answer;
use crate::machine::{Machine, Mode, Spec, Store};
use abi::{Call, Personality};
use kcore::Event;
use parts::{CPU0, RUN, RW};

/// A history to explore.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
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
    /// Whether it is enough of a violation that a CPU *remembers* what was
    /// taken away, or a program has to use it.
    pub forbid_stale: bool,
    /// Whether it is a violation that somebody is left when nothing can happen
    /// any more.
    pub all_end: bool,
}

/// The first environment, on CPU 0, before the exploration begins.
pub struct Stage<'m, 't> {
    machine: &'m mut Machine<'t>,
}

impl Stage<'_, '_> {
    /// It makes a call, which succeeds.
    fn call(&mut self, call: Call, arguments: [u32; 5]) -> u32 {
        match self.machine.call(CPU0, call, arguments) {
            Answer::Value(value) => value,
            answer => panic!("{call:?} while preparing: {answer:?}"),
        }
    }

    fn page_alloc(&mut self, id: u32, va: u32) {
        self.call(Call::PageAlloc, [id, va, RW, 0, 0]);
    }

    fn page_map(&mut self, from: u32, from_va: u32, to: u32, to_va: u32) {
        self.call(Call::PageMap, [from, from_va, to, to_va, RW]);
    }

    fn page_unmap(&mut self, id: u32, va: u32) {
        self.call(Call::PageUnmap, [id, va, 0, 0, 0]);
    }

    /// It makes a child that will start at an index of the text.
    fn child(&mut self, start: usize) -> u32 {
        let own = self.machine.cpu(CPU0).frame.eip;
        self.machine.cpu_mut(CPU0).frame.eip = start as u32;
        let id = self.call(Call::Exofork, [0; 5]);
        self.machine.cpu_mut(CPU0).frame.eip = own;
        id
    }

    /// It starts a child, and whoever idles looks for work.
    fn start(&mut self, id: u32) {
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
    /// The same, but what is taken away and remembered is not enough of a
    /// violation: a program has to use it.
    #[must_use]
    pub fn allowing_stale(mut self) -> Scenario {
        self.forbid_stale = false;
        self
    }

    /// The same on a machine with more CPUs, which sleep at first.
    #[must_use]
    pub fn with_cpus(mut self, cpus: u8) -> Scenario {
        self.spec.cpus = cpus;
        self
    }

    /// Gives `f` a machine in the initial state.
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

    /// The scenario with this name.
    pub fn named(name: &str) -> Option<Scenario> {
        all().into_iter().find(|scenario| scenario.name == name)
    }
}

/// Every scenario.
pub fn all() -> Vec<Scenario> {
    vec![
        pages::unmap_in_use(),
        pages::remap_in_use(),
        pages::alloc_over_in_use(),
        pages::write_protect(),
        lives::destroy_and_reuse(),
        lives::stop_and_start(),
        lives::stop_caller(),
        lives::fork_and_start(),
        messages::send_page(),
        messages::cancel_receive(),
        lives::family_feud(),
        lives::three_in_turn(),
        lives::orphans(),
        senders::send_to_the_dying(),
        senders::two_senders(),
        senders::cancel_send(),
        lives::end_of_a_job(),
        lives::registers(),
        messages::read_console(),
        pages::shrink_heap(),
    ]
}
