//! What the disk says of itself: the answer to IDENTIFY DEVICE (ATA/ATAPI-6, 8.16).
//!
//! The hard thing is its text: each word has the first of its two letters above.

use super::contents::{SECTOR, Sector};

/// How many sectors a command can name with 28 bits.
const NAMEABLE: u32 = 1 << 28;

/// The answer of a disk of so many sectors.
pub fn sector(sectors: u32) -> Sector {
    let sectors = sectors.min(NAMEABLE);
    let mut words = [0; SECTOR / 2];
    // Not removable.
    words[0] = 0x0040;
    text(&mut words[10..20], "1");
    text(&mut words[23..27], "1.0");
    text(&mut words[27..47], "JOSTLE DISK");
    // Sectors by number.
    words[49] = 1 << 9;
    words[60] = sectors as u16;
    words[61] = (sectors >> 16) as u16;
    // ATA-4, -5 and -6.
    words[80] = 7 << 4;
    // FLUSH CACHE and a write cache: known, and on.
    (words[82], words[83], words[84]) = (1 << 5, 1 << 14 | 1 << 12, 1 << 14);
    (words[85], words[86], words[87]) = (1 << 5, 1 << 12, 1 << 14);
    let mut sector = [0; SECTOR];
    for (bytes, word) in sector.chunks_exact_mut(2).zip(words) {
        bytes.copy_from_slice(&u16::to_le_bytes(word));
    }
    sector
}

/// Text, with blanks behind it.
fn text(words: &mut [u16], text: &str) {
    let mut letters = text.bytes().chain(std::iter::repeat(b' '));
    for word in words {
        let pair = [(); 2].map(|()| letters.next().unwrap_or(b' '));
        *word = u16::from_be_bytes(pair);
    }
}
