//! Files that a linker could make, files that none would, and what becomes of
//! them.

use abi::layout::PGSIZE;
use launch::{BadImage, Image, Page, STACK};

/// A segment: address, bytes in the file, bytes in memory, flags.
type Segment<'a> = (u32, &'a [u8], u32, u32);

const READ: u32 = 4;
const EXECUTE: u32 = 5;
const WRITE: u32 = 6;
const LOAD: u32 = 1;

fn word(file: &mut [u8], place: usize, value: u32) {
    file[place..place + 4].copy_from_slice(&value.to_le_bytes());
}

fn half(file: &mut [u8], place: usize, value: u16) {
    file[place..place + 2].copy_from_slice(&value.to_le_bytes());
}

/// A file with these segments, which starts at 0x800020.
fn file(segments: &[Segment]) -> Vec<u8> {
    let mut file = vec![0; 52 + 32 * segments.len()];
    file[..7].copy_from_slice(b"\x7fELF\x01\x01\x01");
    half(&mut file, 16, 2);
    half(&mut file, 18, 3);
    word(&mut file, 20, 1);
    word(&mut file, 24, 0x80_0020);
    word(&mut file, 28, 52);
    half(&mut file, 42, 32);
    half(&mut file, 44, segments.len() as u16);
    for (index, &(va, bytes, size, flags)) in segments.iter().enumerate() {
        let offset = file.len() as u32;
        let values = [LOAD, offset, va, va, bytes.len() as u32, size, flags, 1];
        for (field, value) in values.into_iter().enumerate() {
            word(&mut file, 52 + index * 32 + field * 4, value);
        }
        file.extend(bytes);
    }
    file
}

/// The program's pages: address, contents, whether it may write them.
fn pages(file: &[u8]) -> Vec<(u32, Page, bool)> {
    let image = Image::parse(file).expect("a program");
    let page = |va| {
        let mut page = [0; PGSIZE as usize];
        let writeable = image.fill(va, &mut page);
        (va, page, writeable)
    };
    image.pages().map(page).collect()
}

fn refused(file: &[u8]) -> BadImage {
    Image::parse(file).expect_err("no program")
}

#[test]
fn text_and_data_have_their_own_rights() {
    let file = file(&[
        (0x80_0020, b"text", 4, EXECUTE),
        (0x80_1000, b"data", 4, WRITE),
    ]);
    assert_eq!(Image::parse(&file).expect("a program").entry(), 0x80_0020);
    let [(text, text_page, false), (data, data_page, true)] = pages(&file)[..] else {
        panic!("two pages");
    };
    assert_eq!((text, data), (0x80_0000, 0x80_1000));
    assert_eq!(text_page[..0x20], [0; 0x20]);
    assert_eq!(&text_page[0x20..0x26], b"text\0\0");
    assert_eq!(&data_page[..6], b"data\0\0");
}

#[test]
fn segments_may_share_a_page() {
    let file = file(&[
        (0x80_0ffe, b"abcd", 4, READ),
        (0x80_1004, b"efgh", 8, WRITE),
        (0x80_1ffd, b"xyz", 3, READ),
    ]);
    let [(0x80_0000, first, false), (0x80_1000, second, true)] = pages(&file)[..] else {
        panic!(
            "{:x?}",
            pages(&file).iter().map(|page| page.0).collect::<Vec<_>>()
        );
    };
    assert_eq!(&first[0xffc..], b"\0\0ab");
    assert_eq!(&second[..12], b"cd\0\0efgh\0\0\0\0");
    assert_eq!(&second[0xffc..], b"\0xyz");
}

#[test]
fn what_the_file_does_not_give_is_zero() {
    let bytes = [7; 0x1234];
    let file = file(&[(0x80_0ff0, &bytes, 0x5000, WRITE)]);
    let pages = pages(&file);
    let places: Vec<u32> = pages.iter().map(|page| page.0).collect();
    let expected: Vec<u32> = (0x80_0000..0x80_5ff0).step_by(0x1000).collect();
    assert_eq!(places, expected);
    let sevens: usize = pages
        .iter()
        .flat_map(|page| page.1)
        .filter(|&byte| byte == 7)
        .count();
    assert_eq!(sevens, bytes.len());
    assert_eq!(pages[0].1[0xfef..0xff1], [0, 7]);
    assert_eq!(pages[2].1[0x223..0x225], [7, 0]);
}

#[test]
fn nothing_is_no_page() {
    assert!(pages(&file(&[])).is_empty());
    assert!(pages(&file(&[(0x80_0020, b"", 0, READ)])).is_empty());
    assert!(pages(&file(&[(0, b"", 0, READ), (0x80_0000, b"", 1, READ)])).len() == 1);
    // Anything but a segment to load is passed over, whatever it says.
    let mut other = file(&[(0xffff_ffff, b"x", 1, READ)]);
    word(&mut other, 52, 0x6474_e551);
    assert!(pages(&other).is_empty());
}

#[test]
fn other_files_are_no_programs() {
    let good = file(&[(0x80_0020, b"text", 4, EXECUTE)]);
    assert_eq!(refused(b""), BadImage::NotProgram);
    assert_eq!(refused(&good[..51]), BadImage::NotProgram);
    let spoilt = |place: usize, byte: u8| {
        let mut file = good.clone();
        file[place] = byte;
        file
    };
    for (place, byte) in [
        (0, b'x'), // magic
        (4, 2),    // 64-bit
        (5, 2),    // big-endian
        (6, 9),    // version
        (16, 3),   // shared object
        (18, 62),  // amd64
        (42, 56),  // size of a program header
        (44, 65),  // number of program headers
    ] {
        assert_eq!(
            refused(&spoilt(place, byte)),
            BadImage::NotProgram,
            "{place}"
        );
    }
}

#[test]
fn what_is_missing_is_noticed() {
    let good = file(&[
        (0x80_0020, b"text", 4, EXECUTE),
        (0x80_1000, b"data", 4, WRITE),
    ]);
    for len in 52..good.len() {
        assert_eq!(refused(&good[..len]), BadImage::Truncated, "{len}");
    }
    let spoilt = |place: usize, value: u32| {
        let mut file = good.clone();
        word(&mut file, place, value);
        file
    };
    // Program headers beyond the end, an offset that wraps, more in the file
    // than in memory.
    assert_eq!(refused(&spoilt(28, 0xffff_fff0)), BadImage::Truncated);
    assert_eq!(refused(&spoilt(56, 0xffff_ffff)), BadImage::Truncated);
    assert_eq!(refused(&spoilt(72, 3)), BadImage::Truncated);
}

#[test]
fn nothing_goes_beyond_the_stack() {
    let at = |va: u32, size: u32| file(&[(va, b"", size, WRITE)]);
    assert_eq!(pages(&at(STACK - 1, 1)).len(), 1);
    assert_eq!(refused(&at(STACK - 1, 2)), BadImage::Address);
    assert_eq!(refused(&at(STACK, 1)), BadImage::Address);
    assert_eq!(refused(&at(0xf000_0000, 4)), BadImage::Address);
    assert_eq!(refused(&at(0xffff_ffff, 2)), BadImage::Address);
    assert_eq!(refused(&at(0x80_0000, 0xffff_ffff)), BadImage::Address);
}
