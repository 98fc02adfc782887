//! The disk as its driver sees it: registers in, registers out.
//!
//! The hard thing is time: each test waits as a driver has to, and what happens to one
//! that does not is a test of its own.

use pc::ide::{Ide, SECTOR};
use std::hash::{DefaultHasher, Hash, Hasher};

const DATA: u16 = 0x1f0;
const ERROR: u16 = 0x1f1;
const FEATURES: u16 = ERROR;
const COUNT: u16 = 0x1f2;
const LBA_LOW: u16 = 0x1f3;
const DEVICE: u16 = 0x1f6;
const STATUS: u16 = 0x1f7;
const COMMAND: u16 = STATUS;
const CONTROL: u16 = 0x3f6;

const READ: u8 = 0x20;
const WRITE: u8 = 0x30;
const FLUSH: u8 = 0xe7;
const IDENTIFY: u8 = 0xec;
const SET_FEATURES: u8 = 0xef;

/// Ready, nothing to be moved.
const RESTS: u32 = 0x50;
/// A sector can be moved.
const ASKS: u32 = 0x58;
/// Ready, after an error.
const FAILED: u32 = 0x41;

/// A disk whose sectors are filled with their numbers.
fn disk(sectors: usize) -> Ide {
    let image: Vec<u8> = (0..sectors * SECTOR)
        .map(|byte| (byte / SECTOR) as u8)
        .collect();
    Ide::new(image.into())
}

/// The status, once it is no longer busy.
fn status(disk: &mut Ide) -> u32 {
    for _ in 0..100 {
        match disk.port_in(STATUS, 1) {
            0x80 => {}
            status => return status,
        }
    }
    panic!("busy for ever");
}

/// Starts a command for `count` sectors from `first` on.
fn start(disk: &mut Ide, command: u8, first: u32, count: u8) {
    let [low, middle, high, top] = first.to_le_bytes();
    disk.port_out(DEVICE, 1, u32::from(0xf0 | top));
    disk.port_out(COUNT, 1, count.into());
    for (port, byte) in (LBA_LOW..).zip([low, middle, high]) {
        disk.port_out(port, 1, byte.into());
    }
    disk.port_out(COMMAND, 1, command.into());
}

fn take(disk: &mut Ide, size: u32) -> Vec<u8> {
    let parts = (0..SECTOR as u32 / size).map(|_| disk.port_in(DATA, size));
    let bytes = parts.flat_map(|part| part.to_le_bytes().into_iter().take(size as usize));
    bytes.collect()
}

fn give(disk: &mut Ide, size: u32, byte: u8) {
    for _ in 0..SECTOR as u32 / size {
        disk.port_out(DATA, size, u32::from_le_bytes([byte; 4]));
    }
}

#[test]
fn it_says_how_large_it_is() {
    let mut disk = disk(70_000);
    start(&mut disk, IDENTIFY, 0, 0);
    assert_eq!(status(&mut disk), ASKS);
    let identity = take(&mut disk, 2);
    let word = |index: usize| u16::from_le_bytes([identity[2 * index], identity[2 * index + 1]]);
    assert_eq!(u32::from(word(60)) | u32::from(word(61)) << 16, 70_000);
    assert_ne!(word(49) & 1 << 9, 0, "sectors by number");
    assert_eq!(word(27), u16::from_be_bytes(*b"JO"));
    assert_eq!(status(&mut disk), RESTS);
}

#[test]
fn sectors_are_read_in_order_and_in_any_width() {
    for size in [2, 4] {
        let mut disk = disk(12);
        start(&mut disk, READ, 8, 3);
        for sector in 8..11 {
            assert_eq!(status(&mut disk), ASKS);
            assert_eq!(take(&mut disk, size), [sector; SECTOR]);
        }
        // At once: nothing is left to be done.
        assert_eq!(disk.port_in(STATUS, 1), RESTS);
        assert_eq!(disk.port_in(DATA, size), 0);
    }
}

#[test]
fn a_count_of_nothing_is_256() {
    let mut disk = disk(300);
    start(&mut disk, READ, 0, 0);
    let mut sectors = 0;
    while status(&mut disk) == ASKS {
        take(&mut disk, 4);
        sectors += 1;
    }
    assert_eq!((sectors, status(&mut disk)), (256, RESTS));
}

#[test]
fn what_is_written_is_there_and_is_told_once() {
    let mut disk = disk(6);
    let before = disk.clone();
    start(&mut disk, WRITE, 2, 2);
    for (size, byte) in [(2, 0xaa), (4, 0xbb)] {
        assert_eq!(status(&mut disk), ASKS);
        give(&mut disk, size, byte);
    }
    // It has taken it, and is not done.
    assert_eq!(disk.port_in(STATUS, 1), 0x80);
    assert_eq!(status(&mut disk), RESTS);
    disk.port_out(COMMAND, 1, FLUSH.into());
    assert_eq!(status(&mut disk), RESTS);
    let mut written = Vec::new();
    disk.contents
        .take_written(|number, sector| written.push((number, sector[0], sector[511])));
    assert_eq!(written, [(2, 0xaa, 0xaa), (3, 0xbb, 0xbb)]);
    disk.contents
        .take_written(|number, _| panic!("{number} again"));
    start(&mut disk, READ, 3, 1);
    assert_eq!(status(&mut disk), ASKS);
    assert_eq!(take(&mut disk, 4), [0xbb; SECTOR]);
    // A clone is another disk.
    assert_eq!(before.contents.read(3), Some(&[3; SECTOR]));
}

