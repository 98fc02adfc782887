//! Locks and queues for threads.
//!
//! | type | what |
//! |---|---|
//! | [`Mutex`] | a value that one at a time can use |
//! | [`Condvar`] | waiting until somebody has changed such a value |
//! | [`Channel`] | a queue with room for so many |
//! | [`Barrier`] | waiting for each other |
//!
//! The hard thing in all of them is in two lines of `condvar.rs` and `holder.rs`: one looks at a
//! word and waits for it, while another may be changing it at that moment. The kernel looks
//! once more, so whoever changes the word before waking it is never missed.
//!
//! They live in memory that all threads have: statics, the heap, or the stack of one that
//! has started the others in a [`scope`](fn@crate::thread::scope).

mod barrier;
mod channel;
mod condvar;
mod holder;
mod mutex;

pub(crate) use holder::Holder;

pub use barrier::Barrier;
pub use channel::{Channel, Closed};
pub use condvar::Condvar;
pub use mutex::{Died, Mutex, MutexGuard};
