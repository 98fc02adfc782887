//! The programs that environments run while they are explored.
//!
//! A scenario has one text, a list of [`Op`]s. An environment's `eip` is an index
//! into the text, and `ebp` holds its one variable. So a program's whole state is
//! in registers that the kernel saves, copies and restores, and a kernel that
//! mixes them up is caught.
//!
//! The hard thing is to keep the number of states small. What a program does
//! between two visible ops (branch, look at a result) affects no other program, so
//! it happens at once. Registers that it will not read again are cleared, or they
//! would make equal states look different.

use crate::checks::{Verdict, Violation};
use crate::machine::call::set_call;
use crate::machine::{Machine, Mode};
use abi::{Call, Personality};
use kcore::CpuId;

/// The byte that is typed whenever a program waits for one.
pub const TYPED: u8 = b'x';

/// An argument of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A constant.
    Is(u32),
    /// The value that [`Op::Keep`] kept.
    Kept,
}

/// One operation of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    // --- Visible: each is a transition.
    /// Reads the word at an address.
    Load(u32),
    /// Writes to the word at an address.
    Store(u32),
    /// Replaces the content of the x87 registers.
    Fpu {
        /// The value that must be there.
        want: u32,
        /// The value to put there.
        leave: u32,
    },
    /// A system call.
    Call(Call, [Value; 5]),
    /// Loops for ever; only interrupts are visible.
    Spin,

    // --- About the result of the last call; done at once.
    /// The result must be this.
    Want(u32),
    /// If the result is 0, goes on at an index.
    IfZero(usize),
    /// Unless the result is 0, goes on at an index.
    UnlessZero(usize),
    /// Keeps the result, for [`Value::Kept`].
    Keep,
    /// Goes on at an index.
    Goto(usize),
}

/// The address that a load or store uses, and whether it writes.
pub const fn access(op: Op) -> Option<(u32, bool)> {
    match op {
        Op::Load(va) => Some((va, false)),
        Op::Store(va) => Some((va, true)),
        _ => None,
    }
}

/// The op that the environment on `cpu` is at.
pub fn current(machine: &Machine<'_>, cpu: CpuId, text: &[Op]) -> Op {
    let index = machine.cpu(cpu).frame.eip as usize;
    text.get(index).copied().unwrap_or(Op::Spin)
}

/// Loads the registers of the environment on `cpu` for its next call, and moves
/// it on to the op after that.
pub fn begin_call(machine: &mut Machine<'_>, cpu: CpuId, call: Call, arguments: [Value; 5]) {
    let frame = &mut machine.cpu_mut(cpu).frame;
    let kept = frame.regs.ebp;
    let arguments = arguments.map(|argument| match argument {
        Value::Is(value) => value,
        Value::Kept => kept,
    });
    let number = Personality::Lab4.number(call).expect("a call of lab 4");
    set_call(frame, number, arguments);
    frame.eip += 1;
}

/// Moves every running program on to its next visible op.
pub fn go_on(machine: &mut Machine<'_>, text: &[Op]) -> Verdict {
    for cpu in machine.cpu_ids() {
        if machine.cpu(cpu).mode == Mode::User {
            go_on_one(machine, cpu, text)?;
        }
    }
    Ok(())
}

fn go_on_one(machine: &mut Machine<'_>, cpu: CpuId, text: &[Op]) -> Verdict {
    loop {
        let op = current(machine, cpu, text);
        let frame = &mut machine.cpu_mut(cpu).frame;
        let result = frame.regs.eax;
        let next = frame.eip as usize + 1;
        let next = match op {
            Op::Load(_) | Op::Store(_) | Op::Fpu { .. } | Op::Call(..) | Op::Spin => {
                set_call(frame, 0, [0; 5]);
                frame.trapno = 0;
                return Ok(());
            }
            Op::Want(value) if value != result => {
                return Err(Violation::Result { cpu, value: result });
            }
            Op::IfZero(index) if result == 0 => index,
            Op::UnlessZero(index) if result != 0 => index,
            Op::Goto(index) => index,
            Op::Keep => {
                frame.regs.ebp = result;
                next
            }
            Op::Want(_) | Op::IfZero(_) | Op::UnlessZero(_) => next,
        };
        frame.eip = next as u32;
    }
}
