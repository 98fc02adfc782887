//! `cputs`: printing.
//!
//! The hard thing is that the console is finite and the range is not: the whole
//! range is checked before the first byte is printed, then as much is printed as
//! there is room for, and the call keeps its progress, waits and goes on. Up to
//! [`UNBROKEN`] bytes are printed at once or not yet.

use super::{CallResult, Caller, Outcome};
use crate::console::UNBROKEN;
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::plant::Fault;
use crate::usermem::UserSlice;
use abi::Perm;

/// Bytes that are copied from user memory at once.
const PIECE: usize = 128;

impl<M: PhysMem> Kernel<'_, M> {
    pub(super) fn sys_cputs(&mut self, caller: Caller, ptr: u32, len: u32) -> CallResult {
        let plant = self.config.plant;
        let ptr = if plant.is(Fault::CputsOffByOne) {
            ptr.wrapping_add(1)
        } else {
            ptr
        };
        let space = self.envs[caller.slot].space;
        let range = UserSlice { ptr, len };
        let printed = self.envs[caller.slot].printed;
        let mut rest = range.skip(printed);
        // All of it before the first byte; when the call goes on after a wait,
        // what it may print now, since the mapping may have changed.
        let checked = match printed {
            0 if plant.is(Fault::CheckFirstPage) => UserSlice {
                len: len.min(1),
                ..range
            },
            0 if plant.is(Fault::TrustPointer) => UserSlice { len: 0, ..range },
            0 => range,
            _ => UserSlice {
                len: rest.len.min(self.console.ring.len() as u32),
                ..rest
            },
        };
        if let Err(bad) = checked.check(&self.mem, space, Perm::READ) {
            return Ok(Outcome::Bad(bad));
        }
        loop {
            let room = self.console.user_room();
            if room < UNBROKEN.min(rest.len as usize) {
                return Ok(Outcome::Wait);
            }
            let mut piece = [0; PIECE];
            let wanted = PIECE.min(room);
            let count = match piece.get_mut(..wanted) {
                Some(piece) => rest.read_some(&mut self.mem, space, piece),
                None => 0,
            };
            let piece = piece.get(..count).unwrap_or(&[]);
            let text = piece.split(|&byte| byte == 0).next().unwrap_or(&[]);
            self.console.put(text);
            if text.len() < count || count == 0 {
                break;
            }
            rest = rest.skip(count as u32);
            let printed = &mut self.envs[caller.slot].printed;
            *printed = printed.wrapping_add(count as u32);
        }
        self.envs[caller.slot].printed = 0;
        Ok(Outcome::Done(0))
    }
}
