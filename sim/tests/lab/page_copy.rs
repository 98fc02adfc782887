//! `page_copy(source, source_va, target, place)`.

use super::*;

/// A page of the caller with something in it.
#[track_caller]
fn with_page<R>(perm: u32, f: impl FnOnce(&mut Machine<'_>) -> R) -> R {
    with_machine(1, |machine| {
        first(machine, Call::Exofork, &[]);
        first(machine, Call::PageAlloc, &[0, A, RW]);
        assert_eq!(
            machine.store(CPU0, A, 7),
            Some(()),
            "the caller writes its page"
        );
        if perm != RW {
            first(machine, Call::PageMap, &[0, A, 0, A, perm]);
        }
        f(machine)
    })
}

#[test]
fn makes_another_page_with_the_same_contents() {
    with_page(RW, |machine| {
        let answer = call(machine, Call::PageCopy, &[0, A, 0, B | RW]);
        assert_eq!(answer, DONE, "page_copy to where nothing was");
        assert_eq!(
            machine.load(CPU0, B),
            Some(7),
            "what was written is in the copy"
        );
        machine.store(CPU0, A, 8);
        assert_eq!(
            machine.load(CPU0, B),
            Some(7),
            "and stays there when the original changes"
        );
    });
}

#[test]
fn gives_a_child_its_copy() {
    with_page(RW, |machine| {
        let answer = call(machine, Call::PageCopy, &[0, A, CHILD, B | RO]);
        assert_eq!(answer, DONE, "page_copy for a child");
        let (original, _) = page(machine, PARENT, A).expect("mapped");
        let (copy, perm) = page(machine, CHILD, B).expect("the child has a page there");
        assert_ne!(copy, original, "it is not the caller's");
        assert_eq!(perm, RO, "with the permissions that were asked for");
    });
}

#[test]
fn a_copy_may_be_written_where_the_original_may_not() {
    with_page(RO, |machine| {
        let answer = call(machine, Call::PageCopy, &[0, A, 0, B | RW]);
        assert_eq!(answer, DONE, "page_copy of a page that is read-only");
        assert_eq!(
            machine.store(CPU0, B, 9),
            Some(()),
            "the copy may be written"
        );
        assert_eq!(
            machine.load(CPU0, A),
            Some(7),
            "and the original does not notice"
        );
    });
}

#[test]
fn whoever_is_alone_keeps_the_frame() {
    with_page(RO, |machine| {
        let (before, _) = page(machine, PARENT, A).expect("mapped");
        let free = machine.kernel.frames().available();
        let answer = call(machine, Call::PageCopy, &[0, A, 0, A | RW]);
        assert_eq!(answer, DONE, "page_copy of a page to its own place");
        let found = page(machine, PARENT, A);
        assert_eq!(
            found,
            Some((before, RW)),
            "nobody else has it: no copy is needed"
        );
        let left = machine.kernel.frames().available();
        assert_eq!(left, free, "so no memory is used");
    });
}

#[test]
fn whoever_is_not_gets_another() {
    with_page(RW, |machine| {
        first(machine, Call::PageMap, &[0, A, CHILD, A, RO]);
        let answer = call(machine, Call::PageCopy, &[0, A, 0, A | RW]);
        assert_eq!(answer, DONE, "page_copy of a shared page to its own place");
        let own = page(machine, PARENT, A).expect("mapped");
        let shared = page(machine, CHILD, A).expect("still mapped");
        assert_ne!(
            own.0, shared.0,
            "the child keeps the original, the caller has a copy"
        );
        assert_eq!(machine.load(CPU0, A), Some(7), "with the same contents");
    });
}

#[test]
fn refuses_bad_arguments_and_changes_nothing() {
    with_page(RW, |machine| {
        let before = machine.kernel.frames().available();
        let answer = call(machine, Call::PageCopy, &[0, B, 0, A | RW]);
        assert_eq!(answer, INVALID, "nothing is mapped at the source");
        for va in BAD_PAGES {
            let answer = call(machine, Call::PageCopy, &[0, va, 0, B | RO]);
            assert_eq!(answer, INVALID, "no page of a program is at {va:#x}");
        }
        for perm in [0, 3, RW | 8] {
            let answer = call(machine, Call::PageCopy, &[0, A, 0, B | perm]);
            assert_eq!(answer, INVALID, "permissions {perm:#x}");
        }
        for id in NOT_OWN {
            let from = call(machine, Call::PageCopy, &[id, A, 0, B | RO]);
            let to = call(machine, Call::PageCopy, &[0, A, id, B | RO]);
            let wanted = [NOBODY; 2];
            assert_eq!(
                [from, to],
                wanted,
                "{id:x} is neither the caller nor a child"
            );
        }
        assert_eq!(
            page(machine, PARENT, B),
            None,
            "a call that fails maps nothing"
        );
        let after = machine.kernel.frames().available();
        assert_eq!(after, before, "a call that fails keeps no memory");
    });
}

#[test]
fn random_calls_do_what_they_must() {
    at_random(Call::PageCopy);
}
