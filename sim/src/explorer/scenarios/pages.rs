//! Pages that are taken away while somebody uses them.
//!
//! The hard thing is the same in all of them: a CPU remembers a translation, and
//! may fetch it again until the very moment the tables change.

use super::parts::*;
use crate::explorer::program::Op;
use abi::Call;

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
