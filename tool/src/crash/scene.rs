//! A death as the simulated machine shows it: the page tables, the stack and the kernel's
//! entries of that moment.
//!
//! The hard thing is to recognise it. Another machine runs the same programs, with other
//! timing: so a death is the same if the same program dies at the same instruction of the
//! same thing. Of a panic that is its line, of an address that the kernel refused, that
//! the call was given it. Whose id that was does not matter.

use std::ops::Range;

use abi::exception::{EXCEPTION_FRAME_SIZE, EXCEPTION_GAP};
use abi::layout::{PGSIZE, PTSIZE, ULIM, USTACKTOP, UXSTACKTOP};
use abi::trap::Vector;
use abi::{Call, EnvId, PageRange, TrapFrame};
use kcore::env::Env;
use kcore::event::Event;
use pc::Pc;
use sim::machine::Mode;

use super::calls::{callers, may_panic, shown, word};
use super::death::{Death, What};
use super::walk::Walk;
use crate::debug::programs::Programs;

/// Where the kernel may want to write the registers of an exception: on the exception
/// stack, or below it if that is full.
const EXCEPTION_STACK: Range<u32> =
    UXSTACKTOP - PGSIZE - EXCEPTION_FRAME_SIZE - EXCEPTION_GAP..UXSTACKTOP;

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
        let Moment {
            env: own, frame, ..
        } = moment;
        let names = programs.names(pc, env);
        let word = |va: u32| word(pc, own, va);
        let lines = names.map_or(Vec::new(), |names| callers(names, &frame, word));
        if !moment.is(death, &lines) {
            return None;
        }
        let fault_va = match moment.event {
            Event::PageFault { va } => Some(va),
            _ => None,
        };
        let va = match death.what {
            What::BadAddress(va) => va,
            _ => fault_va.unwrap_or(0),
        };
        let directory = own.space.pgdir;
        Some(Scene {
            position: pc.position(),
            is_first: false,
            env,
            walk: Walk::of(pc.machine.kernel.memory(), directory, va),
            upcall: own.upcall,
            fault_va,
            call: moment.call().map(|call| call.name().to_owned()),
            code: code(frame.eip, |va| pc.byte(directory, va)),
            stack_bottom: stack_bottom(pc, own),
            callers: shown(lines),
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
    fn call(&self) -> Option<Call> {
        match self.event {
            Event::Syscall | Event::FastSyscall => self.env.personality.call(self.frame.regs.eax),
            _ => None,
        }
    }

    /// Whether it is what the console told of. `lines` are about the functions that led
    /// here.
    fn is(&self, death: &Death, lines: &[String]) -> bool {
        let vector = Vector(self.frame.trapno);
        match &death.what {
            What::Trap(trap) => {
                let same = trap.eip == self.frame.eip && trap.vector == vector;
                match self.event {
                    Event::PageFault { va } => same && trap.cr2 == Some(va),
                    _ => same,
                }
            }
            What::Panic(panic) => vector == Vector::BREAKPOINT && may_panic(lines, panic),
            What::BadAddress(va) => refuses(self.event, self.call(), &self.frame, *va),
        }
    }
}

/// The first bytes of an instruction; 0 for what is not mapped.
fn code(eip: u32, byte: impl Fn(u32) -> Option<u8>) -> [u8; 2] {
    [0, 1].map(|at| byte(eip.wrapping_add(at)).unwrap_or(0))
}

/// Whether the kernel may refuse this address at such an event.
fn refuses(event: Event, call: Option<Call>, frame: &TrapFrame, va: u32) -> bool {
    match (event, call) {
        (Event::PageFault { .. } | Event::Exception, _) => EXCEPTION_STACK.contains(&va),
        (event, Some(call)) => is_given(call, event, frame, va),
        _ => false,
    }
}

/// Whether a call with these registers may come upon this address.
fn is_given(call: Call, event: Event, frame: &TrapFrame, va: u32) -> bool {
    let lies_in = |first: u32, size: u32| va.wrapping_sub(first) < size;
    let arguments = frame.arguments();
    // It lies on the stack, where no register holds it.
    let is_fifth = event == Event::FastSyscall && lies_in(frame.esp, 4);
    is_fifth
        || match call {
            Call::Cputs => lies_in(arguments[0], arguments[1]),
            Call::PageRanges => lies_in(arguments[0], arguments[1].saturating_mul(PageRange::SIZE)),
            // What others are given is no larger than a page.
            _ => arguments.iter().any(|&first| lies_in(first, PGSIZE)),
        }
}

/// The lowest page of the stack, which has all pages from there to its top.
fn stack_bottom(pc: &Pc<'_>, env: &Env) -> Option<u32> {
    let pages = (1..PTSIZE / PGSIZE).map(|page| USTACKTOP - page * PGSIZE);
    let is_mapped = |va: &u32| pc.byte(env.space.pgdir, *va).is_some();
    pages.take_while(is_mapped).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_was_given_to_the_call() {
        let mut frame = TrapFrame::default();
        frame.regs.edx = 0x1000;
        frame.regs.ecx = 0x3000;
        frame.esp = 0xeebf_dff0;
        let given = |call, event, va| is_given(call, event, &frame, va);
        let slow = |call, va| given(call, Event::Syscall, va);
        // Text of three pages, whichever of them is missing.
        for (va, may) in [
            (0x1000, true),
            (0x3000, true),
            (0x3fff, true),
            (0x4000, false),
            (0xfff, false),
            (0, false),
        ] {
            assert_eq!(slow(Call::Cputs, va), may, "{va:#x}");
        }
        assert!(slow(
            Call::PageRanges,
            0x1000 + 0x3000 * PageRange::SIZE - 1
        ));
        assert!(!slow(Call::PageRanges, 0x1000 + 0x3000 * PageRange::SIZE));
        assert!(slow(Call::EnvSetTrapframe, 0x3000));
        assert!(!slow(Call::EnvSetTrapframe, 0x5000));
        // The fifth argument is on the stack, if sysenter was used.
        assert!(given(Call::PageMap, Event::FastSyscall, 0xeebf_dff0));
        assert!(!slow(Call::PageMap, 0xeebf_dff0));
    }

    #[test]
    fn a_fault_is_refused_for_its_exception_stack() {
        let mut frame = TrapFrame::default();
        frame.regs.edx = 0x1000;
        let fault = Event::PageFault { va: 0x1000 };
        let bottom = UXSTACKTOP - PGSIZE;
        for (va, may) in [
            (UXSTACKTOP - 1, true),
            (UXSTACKTOP, false),
            (bottom, true),
            (bottom - 4 - EXCEPTION_FRAME_SIZE, true),
            (bottom - PGSIZE, false),
            // It was given to nobody.
            (0x1000, false),
        ] {
            assert_eq!(refuses(fault, None, &frame, va), may, "{va:#x}");
        }
        assert!(refuses(Event::Syscall, Some(Call::Cgetc), &frame, 0x1000));
        assert!(!refuses(Event::Syscall, None, &frame, 0x1000));
    }

    #[test]
    fn code_may_be_at_the_end_of_all_addresses() {
        let byte = |va: u32| (va == u32::MAX).then_some(7);
        assert_eq!(code(u32::MAX, byte), [7, 0]);
    }
}
