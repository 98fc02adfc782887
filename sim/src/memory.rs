//! Physical memory of the simulated machine.
//!
//! A plain array of words. The host provides it zeroed, and a page of it costs
//! nothing until it is written. The hard thing is snapshots: the explorer takes
//! and restores hundreds of thousands a second. So memory notes which frames are
//! written, and a snapshot looks only at those.

use abi::layout::{PGSHIFT, PGSIZE};
use kcore::{Pfn, PhysMem};
use std::cell::Cell;

/// Words in a frame.
pub const FRAME_WORDS: usize = PGSIZE as usize / 4;

/// The physical address of a read, and the bytes that it returned.
pub type Reading = (u32, Vec<u8>);

/// Memory from physical address 0 upwards.
#[derive(Debug)]
pub struct Memory {
    words: Vec<u32>,
    /// Frames written since [`Memory::take_written`], each once.
    written: Vec<u32>,
    is_written: Vec<bool>,
    /// How often each frame was written, or restored.
    versions: Vec<u64>,
    /// What [`PhysMem::read_bytes`] returned since [`Memory::take_read`].
    read: Vec<Reading>,
    /// The first address outside memory that was used.
    stray: Cell<Option<u32>>,
}

impl Memory {
    /// Zeroed memory of `frames` frames.
    pub fn new(frames: u32) -> Memory {
        Memory {
            words: vec![0; frames as usize * FRAME_WORDS],
            written: Vec::new(),
            is_written: vec![false; frames as usize],
            versions: vec![0; frames as usize],
            read: Vec::new(),
            stray: Cell::new(None),
        }
    }

    /// How many frames there are.
    pub fn frames(&self) -> u32 {
        self.is_written.len() as u32
    }

    /// The words of a frame.
    pub fn frame(&self, frame: Pfn) -> &[u32] {
        let start = frame.0 as usize * FRAME_WORDS;
        self.words.get(start..start + FRAME_WORDS).unwrap_or(&[])
    }

    /// The words of a frame, for restoring it; the frame then counts as not written.
    pub fn restore(&mut self, frame: Pfn) -> &mut [u32] {
        self.versions[frame.0 as usize] += 1;
        let start = frame.0 as usize * FRAME_WORDS;
        &mut self.words[start..start + FRAME_WORDS]
    }

    /// A number that changes with every write to the frame.
    #[inline]
    pub fn version(&self, frame: Pfn) -> u64 {
        self.versions.get(frame.0 as usize).copied().unwrap_or(0)
    }

    /// Whether a frame was written since [`Memory::take_written`].
    pub fn is_written(&self, frame: Pfn) -> bool {
        self.is_written.get(frame.0 as usize) == Some(&true)
    }

    /// Hands out the frames written since the last call, in no particular order.
    pub fn take_written(&mut self, mut each: impl FnMut(Pfn, &[u32])) {
        for frame in std::mem::take(&mut self.written) {
            self.is_written[frame as usize] = false;
            each(Pfn(frame), self.frame(Pfn(frame)));
        }
    }

    /// What the kernel has read since the last call, in order.
    pub fn take_read(&mut self) -> Vec<Reading> {
        std::mem::take(&mut self.read)
    }

    /// The first address outside memory that was used, if any. Using one is a bug
    /// in the kernel or the test.
    pub fn stray(&self) -> Option<u32> {
        self.stray.get()
    }

    #[inline]
    fn note_written(&mut self, pa: u32) {
        let frame = (pa >> PGSHIFT) as usize;
        if let Some(version) = self.versions.get_mut(frame) {
            *version += 1;
        }
        if let Some(is_written) = self.is_written.get_mut(frame)
            && !*is_written
        {
            *is_written = true;
            self.written.push(frame as u32);
        }
    }

    fn note_stray(&self, pa: u32) {
        if self.stray.get().is_none() {
            self.stray.set(Some(pa));
        }
    }

    /// The four bytes at `pa`, aligned or not.
    #[inline(always)]
    pub fn load(&self, pa: u32) -> u32 {
        let low = self.read(pa & !3);
        match pa % 4 {
            0 => low,
            shift => low >> (shift * 8) | self.read((pa & !3) + 4) << (32 - shift * 8),
        }
    }

    /// Stores the low `size` bytes of `value`, 1, 2 or 4, at `pa`, aligned or not; all
    /// in one frame.
    #[inline(always)]
    pub fn store(&mut self, pa: u32, size: u32, value: u32) {
        let shift = pa % 4 * 8;
        let aligned = pa & !3;
        if size == 4 && shift == 0 {
            return self.write(pa, value);
        }
        let mask = u64::from(u32::MAX >> (32 - size * 8)) << shift;
        let value = u64::from(value) << shift & mask;
        let low = self.read(aligned) & !(mask as u32) | value as u32;
        self.write(aligned, low);
        if mask >> 32 != 0 {
            let high = self.read(aligned + 4) & !((mask >> 32) as u32) | (value >> 32) as u32;
            self.write(aligned + 4, high);
        }
    }

    fn byte(&self, pa: u32) -> u8 {
        self.read(pa & !3).to_le_bytes()[pa as usize % 4]
    }
}

impl PhysMem for Memory {
    #[inline(always)]
    fn read(&self, pa: u32) -> u32 {
        debug_assert!(pa.is_multiple_of(4));
        match self.words.get(pa as usize / 4) {
            Some(&word) => word,
            None => {
                self.note_stray(pa);
                0
            }
        }
    }

