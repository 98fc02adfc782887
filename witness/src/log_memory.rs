//! The head of a memory outside the machine to which a log is written.
//!
//! The memory is a file on the host, and the machine may stop writing at any
//! moment. So the head says how much of the file is valid, and is updated after
//! the items that it counts. There may be two such memories; the tool writes an
//! empty head into each before it starts the machine, which tells the kernel
//! what each is for.
//!
//! ```text
//! byte    0   magic, 8 bytes: what it is for
//!         8   version of the items' format
//!        12   bytes of an item
//!        16   ticks in a second, 64 bits
//!        24   bytes of items, 64 bits
//!        32   items lost, 64 bits
//!        40   check of head and items, 64 bits; 0 before the run is over
//!     4,096   the items
//! ```
//! All numbers are little-endian; those without a size have 32 bits.

use crate::{record, trace};

/// Where the items begin, in bytes.
pub const ITEMS: u32 = 4096;
/// Bytes of a head.
pub const HEAD_SIZE: usize = 40;
/// Where the check of a whole file stands, in bytes. The kernel does not know it.
pub const CHECK_AT: u64 = 40;
/// So many words, the first ones, say what the memory is for.
pub const PURPOSE_WORDS: usize = 4;
/// The word of the head that [`Head::len`] begins with; the other half follows.
pub const LEN_WORD: usize = 6;
/// The same of [`Head::lost`].
pub const LOST_WORD: usize = 8;

/// What a memory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The trace: its items are [`trace::Record`]s.
    Trace,
    /// The log for replay, see [`record`]: its items are bytes.
    Record,
}

impl Purpose {
    /// The name of the boot option that asks for this log.
    pub fn name(self) -> &'static str {
        match self {
            Purpose::Trace => "trace",
            Purpose::Record => "record",
        }
    }

    /// What a head begins with: magic, version, and bytes of an item.
    pub fn words(self) -> [u32; PURPOSE_WORDS] {
        let ([m0, m1, m2, m3, m4, m5, m6, m7], version, size) = match self {
            Purpose::Trace => (*b"JOSTRACE", trace::VERSION, trace::RECORD_SIZE as u32),
            Purpose::Record => (*b"JOSRECRD", record::VERSION.into(), 1),
        };
        [
            u32::from_le_bytes([m0, m1, m2, m3]),
            u32::from_le_bytes([m4, m5, m6, m7]),
            version,
            size,
        ]
    }
}

/// A memory's head, without the purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Ticks in a second.
    pub hz: u64,
    /// Bytes of items.
    pub len: u64,
    /// Items that were lost because there was no room.
    pub lost: u64,
}

/// Why bytes are not the head that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadHead {
    /// They are not a head at all, or one for another purpose.
    Foreign,
    /// The head is of another version of the format.
    Version(u32),
}

impl Head {
    /// The head as the file stores it: ten words.
    pub fn words(&self, purpose: Purpose) -> [u32; HEAD_SIZE / 4] {
        let [m0, m1, version, size] = purpose.words();
        let halves = |value: u64| [value as u32, (value >> 32) as u32];
        let [hz, hz_high] = halves(self.hz);
        let [len, len_high] = halves(self.len);
        let [lost, lost_high] = halves(self.lost);
        [
            m0, m1, version, size, hz, hz_high, len, len_high, lost, lost_high,
        ]
    }

    /// Reads a head back.
    pub fn from_bytes(bytes: &[u8; HEAD_SIZE], purpose: Purpose) -> Result<Head, BadHead> {
        let mut words = [0; HEAD_SIZE / 4];
        for (word, four) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            let mut value = [0; 4];
            value.copy_from_slice(four);
            *word = u32::from_le_bytes(value);
        }
        let [
            m0,
            m1,
            version,
            size,
            hz,
            hz_high,
            len,
            len_high,
            lost,
            lost_high,
        ] = words;
        let own = purpose.words();
        if [m0, m1] != [own[0], own[1]] {
            return Err(BadHead::Foreign);
        }
        if [version, size] != [own[2], own[3]] {
            return Err(BadHead::Version(version));
        }
        let joined = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
        Ok(Head {
            hz: joined(hz, hz_high),
            len: joined(len, len_high),
            lost: joined(lost, lost_high),
        })
    }
}
