//! System calls: a function for each number.
//!
//! The most frequent calls have a way through the kernel of their own
//! ([`kcore::quick`]), and the stubs jump to it by the number. The hard thing is that a
//! number may mean different calls in different personalities, or none. So the table only
//! says what it probably means: the core looks again, and declines if it is something else.

use super::exits::{back_by_iret, back_by_sysexit, exit_by_iret, exit_by_sysexit};
use crate::enter::{enter_inlined, enter_quickly};
use crate::machine::smp::ThisCpu;
use abi::{Call, Personality, TrapFrame};
use kcore::Event;

/// Handles a call, and says how to leave.
type Way = extern "fastcall" fn(&mut TrapFrame) -> u32;

/// Entries of a table, a power of two: higher numbers begin again at the first.
pub const NUMBERS: usize = 128;
const _: () = assert!(NUMBERS.is_power_of_two());

/// A module for one kind of entry: its event, and how it leaves, in general and if the
/// caller goes on as it came.
macro_rules! ways_in {
    ($module:ident, $event:path, $exit:path, $back:path, $($name:ident $call:ident,)*) => {
        pub mod $module {
            use super::*;

            extern "fastcall" fn any_call(frame: &mut TrapFrame) -> u32 {
                $exit(enter_inlined(ThisCpu::get(), || $event, frame), frame)
            }

            $(extern "fastcall" fn $name(frame: &mut TrapFrame) -> u32 {
                match enter_quickly(ThisCpu::get(), Call::$call, || $event, frame) {
                    Some(left) => $exit(left, frame),
                    None => $back(frame),
                }
            })*

            /// By number.
            pub static WAYS: [Way; NUMBERS] = table(any_call, &[$((Call::$call, $name)),*]);
        }
    };
}

/// The calls that have quick ways, and the functions' names, under which debuggers know
/// them.
macro_rules! quick_calls {
    ($($calls:tt)*) => {
        ways_in!(int, Event::Syscall, exit_by_iret, back_by_iret, $($calls)*);
        ways_in!(
            sysenter, Event::FastSyscall, exit_by_sysexit, back_by_sysexit, $($calls)*
        );
    };
}

quick_calls! {
    getenvid GetEnvId,
    page_alloc PageAlloc,
    page_unmap PageUnmap,
    page_copy PageCopy,
    yield_cpu Yield,
    ipc_send IpcSend,
    ipc_recv IpcRecv,
    ipc_call IpcCall,
    ipc_reply IpcReply,
}

const fn table(any: Way, quick: &[(Call, Way)]) -> [Way; NUMBERS] {
    let mut ways = [any; NUMBERS];
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
