//! A disk: the second one of the first IDE channel, where JOS's file server has its
//! file system.
//!
//! By the ATA standard (ATA/ATAPI-6: 7 the registers, 8 the commands, 9 the protocols),
//! with transfers through the data port only, and sectors by number. The hard thing is
//! patience, which a driver must have: after a command, between two sectors, and after
//! the last that was written, the disk is busy for some reads of its status, and takes
//! nothing.
//!
//! It never interrupts. Of the first disk, which is not there, it shows what QEMU does:
//! that is ready, and aborts every command.

mod contents;
mod identity;

use std::ops::Range;
use std::sync::Arc;

pub use contents::{Contents, SECTOR, Sector};

/// The ports of the channel's registers; the first is for data.
const REGISTERS: Range<u16> = 0x1f0..0x1f8;
/// The status without consequences; written, control.
const CONTROL: u16 = 0x3f6;

// Registers, by their distance from the first port.
const DATA: usize = 0;
const ERROR: usize = 1;
const FEATURES: usize = ERROR;
const COUNT: usize = 2;
const LBA_LOW: usize = 3;
const LBA_HIGH: usize = 5;
const DEVICE: usize = 6;
const STATUS: usize = 7;
const COMMAND: usize = STATUS;

const BUSY: u8 = 0x80;
const READY: u8 = 0x40;
const SEEK_DONE: u8 = 0x10;
const DATA_REQUEST: u8 = 0x08;
const FAILED: u8 = 0x01;

/// In the error register: no such sector.
const NOT_FOUND: u8 = 0x10;
/// In the error register: the command is refused.
const ABORTED: u8 = 0x04;

/// In the device register: a sector's number, not a place.
const BY_NUMBER: u8 = 0x40;
/// In the device register: the second disk.
const SECOND: u8 = 0x10;
/// In control: reset as long as this is set.
const RESET: u8 = 0x04;

/// How many reads of the status find the disk busy: more than the four that take the
/// 400 ns in which it does not count.
const PATIENCE: u8 = 6;

/// The channel with its disk. A clone shares the image, and each sector that was
/// written, until one of the two writes it again.
#[derive(Clone, Debug, Hash)]
pub struct Ide {
    /// What is on the disk.
    pub contents: Contents,
    /// As they were written, but for error and status.
    registers: [u8; COMMAND],
    status: u8,
    error: u8,
    /// The status of the first disk.
    absent: u8,
    in_reset: bool,
    /// How many more reads of the status find it busy.
    busy: u8,
    buffer: Sector,
    /// How much of the buffer was moved.
    moved: usize,
    transfer: Transfer,
}

/// What the buffer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Transfer {
    Nothing,
    /// One sector that is not on the disk.
    Identity,
    /// So many sectors, the one in the buffer included.
    Read(u32),
    /// As [`Transfer::Read`].
    Write(u32),
}

impl Ide {
    /// A disk that is ready for its first command, with this image: whole sectors.
    pub fn new(image: Arc<[u8]>) -> Ide {
        let mut disk = Ide {
            contents: Contents::new(image),
            registers: [0; COMMAND],
            status: 0,
            error: 0,
            absent: 0,
            in_reset: false,
            busy: 0,
            buffer: [0; SECTOR],
            moved: 0,
            transfer: Transfer::Nothing,
        };
        disk.reset();
        disk
    }

    /// Whether the port is one of the channel's.
    pub fn has_port(port: u16) -> bool {
        REGISTERS.contains(&port) || port == CONTROL
    }

    /// Reads `size` bytes, 1, 2 or 4, at a port of the channel. All registers but that
    /// of data have one byte, and the next bytes are the next registers.
    pub fn port_in(&mut self, port: u16, size: u32) -> u32 {
        let wide = port == REGISTERS.start && size > 1;
        let mut bytes = [0; 4];
        for (port, byte) in (port..).zip(&mut bytes[..size as usize]) {
            *byte = if wide { self.take() } else { self.read(port) };
        }
        u32::from_le_bytes(bytes)
    }

    /// Writes; otherwise like [`Ide::port_in`].
    pub fn port_out(&mut self, port: u16, size: u32, value: u32) {
        let wide = port == REGISTERS.start && size > 1;
        for (port, &byte) in (port..).zip(&value.to_le_bytes()[..size as usize]) {
            if wide {
                self.give(byte);
            } else {
                self.write(port, byte);
            }
        }
    }

    fn read(&mut self, port: u16) -> u8 {
        match register(port) {
            Some(STATUS) => self.read_status(),
            // The data register does not know single bytes.
            None | Some(DATA) => 0xff,
            Some(_) if self.is_busy() => BUSY,
            Some(ERROR) => self.error,
            Some(other) => self.registers[other],
        }
    }

    fn write(&mut self, port: u16, value: u8) {
        if port == CONTROL {
            self.control(value);
            return;
        }
        match register(port) {
            None | Some(DATA) => {}
            Some(_) if self.is_busy() => {}
            Some(COMMAND) => self.command(value),
            Some(other) => self.registers[other] = value,
        }
    }

    fn is_second(&self) -> bool {
        self.registers[DEVICE] & SECOND != 0
    }

    fn is_busy(&self) -> bool {
        self.in_reset || self.is_second() && self.busy != 0
    }

    fn read_status(&mut self) -> u8 {
        if self.is_busy() {
            self.busy = self.busy.saturating_sub(1);
            BUSY
        } else if self.is_second() {
            self.status
        } else {
            self.absent
        }
    }

