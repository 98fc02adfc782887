//! System calls: a function for each number.
//!
//! The most frequent calls have a way through the kernel of their own
//! ([`kcore::quick`]), and the stubs jump to it by the number. The hard thing is that a
//! number may mean different calls in different personalities. So the table only says
//! what it probably means: the core looks again, and declines if it is something else.

use super::{EXIT_FAST, exit};
use crate::effects::Leave;
use crate::enter::{enter_inlined, enter_quickly};
use crate::machine::smp::ThisCpu;
use abi::trap::{FLAG_AC, FLAG_DF, FLAG_IOPL, FLAG_NT, FLAG_TF, Vector};
use abi::{Call, Personality, TrapFrame};
use kcore::Event;

/// Handles a call, and says how to leave.
type Way = extern "fastcall" fn(&mut TrapFrame) -> u32;

/// Entries of each table; the last one is for all higher numbers.
pub const NUMBERS: usize = 128;

/// For `int 0x30`.
pub static BY_INT: [Way; NUMBERS] = ways::<false>();
/// For `sysenter`.
pub static BY_SYSENTER: [Way; NUMBERS] = ways::<true>();

const YIELD: u8 = Call::Yield as u8;
const SEND: u8 = Call::IpcSend as u8;
const RECV: u8 = Call::IpcRecv as u8;
const CALL: u8 = Call::IpcCall as u8;
const REPLY: u8 = Call::IpcReply as u8;
const ALLOC: u8 = Call::PageAlloc as u8;
const UNMAP: u8 = Call::PageUnmap as u8;
const COPY: u8 = Call::PageCopy as u8;

const fn ways<const FAST: bool>() -> [Way; NUMBERS] {
    let quick: [(Call, Way); 8] = [
        (Call::Yield, quick_call::<YIELD, FAST>),
        (Call::IpcSend, quick_call::<SEND, FAST>),
        (Call::IpcRecv, quick_call::<RECV, FAST>),
        (Call::IpcCall, quick_call::<CALL, FAST>),
        (Call::IpcReply, quick_call::<REPLY, FAST>),
        (Call::PageAlloc, quick_call::<ALLOC, FAST>),
        (Call::PageUnmap, quick_call::<UNMAP, FAST>),
        (Call::PageCopy, quick_call::<COPY, FAST>),
    ];
    let mut ways: [Way; NUMBERS] = [any_call::<FAST>; NUMBERS];
    let mut index = 0;
    while index < quick.len() * Personality::ALL.len() {
        let (call, way) = quick[index % quick.len()];
        let personality = Personality::ALL[index / quick.len()];
        if let Some(number) = personality.number(call) {
            ways[number as usize] = way;
        }
        index += 1;
    }
    ways
}

const fn event<const FAST: bool>() -> Event {
    if FAST {
        Event::FastSyscall
    } else {
        Event::Syscall
    }
}

extern "fastcall" fn any_call<const FAST: bool>(frame: &mut TrapFrame) -> u32 {
    let left = enter_inlined(ThisCpu::get(), event::<FAST>, frame);
    exit_call::<FAST>(left, frame)
}

extern "fastcall" fn quick_call<const CALL: u8, const FAST: bool>(frame: &mut TrapFrame) -> u32 {
    let call = const { Call::ALL[CALL as usize] };
    let left = enter_quickly(ThisCpu::get(), call, event::<FAST>, frame);
    exit_call::<FAST>(left, frame)
}

/// Flags that a caller of `sysenter` gets back only by `iret`: `sysexit` loads none.
const NEED_FRAME: u32 = FLAG_TF | FLAG_NT | FLAG_AC | FLAG_DF | FLAG_IOPL;

/// Whether the frame is still the one that the `sysenter` stub made. A call may
/// have replaced it, with registers that `sysexit` does not restore.
#[inline(always)]
fn is_the_callers(frame: &TrapFrame) -> bool {
    frame.trapno == Vector::SYSCALL.0
}

#[inline(always)]
fn exit_call<const FAST: bool>(left: Leave, frame: &TrapFrame) -> u32 {
    match left {
        Leave::Same if FAST && frame.eflags & NEED_FRAME == 0 && is_the_callers(frame) => EXIT_FAST,
        left => exit(left),
    }
}
