//! The head of a trace's file.
//!
//! The file is a memory that the kernel writes, and may be cut off with the
//! machine at any moment. So its head says how far it is good, and is brought
//! up to date after the records that it speaks of.
//!
//! ```text
//! byte    0   magic, 8 bytes
//!         8   version
//!        12   bytes of a record
//!        16   ticks in a second, 64 bits
//!        24   bytes of records, 64 bits
//!        32   records lost, 64 bits
//!     4,096   the records
//! ```
//! All numbers are little-endian; those without a size have 32 bits.

/// What a trace begins with.
pub const MAGIC: [u8; 8] = *b"JOSTRACE";
/// Version of the format. It is raised with every change.
pub const VERSION: u32 = 1;
/// Where the records begin, in bytes.
pub const RECORDS: u32 = 4096;
/// Bytes of a head.
pub const HEAD_SIZE: usize = 40;
/// The word of the head that [`Head::len`] begins with; the other half follows.
pub const LEN_WORD: usize = 6;
/// The same of [`Head::lost`].
pub const LOST_WORD: usize = 8;

/// A file's head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Ticks in a second.
    pub hz: u64,
    /// Bytes of records.
    pub len: u64,
    /// Records that were lost, for want of room.
    pub lost: u64,
}

/// Why something is not the head of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadHead {
    /// It is something else.
    Foreign,
    /// It is of another version of the format.
    Version(u32),
}

impl Head {
    /// As it stands in the file: ten words.
    pub fn words(&self) -> [u32; HEAD_SIZE / 4] {
        let [m0, m1, m2, m3, m4, m5, m6, m7] = MAGIC;
        let halves = |value: u64| [value as u32, (value >> 32) as u32];
        let [hz, hz_high] = halves(self.hz);
        let [len, len_high] = halves(self.len);
        let [lost, lost_high] = halves(self.lost);
        [
            u32::from_le_bytes([m0, m1, m2, m3]),
            u32::from_le_bytes([m4, m5, m6, m7]),
            VERSION,
            super::RECORD_SIZE as u32,
            hz,
            hz_high,
            len,
            len_high,
            lost,
            lost_high,
        ]
    }

    /// The head that these bytes are.
    pub fn from_bytes(bytes: &[u8; HEAD_SIZE]) -> Result<Head, BadHead> {
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
        let own = Head::default().words();
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
