//! Waiting for each other.
//!
//! The hard thing is to use it again: a thread that is quick may come for the next time
//! before the others have left. So each time has a number, and one waits for that to change.

use super::condvar::Condvar;
use super::mutex::{Died, Mutex};

/// Where so many threads wait until all have come.
pub struct Barrier {
    threads: usize,
    state: Mutex<State>,
    all_are_there: Condvar,
}

struct State {
    waiting: usize,
    time: u32,
}

impl Barrier {
    /// A barrier for so many threads.
    pub const fn new(threads: usize) -> Barrier {
        Barrier {
            threads,
            state: Mutex::new(State {
                waiting: 0,
                time: 0,
            }),
            all_are_there: Condvar::new(),
        }
    }

    /// Waits until all have come. One of them, the last, gets `true`.
    ///
    /// # Errors
    /// [`Died`] if a thread died in the middle of this. For one that died before it came,
    /// the others wait in vain.
    pub fn wait(&self) -> Result<bool, Died> {
        let mut state = self.state.lock()?;
        state.waiting += 1;
        if state.waiting == self.threads {
            state.waiting = 0;
            state.time = state.time.wrapping_add(1);
            drop(state);
            self.all_are_there.notify_all();
            return Ok(true);
        }
        let time = state.time;
        let is_now = |state: &mut State| state.time == time;
        let _state = self.all_are_there.wait_while(state, is_now)?;
        Ok(false)
    }
}
