//! The console: a ring for output, and a small one for input.
//!
//! Nothing here waits for a device. Output goes into the ring under the lock. It
//! leaves in chunks, one at a time: a step passes each to the hardware half, which
//! answers with [`crate::Event::ConsoleReady`].
//!
//! The hard thing is that the kernel's own lines must never be lost, however fast
//! programs print. So the last [`KERNEL_SHARE`] bytes of the ring belong to the
//! kernel. While fewer are free, an entry that could make the kernel print must wait
//! ([`crate::env::Wait::Console`]).

use crate::step::Chunk;
use core::fmt;

/// Bytes of the ring that are reserved for the kernel's own lines. One step prints at
/// most one frame dump and a few lines, less than half of this. The rest is for what
/// other CPUs print before the first has handed out a chunk.
pub const KERNEL_SHARE: usize = 4096;

/// Other output never interrupts a `cputs` of up to this many bytes.
pub const UNBROKEN: usize = 1024;

/// The kernel keeps this many bytes of typed input and drops more, as JOS does.
pub const INPUT_SIZE: usize = 512;

/// The part of [`Console`] that is not a table; cheap to copy into a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConsoleState {
    /// Index of the oldest byte in the ring.
    pub start: usize,
    /// The number of bytes in the ring.
    pub len: usize,
    /// The hardware half has a chunk and has not answered yet.
    pub busy: bool,
    /// The number of bytes that found no room. This stays 0; the audit checks that.
    pub lost: u32,
    /// Typed bytes that no program has read.
    pub input: [u8; INPUT_SIZE],
    /// Index of the oldest of them.
    pub input_start: usize,
    /// The number of these.
    pub input_len: usize,
}

/// The output ring, and all else about the console.
pub struct Console<'t> {
    /// The output ring.
    pub ring: &'t mut [u8],
    /// What the ring holds, and the input.
    pub state: ConsoleState,
}

impl<'t> Console<'t> {
    /// Makes an empty console. The ring should hold several times
    /// [`KERNEL_SHARE`] + [`UNBROKEN`] bytes.
    pub fn new(ring: &'t mut [u8]) -> Console<'t> {
        Console {
            ring,
            state: ConsoleState {
                start: 0,
                len: 0,
                busy: false,
                lost: 0,
                input: [0; INPUT_SIZE],
                input_start: 0,
                input_len: 0,
            },
        }
    }

    fn room(&self) -> usize {
        self.ring.len().saturating_sub(self.state.len)
    }

    /// The number of bytes that a program may print now.
    pub(crate) fn user_room(&self) -> usize {
        self.room().saturating_sub(KERNEL_SHARE)
    }

    /// Whether so little room is left that entries by programs must wait.
    pub(crate) fn is_crowded(&self) -> bool {
        self.room() < KERNEL_SHARE
    }

    /// Whether so much room is left that waiting environments should try again.
    pub(crate) fn is_relaxed(&self) -> bool {
        self.user_room() >= UNBROKEN
    }

    /// Whether the ring is empty; then the console is not crowded either.
    pub(crate) fn is_empty(&self) -> bool {
        self.state.len == 0
    }

    /// Whether all output has arrived.
    pub fn is_drained(&self) -> bool {
        self.state.len == 0 && !self.state.busy
    }

    /// Puts bytes in the ring, and counts those that find no room as lost.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        let (kept, lost) = bytes.split_at(bytes.len().min(self.room()));
        self.state.lost = self.state.lost.saturating_add(lost.len() as u32);
        let size = self.ring.len();
        let end = self.state.start.wrapping_add(self.state.len);
        let at = if end < size {
            end
        } else {
            end.wrapping_sub(size)
        };
        let (first, rest) = kept.split_at(kept.len().min(size.saturating_sub(at)));
        copy(self.ring, at, first);
        copy(self.ring, 0, rest);
        self.state.len = self.state.len.wrapping_add(kept.len());
    }

    /// Whether there is output and the hardware half can take a chunk.
    pub(crate) fn has_chunk(&self) -> bool {
        self.state.len > 0 && !self.state.busy
    }

