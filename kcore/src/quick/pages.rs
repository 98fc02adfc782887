//! The page that goes with a quick message.
//!
//! The sender has it mapped, and the receiver has a page table for the place where it
//! wants it; so handing it over takes one entry and two counts. The hard thing is that a
//! page arrives whole or not at all: whatever could go another way is looked at here
//! first, and nothing is changed until all is clear.

use crate::env::Letter;
use crate::frames::Frames;
use crate::paging::{Pte, Space, UserPage};
use crate::phys::PhysMem;
use abi::Perm;

/// The entry that a receiver gets for the page of `letter`; `None` if the sender, with
/// this address space, has no such page to give.
#[inline(always)]
pub(super) fn offer<M: PhysMem>(mem: &M, sender: Space, letter: Letter) -> Option<Pte> {
    let page = UserPage::new(letter.va)?;
    let perm = Perm::from_argument(letter.perm)?;
    let entry = sender.entry(mem, page);
    let granted = entry.grants(perm & Perm::WRITE);
    granted.then_some(Pte::new(entry.frame(), perm))
}

/// Stores an entry that was offered, at `page` of the receiver's address space. Returns
/// whether another mapping was there; `None`, and changes nothing, if there is no page
/// table, if nobody else has the page that was there, or if too many have the new one.
#[inline(always)]
pub(super) fn accept<M: PhysMem>(
    mem: &mut M,
    frames: &mut Frames<'_>,
    receiver: Space,
    page: UserPage,
    entry: Pte,
) -> Option<bool> {
    let place = receiver.slot(mem, page.va())?;
    let old = Pte(mem.read(place));
    let frame = entry.frame();
    if !old.is_present() || old.frame() != frame {
        let is_last = old.is_present() && frames.count(old.frame()) == 1;
        if is_last || !frames.can_map(frame) {
            return None;
        }
        frames.retain(mem, frame);
        if old.is_present() {
            frames.release(mem, old.frame());
        } else {
            frames.mark(place);
        }
    }
    mem.write(place, entry.0);
    Some(old.is_present())
}
