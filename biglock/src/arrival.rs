//! Arrival: how a CPU gives up the lock before it has left an address space.
//!
//! Loading another page directory takes longer than most steps of the kernel, and needs no
//! lock. So a CPU that switches makes its step, releases the lock, loads the directory
//! that the step named, and only then says that it has *arrived*: each CPU has a word with
//! the id of the environment whose directory it loaded last, and this writes the new id.
//!
//! The hard thing is the time between. The kernel's state already says that the CPU runs
//! the new environment, and the old one may run, and die, elsewhere. Its page directory
//! must not be taken apart while the CPU still has it loaded: the processor may walk it, and
//! write to it, whenever it likes (Intel SDM volume 3, 4.10.2.3). So whoever is about to
//! reclaim a space that has died compares, for each CPU, the environment that the kernel's
//! state names with the CPU's word, and waits until they are the same.
//!
//! 1. **It ends.** A CPU between release and arrival has its interrupts off, executes a
//!    dozen instructions, and waits for nobody.
//! 2. **It suffices.** Whoever waits holds the lock, so no CPU begins another switch, and
//!    nobody can come to a dead space any more. A CPU without an environment loaded the
//!    kernel's own directory before it released the lock.
//! 3. **An old word does no harm.** A CPU that idled in between still has the word of its
//!    last environment. If it comes back to just that one, the word says too early that it
//!    has arrived; but what it leaves is the kernel's directory, which is never reclaimed.
//! 4. **What is seen.** The word is stored with release and loaded with acquire: what the
//!    CPU did with the old directory comes before what is done with its frames.

use crate::sync::{AtomicU32, Ordering, spin_loop};

/// This CPU, whose word this is, has loaded the page directory of `env`.
#[inline(always)]
pub fn arrive(word: &AtomicU32, env: u32) {
    word.store(env, Ordering::Release);
}

/// Waits until the CPU whose word this is has loaded the page directory of `env`, which
/// the kernel's state says it runs. For the holder of the lock.
pub fn wait_for(word: &AtomicU32, env: u32) {
    while word.load(Ordering::Acquire) != env {
        spin_loop();
    }
}
