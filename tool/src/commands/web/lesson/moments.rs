//! What the two sides do, one thing after the other, from where both are about to begin.
//!
//! The hard thing is a look: reading a word changes nothing that one could see. So each
//! instruction is asked before it is executed whether it uses the words of both sides.

use abi::EnvId;
use abi::layout::PGSIZE;
use kcore::CpuId;
use page::code::operand;
use pc::Pc;
use pc::plan::{Choice, Plan};
use witness::trace::{Cause, Content, Kind, Record};

use super::code::{Code, Mark};

/// Where the words are that both sides use, `ready` and `sleepy`: at the beginning of what
/// the library shares first.
pub const WORDS: u32 = 0xb000_0000;
/// The environment of the beginning, which sleeps.
const SLEEPER: EnvId = EnvId(0x1000);
/// A run that takes longer has no end.
const LONGEST: u64 = 200_000;

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The parent.
    Sleeper,
    /// Its child.
    Waker,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Nothing yet: both are about to begin.
    Begin,
    /// A line that matters was executed.
    Line(Mark),
    /// A call of the kernel, by its name; whether a message was delivered.
    Call(String, bool),
    /// The timer rang.
    Timer,
    /// Anything else.
    Other,
    /// The run is over.
    End,
}

/// A position at which something was done.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The position after it.
    pub at: u64,
    /// By which CPU.
    pub cpu: CpuId,
    /// By whom; nobody, if the CPU was idle.
    pub side: Option<Side>,
    /// What.
    pub deed: Deed,
    /// What the schedule had chosen there, and the number of the decision.
    pub chosen: Option<(u64, Choice)>,
    /// The words `ready` and `sleepy` after it.
    pub words: [u32; 2],
    /// Whether the sleeper is asleep after it.
    pub asleep: bool,
    /// Whether each of the two still lives.
    pub alive: [bool; 2],
}

impl Moment {
    /// What the line does that this is about, if it is one of those that matter.
    pub fn mark(&self) -> Option<Mark> {
        match (&self.deed, self.side?) {
            (Deed::Line(mark), _) => Some(*mark),
            (Deed::Call(name, _), Side::Sleeper) => (name == "ipc_recv").then_some(Mark::Sleeps),
            (Deed::Call(name, _), Side::Waker) => match &**name {
                "ipc_try_send" => Some(Mark::Wakes),
                "yield" => Some(Mark::Yields),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Runs to the end, and returns what was done from the first line that matters on, with
/// one moment before. None, if there is no such line. `choices` are those of the plan.
pub fn of(pc: &mut Pc<'_>, code: &Code, choices: &[(u64, Choice)]) -> Option<Vec<Moment>> {
    let mut moments: Vec<Moment> = Vec::new();
    while !pc.has_ended() && !pc.is_asleep() && pc.position() < LONGEST {
        let before = moments.is_empty().then(|| moment(pc, None, Deed::Begin));
        let number = decision(pc);
        let next = next(pc, code);
        let chosen = choices
            .iter()
            .find(|(at, _)| (number..decision(pc)).contains(at))
            .copied();
        let begins = matches!(next.deed, Deed::Line(_));
        moments.extend(before.filter(|_| begins));
        if !moments.is_empty() && (chosen.is_some() || next.deed != Deed::Other) {
            moments.push(Moment { chosen, ..next });
        }
    }
    let last = moments.last()?.at;
    moments.extend((pc.position() > last).then(|| moment(pc, None, Deed::End)));
    Some(moments)
}

/// The number of the next decision, if there are any.
fn decision(pc: &mut Pc<'_>) -> u64 {
    match pc.plan_mut() {
        Plan::Chosen(plan) => plan.decision(),
        Plan::Fair(_) | Plan::Hostile(_) => 0,
    }
}

/// Goes on by one position.
fn next(pc: &mut Pc<'_>, code: &Code) -> Moment {
    // Whose turn it is, the plan decides; so all are asked.
    let cpus: Vec<CpuId> = pc.machine.cpu_ids().collect();
    let marks: Vec<Option<Mark>> = cpus.iter().map(|&cpu| mark(pc, code, cpu)).collect();
    pc.advance(1);
    let cpu = pc.latest();
    let trace = pc.machine.trace.drain(..);
    let records: Vec<Record> = trace.filter_map(Record::from_words).collect();
    let entered = |record: &&Record| record.content.kind() == Kind::Entered;
    let Some(entry) = records.iter().find(entered) else {
        let mark = marks[cpu.0 as usize].filter(|_| pc.moved());
        let deed = mark.map_or(Deed::Other, Deed::Line);
        return moment(pc, pc.machine.env_on(cpu).and_then(side), deed);
    };
    let is_delivered = |record: &Record| matches!(record.content, Content::Delivered { .. });
    let deed = match entry.cause {
        cause @ Cause::Call { .. } => {
            Deed::Call(cause.to_string(), records.iter().any(is_delivered))
        }
        Cause::Timer => Deed::Timer,
        _ => Deed::Other,
    };
    moment(pc, side(entry.env), deed)
}

/// What the next instruction of a CPU does with the words of both sides.
fn mark(pc: &Pc<'_>, code: &Code, cpu: CpuId) -> Option<Mark> {
    if !pc.is_in_ring3(cpu) {
        return None;
    }
    let address = operand(pc, cpu)?;
    (address & !(PGSIZE - 1) == WORDS).then(|| code.mark(pc.eip(cpu)))?
}

fn side(env: EnvId) -> Option<Side> {
    match env {
        EnvId::NONE => None,
        SLEEPER => Some(Side::Sleeper),
        _ => Some(Side::Waker),
    }
}

/// The machine as it stands.
fn moment(pc: &Pc<'_>, side: Option<Side>, deed: Deed) -> Moment {
    let envs = pc.machine.kernel.envs();
    let living = || envs.used().map(|slot| &envs[slot]).filter(|env| env.alive);
    let sleeper = living().find(|env| env.id == SLEEPER);
    let directory = living().next().map(|env| env.space.pgdir);
    let word = |index: u32| {
        let bytes = [0, 1, 2, 3].map(|byte| {
            let va = WORDS + index * 4 + byte;
            directory.and_then(|at| pc.byte(at, va)).unwrap_or(0)
        });
        u32::from_le_bytes(bytes)
    };
    let cpu = pc.latest();
    Moment {
        at: pc.position(),
        cpu,
        side,
        deed,
        chosen: None,
        words: [word(0), word(1)],
        asleep: sleeper.is_some_and(|env| env.awaits_message()),
        alive: [sleeper.is_some(), living().any(|env| env.parent == SLEEPER)],
    }
}
