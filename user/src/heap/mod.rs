//! Memory for `alloc`: boxes, vectors, strings, maps.
//!
//! A program that wants it says so, and no other has any of it:
//!
//! ```ignore
//! extern crate alloc;
//! user::heap!();
//! ```
//!
//! What is free is kept by the crate `linked_list_allocator`: it is small, has
//! no dependencies here, and grows at its end, which is how an environment gets
//! memory. The heap is one piece, from the program's end on, and only grows. A
//! child made by [`crate::fork()`] has a copy, made page by page when either
//! writes.
//!
//! The hard thing is a page fault in the middle of an allocation: its handler
//! must not find the free list half changed. The handler finds the list closed:
//! what it asks for is refused, what it gives back is lost.
//!
//! Threads wait for each other instead. If one dies in the middle of an allocation, nobody
//! can tell what it left behind, and the list stays closed.

pub(crate) mod program_break;

use abi::EnvId;
use abi::layout::PGSIZE;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::{NonNull, null_mut};
use linked_list_allocator::Heap as Holes;

use crate::sync::Holder;
use crate::{env, own};

/// Pages by which it grows at least: few, for each has to be mapped again in
/// every child.
const GROWTH: u32 = 4;

/// Who is here if nobody else is. No environment has this id.
const ALONE: EnvId = EnvId(1);

/// The heap of a program; see [`crate::heap!`].
pub struct Heap {
    holes: UnsafeCell<Holes>,
    /// Who is changing it.
    holder: Holder,
}

/// Gives the program a heap.
#[macro_export]
macro_rules! heap {
    () => {
        #[global_allocator]
        static HEAP: $crate::heap::Heap = $crate::heap::Heap::new();
    };
}

impl Heap {
    /// An empty heap. There can be one in a program: use [`crate::heap!`].
    #[doc(hidden)]
    pub const fn new() -> Heap {
        Heap {
            holes: UnsafeCell::new(Holes::empty()),
            holder: Holder::new(),
        }
    }

    /// What `change` does to it, unless this environment is changing it already, or one was
    /// that is dead.
    fn with<R>(&self, change: impl FnOnce(&mut Holes) -> R) -> Option<R> {
        // Without threads any number will do for the one who is here.
        let this = match own::is_shared() {
            true => env::this_id(),
            false => ALONE,
        };
        self.holder.take(this).ok()?;
        // SAFETY: `take` lets in one at a time.
        let result = change(unsafe { &mut *self.holes.get() });
        self.holder.release();
        Some(result)
    }
}

// SAFETY: `with` lets in one at a time.
unsafe impl Sync for Heap {}

// SAFETY: memory comes from `Holes`, which keeps the rules of allocators, or is
// none. Nothing here unwinds.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let allocated = self.with(|holes| {
            if let Ok(memory) = holes.allocate_first_fit(layout) {
                return Some(memory);
            }
            grow(holes, layout)?;
            holes.allocate_first_fit(layout).ok()
        });
        allocated.flatten().map_or(null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if let Some(memory) = NonNull::new(memory) {
            // SAFETY: the caller has it from `alloc`, with this layout.
            self.with(|holes| unsafe { holes.deallocate(memory, layout) });
        }
    }
}

/// Gets so much more memory that there is room for `layout`.
fn grow(holes: &mut Holes, layout: Layout) -> Option<()> {
    // What is aligned may begin later, and the allocator keeps a few words.
    let bytes = layout.size().checked_add(layout.align())?;
    let bytes = u32::try_from(bytes).ok()?.checked_add(PGSIZE)?;
    let pages = (bytes / PGSIZE).max(GROWTH);
    let size = (pages * PGSIZE) as usize;
    let start = program_break::grow(pages).ok()?;
    let end = holes.top();
    let start: *mut u8 = core::ptr::with_exposed_provenance_mut(start as usize);
    if end.is_null() {
        // SAFETY: `grow` gives fresh memory for good, and this happens once.
        unsafe { holes.init(start, size) };
    } else if end == start {
        // SAFETY: `grow` gives fresh memory for good, and it comes right after
        // what there was.
        unsafe { holes.extend(size) };
    } else {
        // The program moves the break itself; then this is not our memory.
        return None;
    }
    Some(())
}
