//! Pages that are taken away while somebody uses them.
//!
//! The hard thing is the same in all of them: a CPU remembers a translation, and
//! may fetch it again until the very moment the tables change.

use super::parts::*;
use crate::explorer::program::Op;
use abi::{Call, EnvId, PageRange};

/// A page is unmapped and its frame reused while its owner reads it.
pub fn unmap_in_use() -> Scenario {
    scenario(
        "unmap-in-use",
        "a page is unmapped, and its frame used again, while its owner reads it",
        programs(
            &[
                unmap(CHILD, A),
                Op::Want(0),
                alloc(0, B),
                Op::Want(0),
                Op::Store(B),
                exit(),
            ],
            &[Op::Load(A), Op::Goto(CHILD_AT)],
            &[],
        ),
        &[A, B],
        child_uses_page,
    )
}

/// Another page is mapped over a page in use.
pub fn remap_in_use() -> Scenario {
    scenario(
        "remap-in-use",
        "another page is mapped over one that its owner reads and writes",
        programs(
            &[
                map(0, B, CHILD, A, RW),
                Op::Want(0),
                alloc(0, A),
                Op::Store(A),
                unmap(0, B),
                exit(),
            ],
            &[Op::Load(A), Op::Store(A), Op::Goto(CHILD_AT)],
            &[],
        ),
        &[A, B],
        parent_has_another,
    )
}

/// A fresh page is allocated over a page in use.
pub fn alloc_over_in_use() -> Scenario {
    scenario(
        "alloc-over-in-use",
        "a fresh page is put over one in use; the old frame is used again",
        programs(
            &[
                alloc(CHILD, A),
                Op::Want(0),
                alloc(0, B),
                Op::Store(B),
                unmap(CHILD, A),
                exit(),
            ],
            &[Op::Store(A), Op::Load(A), Op::Goto(CHILD_AT)],
            &[],
        ),
        &[A, B],
        child_uses_page,
    )
}

/// A page becomes read-only while it is written.
pub fn write_protect() -> Scenario {
    scenario(
        "write-protect",
        "a page becomes read-only, and writeable again, while it is written",
        programs(
            &[
                map(CHILD, A, CHILD, A, RO),
                Op::Want(0),
                map(CHILD, A, 0, B, RO),
                Op::Load(B),
                exit(),
            ],
            &[Op::Store(A), Op::Load(A), Op::Goto(CHILD_AT)],
            &[],
        ),
        &[A, B],
        child_uses_page,
    )
}

/// One list takes a page from two children that use it.
pub fn ranges_in_use() -> Scenario {
    scenario(
        "ranges-in-use",
        "one list takes a page from two children, step by step, while they use it",
        programs(
            &[
                simple(Call::PageRanges, [B, 2]),
                alloc(0, A),
                Op::Store(A),
                exit(),
            ],
            &[Op::Store(A), Op::Goto(CHILD_AT)],
            &[Op::Load(A), exit()],
        ),
        &[A],
        a_list_against_two,
    )
}

/// Two children have a page, and the parent has a list that takes it away.
fn a_list_against_two(stage: &mut Stage<'_, '_>) {
    stage.page_alloc(0, B);
    page_to_everybody(stage, A, &[CHILD_AT, GRANDCHILD_AT]);
    stage.page_unmap(0, A);
    let take = |target: u32| PageRange {
        action: PageRange::UNMAP,
        target: EnvId(target as i32),
        target_va: A,
        pages: 1,
        ..PageRange::default()
    };
    stage.write_list(B, &[take(CHILD), take(GRANDCHILD)]);
}

/// A heap shrinks, and another environment gets its page.
pub fn shrink_heap() -> Scenario {
    const PAGE: u32 = abi::layout::PGSIZE;
    scenario(
        "shrink-heap",
        "a child's heap shrinks and grows on whatever CPU it has got to",
        programs(
            &[alloc(0, B), Op::Store(B), r#yield(), unmap(0, B), exit()],
            &[
                simple(Call::Sbrk, [PAGE]),
                Op::Want(0),
                Op::Store(0),
                simple(Call::Sbrk, [PAGE.wrapping_neg()]),
                Op::Want(PAGE),
                Op::Load(0),
                exit(),
            ],
            &[],
        ),
        &[0, B],
        child_uses_page,
    )
}

/// A heap grows in two pieces, and its owner's parent changes pages of it meanwhile,
/// and ends the owner.
pub fn grow_heap() -> Scenario {
    const PAGE: u32 = abi::layout::PGSIZE;
    /// In the first piece, and in the second.
    const EARLY: u32 = 3 * PAGE;
    const LATE: u32 = 33 * PAGE;
    const SIZE: u32 = 34 * PAGE;
    let mut scenario = scenario(
        "grow-heap",
        "a child's heap grows and shrinks in pieces while its parent changes pages of it",
        programs(
            &[
                alloc(CHILD, LATE),
                Op::Want(0),
                unmap(CHILD, EARLY),
                Op::Want(0),
                destroy(CHILD),
                exit(),
            ],
            &[
                simple(Call::Sbrk, [SIZE]),
                Op::Want(0),
                Op::Store(LATE),
                simple(Call::Sbrk, [SIZE.wrapping_neg()]),
                Op::Want(SIZE),
                Op::Spin,
            ],
            &[],
        ),
        &[EARLY, LATE],
        child_uses_page,
    );
    scenario.spec.frames = 112;
    scenario
}
