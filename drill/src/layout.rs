//! Where things are, the same on every machine, because registers tell of it.
//!
//! All of it lies in the first 64 KiB, so that addresses of 16 bits reach it.

/// Size of a page.
pub const PAGE: u32 = 4096;
/// The page with the pointer to the exit.
pub const CONTROL: u32 = 0x3000;
/// Holds the address that a case jumps to when it is done.
pub const EXIT_POINTER: u32 = CONTROL;
/// The page with the code.
pub const CODE: u32 = 0x5000;
/// Memory that instructions work on, half of it in each of two pages.
pub const ARENA: u32 = 0x9000 - ARENA_SIZE as u32 / 2;
/// Its size in bytes.
pub const ARENA_SIZE: usize = 512;
/// In the middle of the arena.
pub const MIDDLE: u32 = ARENA + ARENA_SIZE as u32 / 2;
/// The pages that have to be there.
pub const PAGES: [u32; 4] = [CONTROL, CODE, MIDDLE - PAGE, MIDDLE];

/// The code segment of ring 3.
pub const CODE_SELECTOR: u16 = 0x1b;
/// The data segment of ring 3.
pub const DATA_SELECTOR: u16 = 0x23;