    fn control(&mut self, value: u8) {
        let resets = value & RESET != 0;
        if self.in_reset && !resets {
            self.reset();
            self.busy = PATIENCE;
        }
        self.in_reset = resets;
    }

    /// What the standard wants to be found after a reset: 9.12, the signature.
    fn reset(&mut self) {
        self.registers = [0; COMMAND];
        self.registers[COUNT] = 1;
        self.registers[LBA_LOW] = 1;
        self.absent = READY | SEEK_DONE;
        self.error = 1;
        self.rest(SEEK_DONE);
    }

    /// Nothing is to be moved any more.
    fn rest(&mut self, status: u8) {
        self.status = READY | status;
        self.transfer = Transfer::Nothing;
    }

    fn fail(&mut self, error: u8) {
        self.error = error;
        self.rest(FAILED);
    }

    /// The next sector can be moved.
    fn request(&mut self, transfer: Transfer) {
        self.status = READY | SEEK_DONE | DATA_REQUEST;
        self.busy = PATIENCE;
        self.moved = 0;
        self.transfer = transfer;
    }

    fn command(&mut self, command: u8) {
        if !self.is_second() {
            (self.absent, self.error) = (READY | FAILED, ABORTED);
            return;
        }
        self.error = 0;
        self.busy = PATIENCE;
        match command {
            // READ SECTORS and WRITE SECTORS, each with and without retries.
            0x20 | 0x21 => self.begin(Transfer::Read),
            0x30 | 0x31 => self.begin(Transfer::Write),
            // FLUSH CACHE
            0xe7 => self.rest(SEEK_DONE),
            // IDENTIFY DEVICE
            0xec => {
                self.buffer = identity::sector(self.contents.sectors());
                self.request(Transfer::Identity);
            }
            // SET FEATURES
            0xef if self.can_set() => self.rest(SEEK_DONE),
            _ => self.fail(ABORTED),
        }
    }

    /// Whether the write cache is to be on or off, or the mode of transfer one of those
    /// without DMA. Neither makes a difference.
    fn can_set(&self) -> bool {
        match self.registers[FEATURES] {
            0x02 | 0x82 => true,
            0x03 => matches!(self.registers[COUNT], 0x00 | 0x01 | 0x08..=0x0c),
            _ => false,
        }
    }

    fn begin(&mut self, transfer: fn(u32) -> Transfer) {
        let count = match self.registers[COUNT] {
            0 => 256,
            count => u32::from(count),
        };
        if self.registers[DEVICE] & BY_NUMBER == 0 {
            return self.fail(ABORTED);
        }
        self.go_on(transfer(count));
    }

    /// Goes on with the sector that the registers name.
    fn go_on(&mut self, transfer: Transfer) {
        let number = self.number();
        match (transfer, self.contents.read(number)) {
            (Transfer::Read(0) | Transfer::Write(0), _) => self.rest(SEEK_DONE),
            (_, None) => self.fail(NOT_FOUND),
            (_, Some(sector)) => {
                self.buffer = *sector;
                self.request(transfer);
            }
        }
    }

    /// The sector that the registers name.
    fn number(&self) -> u32 {
        let registers = &self.registers;
        let bytes = [LBA_LOW, LBA_LOW + 1, LBA_HIGH].map(|register| registers[register]);
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], registers[DEVICE] & 0xf])
    }

    /// A sector was moved: the registers name the next one.
    fn advance(&mut self) {
        let [low, middle, high, top] = (self.number() + 1).to_le_bytes();
        self.registers[LBA_LOW..=LBA_HIGH].copy_from_slice(&[low, middle, high]);
        self.registers[DEVICE] = self.registers[DEVICE] & 0xf0 | top & 0xf;
        self.registers[COUNT] = self.registers[COUNT].wrapping_sub(1);
    }

    /// Whether data may pass now, and their place in the buffer.
    fn place(&mut self, written: bool) -> Option<usize> {
        let asks = match self.transfer {
            Transfer::Nothing => false,
            Transfer::Write(_) => written,
            Transfer::Identity | Transfer::Read(_) => !written,
        };
        let passes = asks && self.is_second() && !self.is_busy();
        passes.then_some(self.moved)
    }

    fn take(&mut self) -> u8 {
        let Some(place) = self.place(false) else {
            return 0;
        };
        let byte = self.buffer[place];
        self.moved();
        byte
    }

    fn give(&mut self, byte: u8) {
        if let Some(place) = self.place(true) {
            self.buffer[place] = byte;
            self.moved();
        }
    }

    /// One more byte was.
    fn moved(&mut self) {
        self.moved += 1;
        if self.moved < SECTOR {
            return;
        }
        match self.transfer {
            Transfer::Nothing => {}
            Transfer::Identity => self.rest(SEEK_DONE),
            Transfer::Read(left) => {
                self.advance();
                self.go_on(Transfer::Read(left - 1));
            }
            Transfer::Write(left) => {
                self.contents.write(self.number(), self.buffer);
                self.advance();
                self.busy = PATIENCE;
                self.go_on(Transfer::Write(left - 1));
            }
        }
    }
}

/// The register at a port.
fn register(port: u16) -> Option<usize> {
    match port {
        CONTROL => Some(STATUS),
        _ if REGISTERS.contains(&port) => Some(usize::from(port - REGISTERS.start)),
        _ => None,
    }
}
