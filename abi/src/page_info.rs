//! The public table of frames at `UPAGES`.
//!
//! The hard thing: programs divide addresses by the size of an entry, and
//! pipes compare `pp_ref` of two pages. So every count is exact whenever a
//! system call has returned, except for the mappings of dead environments,
//! which go away a few tables at a time.

/// One entry; its index is the frame's number. 8 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PageInfo {
    /// A kernel pointer in JOS; always 0 here.
    pub link: u32,
    /// How many user mappings and page-table roles the frame has.
    pub refs: u16,
    /// Always 0.
    pub pad: u16,
}

/// Bytes from one entry to the next.
pub const PAGE_INFO_STRIDE: u32 = 8;
/// Offset of [`PageInfo::refs`] in an entry.
pub const PAGE_INFO_REFS: u32 = 4;
/// The most holds that a frame can have, because `refs` has 16 bits.
pub const MAX_REFS: u32 = u16::MAX as u32;
