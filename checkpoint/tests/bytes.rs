//! Checkpoints as bytes: what was written comes back, and what was not is refused.

use abi::layout::{PGSIZE, UTOP};
use abi::{EnvState, Perm};
use checkpoint::{Checkpoint, Damaged, HEAD, Page};
use proptest::prelude::*;

fn page(va: u32, seed: u8) -> Page {
    let content = std::array::from_fn(|index| seed.wrapping_mul(index as u8));
    Page::new(va, Perm::WRITE, &content)
}

fn sample() -> Checkpoint {
    let words = std::array::from_fn(|index| index as u32 * 7);
    let pages = vec![page(0x80_0000, 3), page(PGSIZE, 5), page(UTOP - PGSIZE, 9)];
    Checkpoint::new(Box::new(EnvState::from_words(&words)), pages)
}

/// With the sum that fits.
fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = bytes[20..].iter().fold(0x811c_9dc5_u32, |sum, &byte| {
        (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    bytes[16..20].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn it_comes_back_also_from_a_disk_that_is_longer() {
    let mut bytes = sample().to_bytes();
    assert_eq!(Checkpoint::size(&bytes), Ok(bytes.len()));
    assert_eq!(Checkpoint::from_bytes(&bytes), Ok(sample()));
    bytes.extend([7; 512]);
    assert_eq!(Checkpoint::from_bytes(&bytes), Ok(sample()));
    let addresses: Vec<u32> = sample().pages().map(|(va, ..)| va).collect();
    assert_eq!(addresses, [PGSIZE, 0x80_0000, UTOP - PGSIZE]);
}

#[test]
fn what_is_wrong_is_named() {
    let good = sample().to_bytes();
    let with = |at: usize, word: u32| {
        let mut bytes = good.clone();
        bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        bytes
    };
    let refused = |bytes: &[u8]| Checkpoint::from_bytes(bytes).expect_err("it is damaged");
    assert_eq!(refused(&with(0, 0)), Damaged::Magic);
    assert_eq!(refused(&with(8, 2)), Damaged::Version);
    assert_eq!(refused(&with(12, 4)), Damaged::Short);
    assert_eq!(refused(&with(12, u32::MAX)), Damaged::Page);
    assert_eq!(refused(&with(100, 1)), Damaged::Sum);
    for (at, word) in [
        (HEAD, PGSIZE + 1),
        (HEAD, 0x80_0000),
        (HEAD, UTOP),
        (HEAD + 4, 0x1007),
        (HEAD + 4, 2),
    ] {
        assert_eq!(
            refused(&signed(with(at, word))),
            Damaged::Page,
            "{word:#x} at {at}"
        );
    }
}

proptest! {
    #[test]
    fn no_bytes_are_a_panic(bytes: Vec<u8>, at: usize, bit in 0..8u8) {
        let _ = Checkpoint::from_bytes(&bytes);
        let mut good = sample().to_bytes();
        let at = at % good.len();
        let _ = Checkpoint::from_bytes(&good[..at]).expect_err("cut off");
        good[at] ^= 1 << bit;
        prop_assert!(Checkpoint::from_bytes(&good).is_err());
        good[..20].copy_from_slice(&sample().to_bytes()[..20]);
        let _ = Checkpoint::from_bytes(&signed(good));
    }
}
