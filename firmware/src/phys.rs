//! The one way for this crate to read physical memory.
//!
//! The hard thing is what is *not* here: a pointer. Tables lie anywhere below
//! 4 GiB, mostly above what the kernel maps, so the kernel implements
//! [`PhysBytes`] through a temporary mapping, and tests through a vector.

/// Physical memory that can be copied from.
pub trait PhysBytes {
    /// Copies the bytes at physical address `pa` and up into `out`; false if
    /// any of them cannot be read, and `out` is then unspecified.
    ///
    /// Callers in this crate never ask for bytes at or above 4 GiB, and for at
    /// most [`CHUNK`] bytes at once, but at any alignment: a read may cross
    /// from one page into the next.
    fn read(&self, pa: u32, out: &mut [u8]) -> bool;
}

/// The most bytes that this crate asks for in one read.
pub const CHUNK: usize = 1024;

/// One past the last physical address that a 32-bit kernel without PAE has.
pub const FOUR_GIB: u64 = 1 << 32;

/// Copies `out.len()` bytes, if all of them lie below 4 GiB.
fn read_checked(memory: &impl PhysBytes, pa: u32, out: &mut [u8]) -> Option<()> {
    let in_reach = u64::from(pa) + out.len() as u64 <= FOUR_GIB;
    (in_reach && memory.read(pa, out)).then_some(())
}

/// The `N` bytes at `pa + offset`.
pub(crate) fn bytes_at<const N: usize>(
    memory: &impl PhysBytes,
    pa: u32,
    offset: u32,
) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    read_checked(memory, pa.checked_add(offset)?, &mut bytes)?;
    Some(bytes)
}

/// Whether the `len` bytes at `pa` sum to zero modulo 256, the checksum of
/// ACPI and of the MP specification; false if they cannot all be read.
pub(crate) fn sums_to_zero(memory: &impl PhysBytes, pa: u32, len: u32) -> bool {
    byte_sum(memory, pa, len) == Some(0)
}

/// The sum modulo 256 of the `len` bytes at `pa`.
pub(crate) fn byte_sum(memory: &impl PhysBytes, pa: u32, len: u32) -> Option<u8> {
    let mut buffer = [0; CHUNK];
    let mut sum = 0u8;
    let mut done = 0u32;
    while done < len {
        let want = (len - done).min(CHUNK as u32);
        let chunk = buffer.get_mut(..want as usize)?;
        read_checked(memory, pa.checked_add(done)?, chunk)?;
        sum = chunk.iter().fold(sum, |sum, byte| sum.wrapping_add(*byte));
        done += want;
    }
    Some(sum)
}

/// The address of the first 16-byte paragraph of `[start, start + len)` that
/// begins with `signature` and that `accept` takes.
///
/// Reads a [`CHUNK`] at a time, because each read costs the kernel a mapping, and
/// the window to search has 8,192 paragraphs.
pub(crate) fn find_paragraph(
    memory: &impl PhysBytes,
    start: u32,
    len: u32,
    signature: &[u8],
    accept: impl Fn(u32) -> bool,
) -> Option<u32> {
    let mut buffer = [0; CHUNK];
    let mut done = 0u32;
    while done < len {
        let want = (len - done).min(CHUNK as u32);
        let base = start.checked_add(done)?;
        let chunk = buffer.get_mut(..want as usize)?;
        read_checked(memory, base, chunk)?;
        let found = chunk
            .chunks(16)
            .zip((0u32..).step_by(16))
            .filter(|(paragraph, _)| paragraph.starts_with(signature))
            .filter_map(|(_, offset)| base.checked_add(offset))
            .find(|pa| accept(*pa));
        if found.is_some() {
            return found;
        }
        done += want;
    }
    None
}

/// The little-endian 16-bit word at `offset` in `bytes`, 0 beyond their end.
pub(crate) fn u16_in(bytes: &[u8], offset: usize) -> u16 {
    array_in(bytes, offset).map_or(0, u16::from_le_bytes)
}

/// The little-endian 32-bit word at `offset` in `bytes`, 0 beyond their end.
pub(crate) fn u32_in(bytes: &[u8], offset: usize) -> u32 {
    array_in(bytes, offset).map_or(0, u32::from_le_bytes)
}

/// The little-endian 64-bit word at `offset` in `bytes`, 0 beyond their end.
pub(crate) fn u64_in(bytes: &[u8], offset: usize) -> u64 {
    array_in(bytes, offset).map_or(0, u64::from_le_bytes)
}

/// The byte at `offset` in `bytes`, 0 beyond their end.
pub(crate) fn u8_in(bytes: &[u8], offset: usize) -> u8 {
    bytes.get(offset).copied().unwrap_or(0)
}

fn array_in<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}
