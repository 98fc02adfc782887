//! Printing, and reading typed input.
//!
//! The hard thing is that the console's ring is small and the range passed to `cputs`
//! may be huge. The kernel checks the whole range before it prints the first byte.
//! Then it prints as much as there is room for; if that is not all, it notes its
//! progress and lets the call wait for more room. Up to [`UNBROKEN`] bytes are printed
//! in one piece. Each step is bounded: after checks of [`CHECK_PIECE`] bytes, or when it
//! has printed [`PRINT_PIECE`] bytes, other environments have their turn.

use super::{CallResult, Caller, Outcome};
use crate::console::UNBROKEN;
use crate::env::{Progress, Wait};
use crate::kernel::Kernel;
use crate::phys::PhysMem;
use crate::usermem::{BadAddress, UserSlice};
use crate::watch::Watcher;
use abi::layout::PTSIZE;
use abi::{Perm, TrapFrame};
use core::ffi::CStr;

/// One step prints at most this many bytes. At least [`UNBROKEN`].
const PRINT_PIECE: usize = 4096;

/// Printing copies this many bytes from user memory at a time.
const PIECE: usize = 128;

/// One step checks at most this many bytes of a range: as many as a table maps.
const CHECK_PIECE: u32 = PTSIZE;

impl<M: PhysMem, W: Watcher> Kernel<'_, M, W> {
    /// The next typed byte, or 0 if there is none.
    pub(super) fn sys_cgetc(&mut self, _: Caller, _: &mut TrapFrame) -> CallResult {
        Ok(Outcome::Done(self.console.read().map_or(0, u32::from)))
    }

    /// The next typed byte; waits for one if there is none.
    pub(super) fn sys_getc(&mut self, caller: Caller, _: &mut TrapFrame) -> CallResult {
        if let Some(byte) = self.console.read() {
            return Ok(Outcome::Done(byte.into()));
        }
        self.keep_deadline(caller)?;
        self.sched.input.push_back(&mut self.envs, caller.slot);
        self.envs[caller.slot].wait = Wait::Input;
        Ok(Outcome::Stop)
    }

    pub(super) fn sys_cputs(&mut self, caller: Caller, frame: &mut TrapFrame) -> CallResult {
        let [ptr, len, ..] = frame.arguments();
        let range = UserSlice { ptr, len };
        match self.check_printed_range(caller, range) {
            Ok(true) => self.print(caller, range),
            Ok(false) => Ok(Outcome::Later),
            Err(bad) => Ok(Outcome::Bad(bad)),
        }
    }

    /// Checks the next piece of the range of a `cputs`. Returns whether the call may
    /// print now.
    fn check_printed_range(
        &mut self,
        caller: Caller,
        range: UserSlice,
    ) -> Result<bool, BadAddress> {
        let space = self.envs[caller.slot].space;
        let (checked, printed) = self.printing(caller);
        let piece = range.skip(checked).first(CHECK_PIECE);
        piece.check(&self.mem, space, Perm::READ)?;
        let now_checked = checked.wrapping_add(piece.len);
        self.envs[caller.slot].progress = Progress::Printing {
            checked: now_checked,
            printed,
        };
        if now_checked < range.len {
            return Ok(false);
        }
        if checked > 0 {
            // The mapping may have changed since the first check, so check again what
            // this step may print.
            let next = range.skip(printed).first(self.console.ring.len() as u32);
            next.check(&self.mem, space, Perm::READ)?;
        }
        Ok(true)
    }

    /// Prints as much of the range as there is room for, and as one step may. The step
    /// must have checked as much as the console can hold.
    fn print(&mut self, caller: Caller, range: UserSlice) -> CallResult {
        let space = self.envs[caller.slot].space;
        let (checked, mut printed) = self.printing(caller);
        let mut rest = range.skip(printed);
        let mut left = PRINT_PIECE;
        loop {
            let room = self.console.user_room();
            if room < UNBROKEN.min(rest.len as usize) {
                return Ok(Outcome::Wait);
            }
            if left == 0 && rest.len > 0 {
                return Ok(Outcome::Later);
            }
            let mut piece = [0; PIECE];
            let fitting = rest.first(room.min(left) as u32);
            let count = fitting.read_some(&mut self.mem, space, &mut piece);
            let piece = piece.get(..count).unwrap_or(&[]);
            let text = CStr::from_bytes_until_nul(piece).map_or(piece, CStr::to_bytes);
            self.console.put(text);
            if text.len() < count || count == 0 {
                break;
            }
            rest = rest.skip(count as u32);
            left = left.saturating_sub(count);
            printed = printed.wrapping_add(count as u32);
            self.envs[caller.slot].progress = Progress::Printing { checked, printed };
        }
        self.envs[caller.slot].progress = Progress::None;
        Ok(Outcome::Done(0))
    }

    /// How many bytes of the caller's `cputs` have been checked, and printed.
    fn printing(&self, caller: Caller) -> (u32, u32) {
        match self.envs[caller.slot].progress {
            Progress::Printing { checked, printed } => (checked, printed),
            _ => (0, 0),
        }
    }
}
