//! The second disk of the first IDE channel, where JOS's lab 5 has its file
//! system: found, and read and written sector by sector.
//!
//! The ways and numbers are the ATA standard's (ATA/ATAPI-6: 7 the registers,
//! 8.12 FLUSH CACHE, 8.16 IDENTIFY DEVICE, 8.35 READ SECTORS, 8.63 WRITE SECTORS, 9.5 and
//! 9.6 the PIO protocols). The
//! hard thing is patience: the status means nothing until 400 ns after a
//! command, nothing but BSY while that is set, and a disk that never answers
//! must not hang its driver. Transfers go through the processor, with the
//! disk's interrupt off; nothing here lets a device touch memory by itself.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use user::{Error, port, sys};

/// Bytes in a sector.
pub const SECTOR: u32 = 512;
const SECTOR_WORDS: usize = SECTOR as usize / 4;

const DATA: u16 = 0x1f0;
const SECTOR_COUNT: u16 = 0x1f2;
const LBA_LOW: u16 = 0x1f3;
const LBA_MID: u16 = 0x1f4;
const LBA_HIGH: u16 = 0x1f5;
const DEVICE: u16 = 0x1f6;
const STATUS: u16 = 0x1f7;
const COMMAND: u16 = STATUS;
/// The status again, but reading it has no effect; and when written, control.
const CONTROL: u16 = 0x3f6;

const BUSY: u8 = 0x80;
const FAULT: u8 = 0x20;
const DATA_REQUEST: u8 = 0x08;
const ERROR: u8 = 0x01;

/// In `DEVICE`: the second disk, and sectors by number.
const SECOND: u8 = 0xf0;
/// In `CONTROL`: no interrupts.
const NO_INTERRUPTS: u8 = 0x02;

const READ_SECTORS: u8 = 0x20;
const WRITE_SECTORS: u8 = 0x30;
const FLUSH_CACHE: u8 = 0xe7;
const IDENTIFY: u8 = 0xec;

/// One past the sectors that 28 bits can name.
const NAMEABLE: u32 = 1 << 28;
/// How often the status is read before the disk is given up.
const PATIENCE: u32 = 1_000_000;

/// How many sectors the disk has; `None` if there is no disk.
pub fn sectors() -> Option<u32> {
    write(CONTROL, NO_INTERRUPTS);
    write(DEVICE, SECOND);
    command(IDENTIFY);
    // Where there is no disk nothing drives the bus: all zeros, or all ones.
    if matches!(status(), 0 | 0xff) {
        return None;
    }
    await_data().ok()?;
    let identity = [const { AtomicU32::new(0) }; SECTOR_WORDS];
    take(&identity);
    // The standard's words 60 and 61: how many sectors can be named so.
    Some(identity[30].load(Relaxed))
}

/// Fills `to` with so many sectors from `first` on: as many as fit in it.
///
/// # Errors
/// `Inval` if there are no such sectors; `Unspecified` if the disk cannot.
pub fn read(first: u32, to: &[AtomicU32]) -> Result<(), Error> {
    for (sector, to) in (first..).zip(to.chunks_exact(SECTOR_WORDS)) {
        address(sector)?;
        command(READ_SECTORS);
        await_data()?;
        take(to);
    }
    Ok(())
}

/// Writes sectors from `first` on, as many as `from` fills. When this returns, they are on
/// the disk.
///
/// # Errors
/// As [`read()`].
pub fn store(first: u32, from: &[AtomicU32]) -> Result<(), Error> {
    for (sector, from) in (first..).zip(from.chunks_exact(SECTOR_WORDS)) {
        address(sector)?;
        command(WRITE_SECTORS);
        await_data()?;
        give(from);
        await_rest()?;
    }
    command(FLUSH_CACHE);
    await_rest()
}

/// Names the sector that the next command is about.
fn address(sector: u32) -> Result<(), Error> {
    if sector >= NAMEABLE {
        return Err(Error::Inval);
    }
    let [low, mid, high, top] = sector.to_le_bytes();
    write(DEVICE, SECOND | top);
    write(SECTOR_COUNT, 1);
    write(LBA_LOW, low);
    write(LBA_MID, mid);
    write(LBA_HIGH, high);
    Ok(())
}

/// What the disk says of itself. The instruction that needs IOPL 3.
pub fn status() -> u8 {
    // SAFETY: reading the status changes no memory.
    unsafe { port::read8(STATUS) }
}

fn command(command: u8) {
    write(COMMAND, command);
    // Four reads of a register take the 400 ns until the status counts.
    for _ in 0..4 {
        // SAFETY: reading it has no effect at all.
        unsafe { port::read8(CONTROL) };
    }
}

fn write(port: u16, byte: u8) {
    // SAFETY: only this channel's registers are written, and only commands
    // that move data through `DATA`, by the processor.
    unsafe { port::write8(port, byte) };
}

/// Waits until a sector can be taken.
fn await_data() -> Result<(), Error> {
    for _ in 0..PATIENCE {
        match status() {
            status if status & BUSY != 0 => sys::yield_now(),
            status if status & (ERROR | FAULT) != 0 => return Err(Error::Unspecified),
            status if status & DATA_REQUEST != 0 => return Ok(()),
            _ => sys::yield_now(),
        }
    }
    Err(Error::Unspecified)
}

/// Waits until the disk is done with what it was given.
fn await_rest() -> Result<(), Error> {
    for _ in 0..PATIENCE {
        match status() {
            status if status & BUSY != 0 => sys::yield_now(),
            status if status & (ERROR | FAULT) != 0 => return Err(Error::Unspecified),
            _ => return Ok(()),
        }
    }
    Err(Error::Unspecified)
}

/// Gives the disk a sector.
fn give(from: &[AtomicU32]) {
    for word in from {
        let word = word.load(Relaxed);
        for half in [word as u16, (word >> 16) as u16] {
            // SAFETY: the disk takes it into its buffer.
            unsafe { port::write16(DATA, half) };
        }
    }
}

/// Takes a sector.
fn take(to: &[AtomicU32]) {
    for word in to {
        // SAFETY: the disk hands over its buffer, two bytes at a time.
        let [low, high] = [(); 2].map(|()| u32::from(unsafe { port::read16(DATA) }));
        word.store(low | high << 16, Relaxed);
    }
}
