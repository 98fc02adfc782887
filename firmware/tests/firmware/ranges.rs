//! Range sets against a naive bitmap.

use firmware::ranges::{MAX_RANGES, PhysRange, RangeSet};
use proptest::prelude::*;

#[test]
fn touching_ranges_become_one() {
    let mut set = RangeSet::new();
    set.insert(PhysRange { start: 10, end: 20 });
    set.insert(PhysRange { start: 30, end: 40 });
    set.insert(PhysRange { start: 20, end: 30 });
    let all: Vec<_> = set.iter().collect();
    assert_eq!(all, [PhysRange { start: 10, end: 40 }]);
}

#[test]
fn a_full_set_forgets_and_counts() {
    let mut set = RangeSet::new();
    for i in 0..MAX_RANGES as u64 + 3 {
        set.insert(PhysRange::with_len(i * 100, 10));
    }
    assert_eq!(set.iter().count(), MAX_RANGES);
    assert_eq!(set.lost(), 30);
    // Making two out of one loses again, and invents nothing.
    let before = set.total();
    set.remove(PhysRange { start: 4, end: 6 });
    assert_eq!(set.total(), before - 2 - 4);
    assert!(!set.contains(4) && !set.contains(5) && set.contains(6));
}

/// Nearly all RAM is one range, and mostly the last.
#[test]
fn a_full_set_keeps_what_is_big() {
    let mut set = RangeSet::new();
    for i in 0..MAX_RANGES as u64 {
        set.insert(PhysRange::with_len(i * 100, 10 + i));
    }
    let big = PhysRange::with_len(1 << 20, 1 << 28);
    set.insert(big);
    assert!(set.contains(1 << 20) && !set.contains(0));
    assert_eq!((set.iter().count(), set.lost()), (MAX_RANGES, 10));
    // The smaller half of one that is divided is forgotten, or a smaller one.
    set.remove(PhysRange::with_len((1 << 20) + 4, 1));
    assert!(set.contains((1 << 20) + 5) && !set.contains(1 << 20));
    assert_eq!(set.lost(), 14);
}

#[test]
fn frames_are_whole() {
    let frames = |start, end| PhysRange { start, end }.whole_frames();
    assert_eq!(frames(0, 0x9_FC00), 0..0x9F);
    assert_eq!(frames(0xFFF, 0x2001), 1..2);
    assert!(frames(0x1001, 0x1FFF).is_empty());
    assert_eq!(frames(0xFFFF_F000, u64::MAX), 0xF_FFFF..0x10_0000);
    assert!(frames(u64::MAX, u64::MAX).is_empty());
    assert!(frames(0x9000, 0x1000).is_empty());
}

proptest! {
    #[test]
    fn agrees_with_a_bitmap(ops in prop::collection::vec(
        (any::<bool>(), 0u64..200, 0u64..40), 0..60))
    {
        let mut set = RangeSet::new();
        let mut model = vec![false; 300];
        for (add, start, len) in ops {
            let range = PhysRange::with_len(start, len);
            if add { set.insert(range) } else { set.remove(range) }
            model[start as usize..(start + len) as usize].fill(add);
            for (at, expected) in model.iter().enumerate() {
                prop_assert_eq!(set.contains(at as u64), *expected);
            }
            let ranges: Vec<_> = set.iter().collect();
            prop_assert!(ranges.iter().all(|r| !r.is_empty()));
            prop_assert!(ranges.windows(2).all(|w| w[0].end < w[1].start));
            prop_assert_eq!(set.lost(), 0);
            let inside = model[50..120].iter().filter(|&&there| there).count();
            let range = PhysRange { start: 50, end: 120 };
            prop_assert_eq!(set.total_in(range), inside as u64);
        }
    }
}