    /// Takes out a chunk of the oldest bytes. It is on its way until
    /// [`Console::ready`].
    pub(crate) fn take_chunk(&mut self) -> Chunk {
        let mut chunk = Chunk::default();
        for (place, byte) in chunk.bytes.iter_mut().zip(self.drain()) {
            *place = byte;
            chunk.len += 1;
        }
        self.state.busy = true;
        chunk
    }

    fn take_byte(&mut self) -> Option<u8> {
        if self.state.len == 0 {
            return None;
        }
        let byte = self.ring.get(self.state.start).copied()?;
        self.state.len = self.state.len.wrapping_sub(1);
        self.state.start = self.state.start.wrapping_add(1);
        // An empty ring starts at 0, so that equal contents are equal states.
        if self.state.start >= self.ring.len() || self.state.len == 0 {
            self.state.start = 0;
        }
        Some(byte)
    }

    /// Notes that the chunk has arrived.
    pub(crate) fn ready(&mut self) {
        self.state.busy = false;
    }

    /// Takes all bytes out of the ring, oldest first.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = u8> + use<'_, 't> {
        core::iter::from_fn(|| self.take_byte())
    }

    /// Keeps a typed byte if there is room.
    pub(crate) fn typed(&mut self, byte: u8) {
        let state = &mut self.state;
        let index = (state.input_start + state.input_len) % INPUT_SIZE;
        if state.input_len < INPUT_SIZE
            && let Some(place) = state.input.get_mut(index)
        {
            *place = byte;
            state.input_len += 1;
        }
    }

    /// Takes out the oldest typed byte.
    pub(crate) fn read(&mut self) -> Option<u8> {
        let state = &mut self.state;
        if state.input_len == 0 {
            return None;
        }
        let byte = state.input.get(state.input_start).copied();
        state.input_start = (state.input_start + 1) % INPUT_SIZE;
        state.input_len -= 1;
        byte
    }
}

/// Copies bytes to a place in the ring where they fit.
fn copy(ring: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = ring.get_mut(at..at.wrapping_add(bytes.len())) {
        place.copy_from_slice(bytes);
    }
}

impl fmt::Write for Console<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::fmt::Write;

    #[test]
    fn bytes_leave_in_order_and_in_chunks() {
        let mut ring = [0; 40];
        let mut console = Console::new(&mut ring);
        for round in 0..10 {
            writeln!(console, "line {round:02} of some text").unwrap();
            let first = console.take_chunk();
            assert!(!console.has_chunk());
            console.ready();
            let second = console.take_chunk();
            console.ready();
            assert_eq!(first.bytes().len() + second.bytes().len(), 21);
            assert_eq!(first.bytes().first(), Some(&b'l'));
            assert_eq!(second.bytes().last(), Some(&b'\n'));
            assert!(console.is_drained());
        }
    }

    /// Blocks of every length, over the ring's end at every place.
    #[test]
    fn blocks_go_round_the_end() {
        for (size, len) in (1..=9).flat_map(|size| (0..=12).map(move |len| (size, len))) {
            let mut ring = [0; 9];
            let mut console = Console::new(&mut ring[..size]);
            for start in 0..size {
                console.put(&b"######## "[..start]);
                console.put(b".");
                assert_eq!(console.drain().take(start).count(), start);
                let lost = console.state.lost;
                let block = &b"abcdefghijkl"[..len];
                console.put(block);
                let fits = len.min(size - 1);
                assert_eq!(console.state.lost - lost, (len - fits) as u32);
                assert_eq!(console.drain().next(), Some(b'.'));
                assert!(console.drain().eq(block[..fits].iter().copied()));
            }
        }
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let mut ring = [0; 4];
        let mut console = Console::new(&mut ring);
        console.put(b"abcdef");
        assert_eq!(console.state.lost, 2);
        assert!(console.drain().eq(*b"abcd"));
    }

    #[test]
    fn input_is_first_in_first_out_and_bounded() {
        let mut ring = [0; 4];
        let mut console = Console::new(&mut ring);
        for i in 0..600u32 {
            console.typed(i as u8);
        }
        for i in 0..INPUT_SIZE {
            assert_eq!(console.read(), Some(i as u8));
        }
        assert_eq!(console.read(), None);
    }
}