#[test]
fn there_is_nothing_beyond_the_end() {
    let mut disk = disk(4);
    start(&mut disk, READ, 3, 2);
    assert_eq!(status(&mut disk), ASKS);
    take(&mut disk, 4);
    assert_eq!(status(&mut disk), FAILED);
    assert_eq!(disk.port_in(ERROR, 1), 0x10);
    start(&mut disk, WRITE, 1 << 27, 1);
    assert_eq!(status(&mut disk), FAILED);
    start(&mut disk, READ, 0, 1);
    assert_eq!(status(&mut disk), ASKS);
}

/// Commands that it lacks, sectors by place, transfers by DMA.
#[test]
fn what_it_does_not_know_it_aborts() {
    let mut disk = disk(4);
    let mut aborts = |device: u32, features: u32, count: u32, command: u8| {
        disk.port_out(DEVICE, 1, device);
        disk.port_out(FEATURES, 1, features);
        disk.port_out(COUNT, 1, count);
        disk.port_out(COMMAND, 1, command.into());
        let failed = status(&mut disk) == FAILED;
        failed && disk.port_in(ERROR, 1) == 4
    };
    assert!(aborts(0xf0, 0, 1, 0xc8));
    assert!(aborts(0xb0, 0, 1, READ));
    assert!(aborts(0xf0, 0x03, 0x20, SET_FEATURES));
    assert!(!aborts(0xf0, 0x03, 0x08, SET_FEATURES));
    assert!(!aborts(0xf0, 0x02, 0, SET_FEATURES));
}

/// The first disk is not there. It is ready, so that a driver that asks it first does
/// not wait for ever, and can do nothing.
#[test]
fn of_the_first_disk_only_registers_are_there() {
    let mut disk = disk(4);
    disk.port_out(DEVICE, 1, 0xe0);
    assert_eq!(disk.port_in(STATUS, 1), RESTS);
    disk.port_out(COMMAND, 1, IDENTIFY.into());
    assert_eq!(disk.port_in(STATUS, 1), FAILED);
    disk.port_out(DEVICE, 1, 0xf0);
    assert_eq!(status(&mut disk), RESTS);
}

#[test]
fn while_it_is_busy_it_takes_nothing() {
    let mut disk = disk(4);
    start(&mut disk, READ, 1, 1);
    // Its driver does not wait.
    assert_eq!(disk.port_in(DATA, 2), 0);
    disk.port_out(COMMAND, 1, WRITE.into());
    assert_eq!(status(&mut disk), ASKS);
    assert_eq!(take(&mut disk, 2), [1; SECTOR]);
}

#[test]
fn a_reset_ends_everything() {
    let mut disk = disk(4);
    start(&mut disk, READ, 1, 1);
    assert_eq!(status(&mut disk), ASKS);
    disk.port_out(CONTROL, 1, 0x06);
    assert_eq!(disk.port_in(CONTROL, 1), 0x80);
    disk.port_out(CONTROL, 1, 0x02);
    disk.port_out(DEVICE, 1, 0xf0);
    assert_eq!(status(&mut disk), 0x50);
    // The signature of a disk.
    let signature = [ERROR, COUNT, LBA_LOW, LBA_LOW + 1, LBA_LOW + 2];
    assert_eq!(signature.map(|port| disk.port_in(port, 1)), [1, 1, 1, 0, 0]);
}

/// What was written is part of the disk's value; what was told of it is not.
#[test]
fn what_is_written_changes_its_number() {
    let number = |disk: &Ide| {
        let mut hasher = DefaultHasher::new();
        disk.hash(&mut hasher);
        hasher.finish()
    };
    let mut disk = disk(4);
    start(&mut disk, WRITE, 1, 1);
    assert_eq!(status(&mut disk), ASKS);
    give(&mut disk, 4, 1);
    assert_eq!(status(&mut disk), RESTS);
    start(&mut disk, READ, 1, 0);
    disk.port_out(CONTROL, 1, 0x06);
    disk.port_out(CONTROL, 1, 0x02);
    let mut other = self::disk(4);
    start(&mut other, READ, 1, 0);
    other.port_out(CONTROL, 1, 0x06);
    other.port_out(CONTROL, 1, 0x02);
    // The registers are the same by now.
    assert_ne!(number(&disk), number(&other));
    let written = number(&disk);
    disk.contents.take_written(|_, _| {});
    assert_eq!(number(&disk), written);
}
