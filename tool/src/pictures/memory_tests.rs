use kcore::paging::Pte;
use witness::trace::Record;

use super::super::made::{self, ONE, TWO, idled, record, woken};
use super::*;

const VA: u32 = 0x80_0000;
const WRITABLE: u32 = 7;
const COPY_ON_WRITE: u32 = 0x805;

fn mapping(env: EnvId, frame: u32, perm: u32) -> Mapping {
    let pgdir = Pfn(env.0.cast_unsigned());
    Mapping {
        env,
        va: VA,
        entry: Pte(frame << 12 | perm),
        pgdir,
    }
}

fn at(now: u64, content: Content) -> Record {
    record(now, 0, ONE, content)
}

fn born(now: u64, env: EnvId) -> Record {
    let pgdir = Pfn(env.0.cast_unsigned());
    let parent = EnvId::NONE;
    at(now, Content::Born { env, parent, pgdir })
}

/// A page that is forked; then the child writes to it.
fn forked() -> Vec<Record> {
    let insert = |now, env, frame, perm| at(now, Content::Inserted(mapping(env, frame, perm)));
    let remove = |now, env, frame, perm| at(now, Content::Removed(mapping(env, frame, perm)));
    vec![
        woken(0, 0),
        born(0, ONE),
        insert(0, ONE, 5, WRITABLE),
        born(10, TWO),
        insert(10, TWO, 5, COPY_ON_WRITE),
        remove(10, ONE, 5, WRITABLE),
        insert(10, ONE, 5, COPY_ON_WRITE),
        remove(30, TWO, 5, COPY_ON_WRITE),
        insert(30, TWO, 6, WRITABLE),
        idled(50, 0),
    ]
}

#[test]
fn a_fork_shares_and_a_write_splits() {
    let told = spaces(&made::model(&forked()));
    let stretch = |from, to, held, frame| Stretch {
        from,
        to,
        held,
        frame: Pfn(frame),
    };
    let parent = [
        stretch(0, 10, Held::Own, 5),
        stretch(10, 30, Held::Forked, 5),
        stretch(30, 50, Held::Alone, 5),
    ];
    let child = [
        stretch(10, 30, Held::Forked, 5),
        stretch(30, 50, Held::Own, 6),
    ];
    let [(one, of_one), (two, of_two)] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!((*one, *two), (ONE, TWO));
    assert_eq!(of_one[&VA].stretches, parent);
    assert_eq!(of_two[&VA].stretches, child);
    assert_eq!(of_one[&VA].splits, [] as [u64; 0]);
    assert_eq!(of_two[&VA].splits, [30]);
}

#[test]
fn the_drawing_says_so_in_words() {
    let text = drawing(&made::model(&forked()), "x");
    for part in [
        "[00001000] 1 pages",
        "<title>00800000: copy-on-write, shared, frame 00005</title>",
        "<title>00800000: copied by a write</title>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(drawing(&made::model(&[]), "x").ends_with("</svg>\n"));
}

/// A page that is unmapped, and another that is mapped there later, are no copy.
#[test]
fn only_a_replacement_is_a_split() {
    let mut records = forked();
    records[8].now = 31;
    let told = spaces(&made::model(&records));
    assert!(told.iter().all(|(_, space)| space[&VA].splits.is_empty()));
}

/// A page whose space is not known is nobody's.
#[test]
fn a_trace_without_its_beginning_is_drawn() {
    let later: Vec<_> = forked().split_off(5);
    assert!(spaces(&made::model(&later)).is_empty());
}

/// What is mapped again in the same frame, or for reading only, was not copied by a write.
#[test]
fn only_a_writable_frame_of_its_own_is_a_split() {
    for (frame, perm) in [(5, WRITABLE), (6, WRITABLE & !2)] {
        let mut records = forked();
        records[8].content = Content::Inserted(mapping(TWO, frame, perm));
        let told = spaces(&made::model(&records));
        let splits = told.iter().map(|(_, space)| space[&VA].splits.len());
        assert_eq!(splits.sum::<usize>(), 0, "{frame} {perm}");
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let pages = |count: u32| {
        let mut records = vec![woken(0, 0), born(0, ONE)];
        records.extend((0..count).map(|page| {
            let mut it = mapping(ONE, 5 + page, WRITABLE);
            it.va += page << 12;
            at(10, Content::Inserted(it))
        }));
        drawing(&made::model(&records), "x")
    };
    assert!(!pages(64).contains(" more</text>"));
    assert!(pages(65).contains("and 1 more</text>"));
}
