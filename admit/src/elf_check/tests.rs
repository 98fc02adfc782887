//! Hostile and broken files, each one step away from a good one.

use super::*;

/// Byte offsets in an ELF32 header and program header.
mod at {
    pub const CLASS: usize = 4;
    pub const DATA: usize = 5;
    pub const TYPE: usize = 16;
    pub const MACHINE: usize = 18;
    pub const ENTRY: usize = 24;
    pub const PHOFF: usize = 28;
    pub const PHENTSIZE: usize = 42;
    pub const PHNUM: usize = 44;
    pub const PROGRAM_HEADER: usize = 52;
    pub const P_TYPE: usize = PROGRAM_HEADER;
    pub const P_OFFSET: usize = PROGRAM_HEADER + 4;
    pub const P_VADDR: usize = PROGRAM_HEADER + 8;
    pub const P_FILESZ: usize = PROGRAM_HEADER + 16;
    pub const P_MEMSZ: usize = PROGRAM_HEADER + 20;
    pub const CODE: usize = PROGRAM_HEADER + 32;
}

const MEMORY_MIB: u32 = 128;
/// These files have no symbols.
const GUESSED: Edition = Edition::Guessed(Personality::Lab4);

fn put16(image: &mut [u8], offset: usize, value: u16) {
    image[offset..offset + 2].copy_from_slice(&value.to_le_bytes());
}

fn put32(image: &mut [u8], offset: usize, value: u32) {
    image[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
}

/// The smallest good program: one segment with a two-byte endless loop.
fn good() -> Vec<u8> {
    let mut image = vec![0; at::CODE];
    image[..4].copy_from_slice(b"\x7fELF");
    image[at::CLASS] = 1;
    image[at::DATA] = 1;
    image[6] = 1;
    put16(&mut image, at::TYPE, 2);
    put16(&mut image, at::MACHINE, 3);
    put32(&mut image, 20, 1);
    put32(&mut image, at::ENTRY, 0x80_0020);
    put32(&mut image, at::PHOFF, at::PROGRAM_HEADER as u32);
    put16(&mut image, 40, 52);
    put16(&mut image, at::PHENTSIZE, 32);
    put16(&mut image, at::PHNUM, 1);
    put32(&mut image, at::P_TYPE, 1);
    put32(&mut image, at::P_OFFSET, at::CODE as u32);
    put32(&mut image, at::P_VADDR, 0x80_0020);
    put32(&mut image, at::P_FILESZ, 2);
    put32(&mut image, at::P_MEMSZ, 2);
    image.extend([0xEB, 0xFE]);
    image
}

fn with(change: impl FnOnce(&mut Vec<u8>)) -> Result<Edition, ElfError> {
    let mut image = good();
    change(&mut image);
    check(&image, MEMORY_MIB)
}

fn segment_error(change: impl FnOnce(&mut Vec<u8>)) -> SegmentError {
    match with(change) {
        Err(ElfError::BadSegment { index: 0, problem }) => problem,
        other => panic!("expected a bad segment, got {other:?}"),
    }
}

#[test]
fn the_good_one_is_accepted() {
    assert_eq!(with(|_| ()), Ok(GUESSED));
}

#[test]
fn other_kinds_of_file_are_named() {
    assert_eq!(check(b"", MEMORY_MIB), Err(ElfError::NotElf));
    assert_eq!(check(b"#!/bin/sh\n", MEMORY_MIB), Err(ElfError::NotElf));
    assert_eq!(with(|e| e[at::CLASS] = 2), Err(ElfError::Not32Bit));
    assert_eq!(with(|e| e[at::DATA] = 2), Err(ElfError::BigEndian));
    let arm = with(|e| put16(e, at::MACHINE, 40));
    assert_eq!(arm, Err(ElfError::WrongMachine(40)));
    let shared = with(|e| put16(e, at::TYPE, 3));
    assert_eq!(shared, Err(ElfError::WrongType(3)));
}

#[test]
fn every_truncation_is_refused() {
    let image = good();
    for length in 0..image.len() {
        let result = check(&image[..length], MEMORY_MIB);
        assert!(result.is_err(), "{length} bytes were accepted");
    }
}

#[test]
fn tables_must_make_sense() {
    let many = with(|e| {
        e.resize(at::PROGRAM_HEADER + 65 * 32, 0);
        put16(e, at::PHNUM, 65);
    });
    assert_eq!(many, Err(ElfError::TooManySegments(65)));
    assert!(with(|e| put16(e, at::PHNUM, 0xFFF0)).is_err());
    assert!(with(|e| put32(e, at::PHOFF, 0xFFFF_FFF0)).is_err());
    assert!(with(|e| put16(e, at::PHENTSIZE, 31)).is_err());
    assert!(with(|e| put16(e, at::PHNUM, 0)).is_err());
    assert_eq!(
        with(|e| put32(e, at::P_TYPE, 4)),
        Err(ElfError::NothingToLoad)
    );
}

#[test]
fn segments_must_fit_the_file_and_the_address_space() {
    use SegmentError::*;
    assert_eq!(
        segment_error(|e| put32(e, at::P_MEMSZ, 1)),
        FileLargerThanMemory
    );
    assert_eq!(segment_error(|e| put32(e, at::P_OFFSET, 85)), BeyondFile);
    assert_eq!(
        segment_error(|e| put32(e, at::P_OFFSET, u32::MAX)),
        BeyondFile
    );
    assert_eq!(
        segment_error(|e| put32(e, at::P_VADDR, 0xEEBF_FFFF)),
        AboveUtop
    );
    assert_eq!(
        segment_error(|e| put32(e, at::P_VADDR, 0xF010_0000)),
        AboveUtop
    );
    assert_eq!(
        segment_error(|e| put32(e, at::P_VADDR, u32::MAX)),
        AboveUtop
    );
    assert_eq!(
        segment_error(|e| put32(e, at::P_MEMSZ, u32::MAX)),
        AboveUtop
    );
}

#[test]
fn the_last_byte_below_utop_may_be_used() {
    let result = with(|e| {
        put32(e, at::P_VADDR, 0xEEBF_FFFE);
        put32(e, at::ENTRY, 0xEEBF_FFFE);
    });
    assert_eq!(result, Ok(GUESSED));
}

#[test]
fn the_entry_point_must_be_loaded() {
    for entry in [0, 0x80_001F, 0x80_0022, 0xF010_0000] {
        assert_eq!(
            with(|e| put32(e, at::ENTRY, entry)),
            Err(ElfError::EntryOutside(u64::from(entry)))
        );
    }
}

#[test]
fn it_must_fit_the_machine() {
    let large = |memory| {
        let mut image = good();
        put32(&mut image, at::P_MEMSZ, 100 << 20);
        check(&image, memory)
    };
    assert_eq!(large(128), Ok(GUESSED));
    assert_eq!(
        large(64),
        Err(ElfError::TooBig {
            needed_mib: 101,
            given_mib: 64
        })
    );
}
