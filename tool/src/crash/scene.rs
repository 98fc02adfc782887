//! A death as the simulated machine shows it: the page tables, the stack and the kernel's
//! entries of that moment.
//!
//! The hard thing is to recognise it. Another machine runs the same programs, with other
//! timing: so a death is the same if the same program dies at the same instruction of the
//! same thing. Whose id that was does not matter.

use abi::layout::{PGSIZE, PTSIZE, ULIM, USTACKTOP};
use abi::trap::Vector;
use abi::{EnvId, TrapFrame};
use kcore::env::Env;
use kcore::event::Event;
use monitor::backtrace::Calls;
use pc::Pc;
use sim::machine::Mode;

use super::death::{Death, What};
use super::walk::Walk;
use crate::debug::programs::Programs;
use crate::symbols::Names;

/// The most callers that are named.
const CALLERS: usize = 8;

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// Where in the run, the program still being there.
    pub position: u64,
    /// Whether nobody was ended before.
    pub is_first: bool,
    /// Who is about to be ended.
    pub env: EnvId,
    /// The entries for the address that it is about; for 0, if it is about none.
    pub walk: Walk,
    /// Its page-fault handler, 0 if it has none.
    pub upcall: u32,
    /// Of a page fault, the address.
    pub fault_va: Option<u32>,
    /// Of a system call, its name.
    pub call: Option<String>,
    /// The instruction's first bytes.
    pub code: [u8; 2],
    /// The lowest page of its stack.
    pub stack_bottom: Option<u32>,
    /// Where it was, innermost first.
    pub callers: Vec<String>,
}

/// Who is about to be ended, and why.
struct Moment<'e> {
    env: &'e Env,
    event: Event,
    frame: TrapFrame,
}

impl Scene {
    /// Whether it is about an address of which the page tables tell something. In the
    /// kernel's half this machine has other ones.
    pub fn is_about_memory(&self) -> bool {
        (self.fault_va.is_some() || self.walk.va != 0) && self.walk.va < ULIM
    }

    /// The scene of this death, if that is what `env` is about to die of.
    pub fn of(pc: &Pc<'_>, programs: &Programs, env: EnvId, death: &Death) -> Option<Scene> {
        let moment = Moment::of(pc, env)?;
        let call = moment.call();
        let fault_va = match moment.event {
            Event::PageFault { va } => Some(va),
            _ => None,
        };
        let va = match death.what {
            What::BadAddress(va) => va,
            _ => fault_va.unwrap_or(0),
        };
        if !moment.is(death) {
            return None;
        }
        let Moment {
            env: own, frame, ..
        } = moment;
        let directory = own.space.pgdir;
        let word = |va: u32| word(pc, own, va);
        let names = programs.names(pc, env);
        Some(Scene {
            position: pc.position(),
            is_first: false,
            env,
            walk: Walk::of(pc.machine.kernel.memory(), directory, va),
            upcall: own.upcall,
            fault_va,
            call,
            code: [0, 1].map(|at| pc.byte(directory, frame.eip + at).unwrap_or(0)),
            stack_bottom: stack_bottom(pc, own),
            callers: names.map_or(Vec::new(), |names| callers(names, &frame, word)),
        })
    }
}

impl<'e> Moment<'e> {
    fn of(pc: &'e Pc<'_>, env: EnvId) -> Option<Moment<'e>> {
        let envs = pc.machine.kernel.envs();
        let env = &envs[envs.find(env)?];
        let own = env.on_cpu.map(|cpu| pc.machine.cpu(cpu));
        let (event, frame) = match own.map(|own| (own.mode, own.frame)) {
            Some((Mode::Waiting(event), frame)) => (event, frame),
            _ => (env.pending?, env.frame),
        };
        Some(Moment { env, event, frame })
    }

    /// The system call that it makes.
    fn call(&self) -> Option<String> {
        match self.event {
            Event::Syscall | Event::FastSyscall => {
                let call = self.env.personality.call(self.frame.regs.eax)?;
                Some(call.name().to_owned())
            }
            _ => None,
        }
    }

    /// Whether it is what the console told of.
    fn is(&self, death: &Death) -> bool {
        let vector = Vector(self.frame.trapno);
        match &death.what {
            What::Trap(trap) => {
                let same = trap.eip == self.frame.eip && trap.vector == vector;
                match self.event {
                    Event::PageFault { va } => same && trap.cr2 == Some(va),
                    _ => same,
                }
            }
            What::Panic(_) => vector == Vector::BREAKPOINT,
            What::BadAddress(_) => !matches!(self.event, Event::Exception),
        }
    }
}

fn word(pc: &Pc<'_>, env: &Env, va: u32) -> Option<u32> {
    let mut bytes = [0; 4];
    for (offset, byte) in (0..).zip(&mut bytes) {
        *byte = pc.byte(env.space.pgdir, va.checked_add(offset)?)?;
    }
    Some(u32::from_le_bytes(bytes))
}

/// The lowest page of the stack, which has all pages from there to its top.
fn stack_bottom(pc: &Pc<'_>, env: &Env) -> Option<u32> {
    let pages = (1..PTSIZE / PGSIZE).map(|page| USTACKTOP - page * PGSIZE);
    let is_mapped = |va: &u32| pc.byte(env.space.pgdir, *va).is_some();
    pages.take_while(is_mapped).last()
}

/// The functions that led to these registers, by frame pointers, innermost first.
pub fn callers(names: &Names, frame: &TrapFrame, word: impl Fn(u32) -> Option<u32>) -> Vec<String> {
    let mut lines = names.at(frame.eip);
    if lines.is_empty() {
        // A call into nowhere has left on the stack where it came from.
        let from = word(frame.esp).and_then(|from| from.checked_sub(1));
        lines = from.map_or(Vec::new(), |from| names.at(from));
    }
    let mut calls = Calls::from(frame_pointer(frame, &word));
    while let Some(call) = calls.next(&word) {
        // The call is before the place where it returns to.
        let found = call.returns_to().checked_sub(1).map(|at| names.at(at));
        match found {
            Some(found) if !found.is_empty() => lines.extend(found),
            _ => break,
        }
    }
    lines = counted(lines);
    lines.truncate(CALLERS);
    lines
}

/// The same line several times in a row, as a recursion has it, is told once.
fn counted(lines: Vec<String>) -> Vec<String> {
    let runs = lines.chunk_by(|a, b| a == b);
    let told = runs.map(|run| match run {
        [line] => line.clone(),
        [line, ..] => format!("{line} ({} times or more)", run.len()),
        [] => String::new(),
    });
    told.collect()
}

/// The frame pointer. In a call by `sysenter` the register holds the stack pointer, and
/// what it held before is popped where the call returns to.
fn frame_pointer(frame: &TrapFrame, word: impl Fn(u32) -> Option<u32>) -> u32 {
    /// `pop ebp`; `add esp, 4` may stand before it.
    const POP_EBP: u32 = 0x5d;
    const ADD_ESP_4: u32 = 0x04_c483;
    let is_sysenter = frame.trapno == Vector::SYSCALL.0 && frame.regs.ebp == frame.esp;
    let code = word(frame.eip).filter(|_| is_sysenter);
    let saved = match code {
        Some(code) if code & 0xff == POP_EBP => word(frame.esp),
        Some(code) if code & 0xff_ffff == ADD_ESP_4 => word(frame.esp.wrapping_add(4)),
        _ => None,
    };
    saved.unwrap_or(frame.regs.ebp)
}
