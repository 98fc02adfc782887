//! How much of the kernel's frame table was ever used.
//!
//! Most of it never is in a short run, and snapshots and digests need not look at that
//! part one entry at a time. The hard thing is a kernel with a bug, which may write
//! anywhere: so nothing is taken for unused because the kernel says so.

use kcore::frames::Frame;

/// How many entries are looked at together.
const BLOCK: usize = 64;

/// The table without the zero entries at its end, up to a few.
pub(crate) fn used_frames(table: &[Frame]) -> &[Frame] {
    let is_used = |block: &[Frame]| {
        let bits = |bits, frame: &Frame| bits | frame.count | frame.next;
        block.iter().fold(0, bits) != 0
    };
    let unused = table.rchunks(BLOCK).take_while(|block| !is_used(block));
    let unused: usize = unused.map(<[Frame]>::len).sum();
    &table[..table.len() - unused]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_zeros_at_the_end_are_unused() {
        let mut table = vec![Frame::default(); 3 * BLOCK + 5];
        assert!(used_frames(&table).is_empty());
        for index in [0, 70, 3 * BLOCK + 4] {
            table[index].next = 1;
            let used = used_frames(&table);
            assert!(used.len() > index && used.len() <= index + BLOCK);
        }
        table = vec![Frame::default(); 3 * BLOCK];
        table[7].count = 1;
        assert_eq!(used_frames(&table).len(), BLOCK);
    }
}
