//! Random programs against the kernel and the model at once.
//!
//! A [`Driver`] turns random words into system calls of several environments on
//! several CPUs, makes each on a simulated machine and on the model, and
//! compares everything that programs can tell, after every call. The hard thing
//! is a good mix: arguments that are mostly sensible, so that something happens,
//! and often enough slightly wrong.
//!
//! | module | what |
//! |---|---|
//! | [`stream`] | random words |
//! | [`choice`] | which call, with which arguments |
//! | [`ranges`] | lists of page ranges |
//! | [`states`] | states of stopped children |
//! | [`calling`] | making it on the machine and on the model |
//! | [`faulting`] | the same for page faults and other exceptions |
//! | [`fpu`] | the same for x87 registers |
//! | [`comparison`] | what programs can tell, compared |
//! | [`snapshot`] | whether anything changed at all |
//! | [`deed`] | what was done, in words |
//! | [`shortest`] | the shortest history that shows a call to be wrong |
//! | [`statistics`] | whether enough happened |

pub mod calling;
pub mod choice;
pub mod comparison;
pub mod deed;
pub mod faulting;
pub mod fpu;
pub mod ranges;
pub mod shortest;
pub mod snapshot;
pub mod states;
pub mod statistics;
pub mod stream;
mod words;

use crate::checks::Violation;
use crate::machine::call::Answer;
use crate::machine::{Machine, Mode, Spec, Store};
use crate::model::{Expected, Life, Model};
use crate::poison::Poison;
use abi::layout::PGSIZE;
use abi::page_info::PAGE_INFO_STRIDE;
use abi::scheduling::Policy;
use abi::trap::Vector;
use abi::{Call, Personality};
use kcore::{CpuId, Event};

pub use deed::{Deed, Kind};
pub use statistics::Statistics;
pub use stream::{Stream, Words};

/// Where programs begin.
const ENTRY: u32 = 0x80_0020;

/// One of the few pages that programs use most.
fn sensible_page(word: u32) -> u32 {
    let spans = [0x40_0000, 0x80_0000, 0xeec0_0000 - 0x40_0000];
    spans[word as usize % 3] + word / 3 % 4 * PGSIZE
}

/// A disagreement between kernel and model, or a broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// A check failed.
    Violation(Violation),
    /// A call did not end as it must.
    Answer {
        /// The call.
        call: Call,
        /// Its arguments.
        arguments: [u32; 5],
        /// What the model says.
        expected: Expected,
        /// What the kernel did.
        answer: Answer,
    },
    /// A call failed, and yet changed something.
    FailureChanged(Call),
    /// Something that a program can see differs.
    State(String),
}

impl From<Violation> for Mismatch {
    fn from(violation: Violation) -> Mismatch {
        Mismatch::Violation(violation)
    }
}

/// A machine, a model of it, and what happened.
pub struct Driver<'t> {
    /// The machine.
    pub machine: Machine<'t>,
    model: Model,
    poison: Poison,
    /// What happened so far.
    pub statistics: Statistics,
    /// What was done last.
    pub latest: Deed,
    /// The calls that are made, each as often as any other; the usual mix if there are none.
    pub mix: Vec<Call>,
    dead: Vec<u32>,
    /// Lines that must be printed, each with the place in the output from which
    /// it is searched for.
    obituaries: Vec<(usize, String)>,
}

/// The machine that a seed selects.
pub fn spec(seed: u32) -> Spec {
    Spec {
        frames: 72 + seed % 8 * 16,
        cpus: 1 + (seed / 8 % 4) as u8,
        ..Spec::default()
    }
}

