//! The kernel monitor: what a person meets at a breakpoint, or at the end.
//!
//! If the kernel is booted with `grading`, a breakpoint enters the monitor, and
//! the environment goes on when a command leaves it. With `grading` or
//! `end=monitor`, the kernel enters it for good when nothing is left to run. It
//! runs on one CPU with the big lock held and interrupts off, so it polls for
//! input.
//!
//! The hard thing is to harm nothing by looking. Commands get only a shared
//! reference to the kernel's state, and read memory only where it is known to be
//! RAM (`memory.rs`). The one thing that a command changes is the trap flag of
//! the stopped environment. Lines that JOS has too are worded as in JOS, because
//! graders compare them.

#![no_std]
#![forbid(unsafe_code)]

pub mod backtrace;
mod commands;
mod environments;
mod machine;
mod memory;
mod session;

pub use machine::{Image, LINE, Machine};

use abi::TrapFrame;
use abi::layout::kernel_stack_top;
use abi::trap::Vector;
use arrayvec::ArrayVec;
use commands::Command;
use kcore::{CpuId, PhysMem};
use session::{Done, Session, Stopped, Then, say};
use witness::trace::Traced;

/// Most words in a line, the command included.
const MAX_WORDS: usize = 16;

/// The environment on `cpu` is at a breakpoint, or has made a single step,
/// with these registers. Returns when it may go on.
pub fn at_breakpoint<'s, M: PhysMem>(
    machine: &'s mut dyn Machine,
    kernel: &'s Traced<'s, M>,
    cpu: CpuId,
    frame: &'s mut TrapFrame,
) {
    let Some(slot) = kernel.cpus().current(cpu) else {
        return;
    };
    // Where JOS has it, as graders want.
    let on_stack = kernel_stack_top(u32::from(cpu.0)) - size_of::<TrapFrame>() as u32;
    say!(machine, "Incoming TRAP frame at {on_stack:#x}");
    if Vector(frame.trapno) == Vector::BREAKPOINT {
        welcome(machine);
    }
    let _ = machine.write_fmt(format_args!("{}", kernel.dump(cpu, slot, frame, None)));
    let stopped = Some(Stopped { slot, frame });
    Session {
        machine,
        kernel,
        stopped,
    }
    .run();
}

/// Nothing is left to run. Returns if the input ends, and may be called again.
pub fn at_the_end<'s, M: PhysMem>(machine: &'s mut dyn Machine, kernel: &'s Traced<'s, M>) {
    welcome(machine);
    Session {
        machine,
        kernel,
        stopped: None,
    }
    .run();
}

fn welcome(machine: &mut dyn Machine) {
    say!(machine, "Welcome to the JOS kernel monitor!");
    say!(machine, "Type 'help' for a list of commands.");
}

impl<M: PhysMem> Session<'_, M> {
    /// Reads and runs commands until one lets the environment go on, or the
    /// input ends.
    fn run(&mut self) {
        let mut line = [0; LINE];
        while let Some(len) = self.machine.read_line("K> ", &mut line) {
            let line = line.get(..len).unwrap_or(&line);
            match self.execute(core::str::from_utf8(line).unwrap_or_default()) {
                Ok(Then::Prompt) => {}
                Ok(Then::Leave) => return,
                Err(complaint) => say!(self.machine, "{complaint}"),
            }
        }
    }

    fn execute(&mut self, line: &str) -> Done {
        let mut words = ArrayVec::<&str, MAX_WORDS>::new();
        for word in line.split_ascii_whitespace() {
            if words.try_push(word).is_err() {
                say!(self.machine, "Too many arguments (max {MAX_WORDS})");
                return Ok(Then::Prompt);
            }
        }
        let Some((name, arguments)) = words.split_first() else {
            return Ok(Then::Prompt);
        };
        match Command::named(name) {
            Some(command) => (command.run)(self, arguments),
            None => {
                say!(self.machine, "Unknown command '{name}'");
                Ok(Then::Prompt)
            }
        }
    }
}
