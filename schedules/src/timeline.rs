//! Who did what, in a run that somebody is to understand.
//!
//! A segment is what one CPU did for one environment, until another CPU went on, another
//! environment came, or something was chosen. The hard thing is that nearly all of a run
//! is of no interest: only segments from the first choice on are told one by one.

use crate::failure::Criteria;
use crate::trial::Trials;
use abi::EnvId;
use kcore::CpuId;
use pc::plan::{Choice, Chosen, Plan};
use std::ops::Range;

/// What one CPU did in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The CPU.
    pub cpu: CpuId,
    /// Its environment at the beginning; none if it was idle.
    pub env: Option<EnvId>,
    /// Where the segment begins.
    pub position: u64,
    /// The number of its first decision.
    pub decision: u64,
    /// Where the program was whenever it had met others: the addresses behind the
    /// instructions that did.
    pub places: Vec<u32>,
    /// What was chosen before it, if anything.
    pub chosen: Option<Choice>,
    /// What was printed meanwhile.
    pub printed: String,
    /// Which records of the machine's trace were made meanwhile, if it keeps one.
    pub records: Range<usize>,
    /// It ended in the kernel: the last of those records tell how.
    pub ends_in_kernel: bool,
}

impl Trials<'_> {
    /// Runs with these choices, and tells what happened.
    pub fn tell(&mut self, choices: &[(u64, Choice)], criteria: &Criteria<'_>) -> Vec<Segment> {
        self.begin();
        *self.pc.plan_mut() = Plan::Chosen(Chosen::new(choices));
        let mut segments: Vec<Segment> = Vec::new();
        let mut heard = 0;
        loop {
            let number = self.chosen().decision();
            let chosen = choices.iter().find(|(at, _)| *at == number);
            let before = self.pc.position();
            let recorded = self.pc.machine.trace.len();
            let envs: Vec<Option<EnvId>> = (0..self.cpus()).map(|cpu| self.env(cpu)).collect();
            self.pc.turn(u64::MAX);
            let cpu = self.pc.latest();
            let env = envs[cpu.0 as usize];
            let follows = segments
                .last()
                .is_some_and(|last| last.cpu == cpu && last.env == env && chosen.is_none());
            if !follows {
                segments.push(Segment {
                    cpu,
                    env,
                    position: before,
                    decision: number,
                    places: Vec::new(),
                    chosen: chosen.map(|(_, choice)| *choice),
                    printed: String::new(),
                    records: recorded..recorded,
                    ends_in_kernel: false,
                });
            }
            let output = self.pc.machine.uart.output.len();
            let last = segments.last_mut().expect("there is one");
            if env.is_some() && self.env(cpu.0) == env {
                last.places.push(self.pc.eip(cpu));
            }
            last.records.end = self.pc.machine.trace.len();
            last.ends_in_kernel = last.records.end > recorded;
            let printed = &self.pc.machine.uart.output[heard.min(output)..];
            last.printed.push_str(&String::from_utf8_lossy(printed));
            let is_over = self.look(criteria).is_some();
            heard = self.pc.machine.uart.output.len();
            if is_over {
                return segments;
            }
        }
    }

    fn env(&self, cpu: u8) -> Option<EnvId> {
        self.pc.machine.env_on(CpuId(cpu))
    }
}