impl<'t> Driver<'t> {
    /// A machine with a few environments, some of each personality. It keeps a log
    /// if `log` is set.
    pub fn new(store: &'t mut Store, spec: Spec, seed: u32, log: bool) -> Driver<'t> {
        let mut machine = Machine::new(store, spec);
        if log {
            machine.keep_log();
        }
        let usable = spec.usable();
        let page_info_frames = (spec.frames * PAGE_INFO_STRIDE).div_ceil(PGSIZE);
        let mut model = Model::new(machine.kernel.frames().total() as usize, page_info_frames);
        model.policy = spec.policy as u32;
        for i in 0..3 {
            let personality = Personality::ALL[(seed as usize + i) % Personality::ALL.len()];
            let id = machine.boot(ENTRY, personality);
            assert_eq!(id.0 as u32, model.boot(ENTRY, personality));
        }
        machine.calm_down();
        Driver {
            machine,
            model,
            poison: Poison::new(usable),
            statistics: Statistics::default(),
            latest: Deed::default(),
            mix: Vec::new(),
            dead: Vec::new(),
            obituaries: Vec::new(),
        }
    }

    /// Whether nothing can run any more.
    pub fn is_over(&self) -> bool {
        self.machine.end.is_some() || self.running_cpus().is_empty() && !self.alarm_is_near()
    }

    /// Whether somebody will be woken within an hour.
    fn alarm_is_near(&self) -> bool {
        let kernel = &self.machine.kernel;
        let hour = 3_600_000_000_000;
        let near = |slot| kernel.envs()[slot].alarm < self.machine.now + hour;
        kernel.sched().timers.first().is_some_and(near)
    }

    /// A quantum passes, and `cpu`'s timer interrupts.
    fn tick(&mut self, cpu: CpuId) {
        self.machine.tick(cpu);
        self.model.timer_rang(self.machine.now);
    }

    fn running_cpus(&self) -> Vec<CpuId> {
        let cpus = self.machine.cpu_ids();
        cpus.filter(|&cpu| self.machine.cpu(cpu).mode == Mode::User)
            .collect()
    }

    /// Makes one action, then every comparison.
    pub fn act(&mut self, words: Words) -> Result<(), Mismatch> {
        let cpus = self.running_cpus();
        let Some(&cpu) = cpus.get(words[0] as usize / 64 % cpus.len().max(1)) else {
            if self.is_over() {
                return Ok(());
            }
            self.machine.wait_for_alarm();
            self.model.timer_rang(self.machine.now);
            return self.compare();
        };
        self.prefetch(words[6]);
        self.latest = Deed {
            env: self.env_on(cpu),
            cpu,
            kind: match words[0] % 32 {
                0 => Kind::Timer,
                1 => Kind::Interrupt,
                2..=4 => Kind::Touched(sensible_page(words[1])),
                5 | 6 => Kind::UsedFpu,
                7 => Kind::Raised,
                _ => Kind::Waited,
            },
        };
        match words[0] % 32 {
            0 => self.tick(cpu),
            1 => self.interrupt(cpu, words[1]),
            2..=4 => self.touch(cpu, words)?,
            5 | 6 => self.use_fpu(cpu, words)?,
            7 => self.raise(cpu, words)?,
            _ => self.make_call(cpu, words)?,
        }
        // Programs act between the pieces of a long call, if there are any.
        if !(words[0] / 32).is_multiple_of(4) || self.running_cpus().is_empty() {
            self.machine.calm_down();
        }
        self.compare()
    }

    /// Lets CPUs fetch translations that no program asked for.
    fn prefetch(&mut self, word: u32) {
        for cpu in self.running_cpus() {
            let page = self.mapped_page(self.env_on(cpu), 0, word >> cpu.0);
            self.machine.fill(cpu, page);
        }
    }

    /// Makes an interrupt happen on `cpu`.
    fn interrupt(&mut self, cpu: CpuId, word: u32) {
        let byte = (word >> 8) as u8;
        match word % 8 {
            0..=2 => {
                self.model.type_in(byte);
                self.machine.run_event(cpu, Event::ConsoleInput { byte });
            }
            _ => self.machine.run_event(cpu, Event::Wake),
        }
    }

    /// The program on `cpu` raises an exception that is no page fault.
    fn raise(&mut self, cpu: CpuId, words: Words) -> Result<(), Mismatch> {
        let vectors = [0, 1, 3, 4, 5, 6, 10, 11, 12, 13, 16, 17, 19];
        let vector = vectors[words[1] as usize % vectors.len()];
        self.exception(cpu, Vector(vector), words)
    }

    /// Whether hardly any environment is left to run.
    fn is_alone(&self) -> bool {
        let runs = |env: &&crate::model::Env| env.life == Life::Runs;
        self.model.envs.values().filter(runs).count() <= 2
    }

    /// A program uses memory, and must find what the model says is there.
    fn touch(&mut self, cpu: CpuId, words: Words) -> Result<(), Mismatch> {
        let id = self.env_on(cpu);
        let va = sensible_page(words[1]);
        let write = words[2] & 1 == 1;
        let page = self.model.envs[&id].pages.get(&va);
        let allowed = page.is_some_and(|page| page.perm & 2 != 0 || !write);
        if !allowed {
            return self.fault(cpu, va + words[4] % PGSIZE, write, words);
        }
        let done = if write {
            let at = va + words[4] % 4 * 4;
            let text = words[3] | 0x2020_2020;
            self.machine.store(cpu, at, text).is_some()
        } else {
            self.machine.load(cpu, va + 8).is_some()
        };
        if done {
            Ok(())
        } else {
            Err(Mismatch::State(format!("{id:08x} cannot use {va:#x}")))
        }
    }

    /// The program on `cpu` changes some of its registers.
    fn work(&mut self, cpu: CpuId, word: u32) {
        let frame = &mut self.machine.cpu_mut(cpu).frame;
        frame.regs.ebp = word;
        frame.regs.oesp = word.rotate_left(8);
        frame.eip = ENTRY + word % PGSIZE;
    }

    fn env_on(&self, cpu: CpuId) -> u32 {
        self.machine.env_on(cpu).map_or(0, |id| id.0 as u32)
    }
}

/// Makes `calls` random calls from one seed under `policy`, in as many runs as that takes.
pub fn run(seed: u64, calls: u64, policy: Policy) -> Result<Statistics, (u64, Mismatch)> {
    let mut stream = Stream::new(seed);
    let mut all = Statistics::default();
    while all.calls < calls {
        let kind = stream.word();
        let spec = Spec {
            policy,
            ..spec(kind)
        };
        let mut store = Store::new(&spec);
        let mut driver = Driver::new(&mut store, spec, kind, false);
        for _ in 0..2000 {
            if driver.is_over() {
                break;
            }
            driver
                .act(stream.words())
                .map_err(|mismatch| (all.calls + driver.statistics.calls, mismatch))?;
        }
        all.add(&driver.statistics);
    }
    Ok(all)
}