    #[inline(always)]
    fn write(&mut self, pa: u32, value: u32) {
        debug_assert!(pa.is_multiple_of(4));
        self.note_written(pa);
        match self.words.get_mut(pa as usize / 4) {
            Some(word) => *word = value,
            None => self.note_stray(pa),
        }
    }

    fn zero_frame(&mut self, frame: Pfn) {
        self.note_written(frame.address());
        let start = frame.0 as usize * FRAME_WORDS;
        match self.words.get_mut(start..start + FRAME_WORDS) {
            Some(words) => words.fill(0),
            None => self.note_stray(frame.address()),
        }
    }

    fn read_bytes(&mut self, pa: u32, out: &mut [u8]) {
        for (offset, byte) in out.iter_mut().enumerate() {
            *byte = self.byte(pa.wrapping_add(offset as u32));
        }
        self.read.push((pa, out.to_vec()));
    }

    fn write_bytes(&mut self, pa: u32, bytes: &[u8]) {
        let mut to = pa;
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            let size = match rest.as_chunks().0 {
                [word, ..] if to.is_multiple_of(4) => {
                    self.write(to, u32::from_le_bytes(*word));
                    4
                }
                _ => {
                    self.store(to, 1, byte.into());
                    1
                }
            };
            rest = &rest[size..];
            to = to.wrapping_add(size as u32);
        }
    }

    fn copy_bytes(&mut self, to: u32, from: u32, len: u32) {
        let mut done = 0;
        while done < len {
            let (to, from) = (to.wrapping_add(done), from.wrapping_add(done));
            // Whole words, where both ends allow it.
            if (to | from).is_multiple_of(4) && len - done >= 4 {
                self.write(to, self.read(from));
                done += 4;
            } else {
                self.store(to, 1, self.byte(from).into());
                done += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_words_agree() {
        let mut memory = Memory::new(2);
        memory.write_bytes(0xffd, &[1, 2, 3, 4, 5]);
        assert_eq!(memory.read(0xffc), 0x0302_0100);
        assert_eq!(memory.read(0x1000), 0x0000_0504);
        let mut out = [0; 3];
        memory.read_bytes(0xffe, &mut out);
        assert_eq!(out, [2, 3, 4]);
        assert_eq!(memory.take_read(), [(0xffe, vec![2, 3, 4])]);
        memory.copy_bytes(0x10, 0xffd, 5);
        assert_eq!(memory.read(0x10), 0x0403_0201);
    }

    /// Words and bytes are copied, whatever the ends allow, and nothing beside them.
    #[test]
    fn copies_begin_and_end_anywhere() {
        let pattern: Vec<u8> = (1..=40).collect();
        for (to, from, len) in [(0, 0, 16), (1, 1, 14), (2, 1, 9), (0, 3, 8), (3, 0, 5)] {
            let mut memory = Memory::new(1);
            memory.write_bytes(from, &pattern);
            memory.write_bytes(0x100, &[0xee; 40]);
            memory.copy_bytes(0x104 + to, from, len);
            let mut found = [0; 40];
            memory.read_bytes(0x100, &mut found);
            let mut wanted = [0xee; 40];
            let (start, len) = (4 + to as usize, len as usize);
            wanted[start..start + len].copy_from_slice(&pattern[..len]);
            assert_eq!(found, wanted, "{len} bytes from {from} to {to}");
        }
    }

    #[test]
    fn unaligned_words_keep_their_neighbours() {
        let mut memory = Memory::new(1);
        memory.write(0, 0x3322_1100);
        memory.write(4, 0x7766_5544);
        assert_eq!(memory.load(3), 0x6655_4433);
        let before = memory.version(Pfn(0));
        memory.store(3, 4, 0xddcc_bbaa);
        assert_ne!(memory.version(Pfn(0)), before);
        assert_eq!((memory.read(0), memory.read(4)), (0xaa22_1100, 0x77dd_ccbb));
        memory.store(1, 2, 0xffff_9988);
        memory.store(7, 1, 0xffff_ff00);
        assert_eq!((memory.read(0), memory.read(4)), (0xaa99_8800, 0x00dd_ccbb));
    }

    #[test]
    fn a_restored_frame_has_another_version() {
        let mut memory = Memory::new(2);
        let versions = [0, 1].map(|frame| memory.version(Pfn(frame)));
        memory.restore(Pfn(1)).fill(3);
        assert_eq!(memory.version(Pfn(0)), versions[0]);
        assert_ne!(memory.version(Pfn(1)), versions[1]);
    }

    #[test]
    fn written_frames_are_named_once() {
        let mut memory = Memory::new(4);
        memory.write(0x1000, 7);
        memory.write(0x1004, 8);
        memory.zero_frame(Pfn(3));
        let mut seen = Vec::new();
        memory.take_written(|frame, words| seen.push((frame.0, words[0])));
        assert_eq!(seen, [(1, 7), (3, 0)]);
        memory.take_written(|_, _| panic!("nothing was written"));
    }

    #[test]
    fn a_stray_address_is_remembered() {
        let mut memory = Memory::new(1);
        assert_eq!(memory.read(0xffc), 0);
        assert_eq!(memory.stray(), None);
        memory.write(0x1000, 1);
        assert_eq!(memory.read(0x2000), 0);
        assert_eq!(memory.stray(), Some(0x1000));
    }
}
