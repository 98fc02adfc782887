//! A queue between threads, with room for so many values.
//!
//! The hard thing is its end. Threads do not own a channel, they borrow it, so it cannot see the
//! last sender go. Whoever knows that no more will come closes it.

use super::condvar::Condvar;
use super::mutex::{Died, Mutex};

/// A channel: any number of threads send and receive.
pub struct Channel<T, const ROOM: usize> {
    queue: Mutex<Queue<T, ROOM>>,
    /// There is room, or it was closed.
    room: Condvar,
    /// There is a value, or it was closed.
    value: Condvar,
}

struct Queue<T, const ROOM: usize> {
    values: [Option<T>; ROOM],
    /// Where the oldest value is.
    first: usize,
    len: usize,
    closed: bool,
}

/// Nothing is sent any more: the channel was closed, or a thread died in the middle of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl From<Died> for Closed {
    fn from(_: Died) -> Closed {
        Closed
    }
}

impl<T, const ROOM: usize> Channel<T, ROOM> {
    /// An empty channel.
    pub const fn new() -> Channel<T, ROOM> {
        assert!(ROOM > 0, "a channel has room for a value");
        Channel {
            queue: Mutex::new(Queue {
                values: [const { None }; ROOM],
                first: 0,
                len: 0,
                closed: false,
            }),
            room: Condvar::new(),
            value: Condvar::new(),
        }
    }

    /// Sends a value; waits while there is no room.
    ///
    /// # Errors
    /// [`Closed`]; then the value is dropped.
    pub fn send(&self, value: T) -> Result<(), Closed> {
        let queue = self.queue.lock()?;
        let is_full = |queue: &mut Queue<T, ROOM>| queue.len == ROOM && !queue.closed;
        let mut queue = self.room.wait_while(queue, is_full)?;
        if queue.closed {
            return Err(Closed);
        }
        queue.push(value);
        drop(queue);
        self.value.notify_one();
        Ok(())
    }

    /// Receives the value that was sent first; waits while there is none.
    ///
    /// # Errors
    /// [`Closed`] if there is none and none will come.
    pub fn recv(&self) -> Result<T, Closed> {
        let queue = self.queue.lock()?;
        let is_empty = |queue: &mut Queue<T, ROOM>| queue.len == 0 && !queue.closed;
        let mut queue = self.value.wait_while(queue, is_empty)?;
        let value = queue.pop().ok_or(Closed)?;
        drop(queue);
        self.room.notify_one();
        Ok(value)
    }

    /// Ends it: what was sent can be received, and nothing more is sent.
    pub fn close(&self) {
        if let Ok(mut queue) = self.queue.lock() {
            queue.closed = true;
        }
        self.room.notify_all();
        self.value.notify_all();
    }
}

impl<T, const ROOM: usize> Default for Channel<T, ROOM> {
    fn default() -> Channel<T, ROOM> {
        Channel::new()
    }
}

impl<T, const ROOM: usize> Queue<T, ROOM> {
    /// The caller makes sure that there is room.
    fn push(&mut self, value: T) {
        self.values[(self.first + self.len) % ROOM] = Some(value);
        self.len += 1;
    }

    fn pop(&mut self) -> Option<T> {
        let value = self.values[self.first].take()?;
        self.first = (self.first + 1) % ROOM;
        self.len -= 1;
        Some(value)
    }
}
