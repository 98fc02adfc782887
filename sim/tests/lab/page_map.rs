//! `page_map(source, source_va, target, target_va, perm)`.

use super::*;

#[test]
fn shares_the_page_itself() {
    with_machine(1, |machine| {
        first(machine, Call::Exofork, &[]);
        first(machine, Call::PageAlloc, &[0, A, RW]);
        let answer = call(machine, Call::PageMap, &[0, A, CHILD, B, RO]);
        assert_eq!(answer, DONE, "page_map of the caller's page for its child");
        let (frame, _) = page(machine, PARENT, A).expect("mapped");
        let found = page(machine, CHILD, B);
        assert_eq!(
            found,
            Some((frame, RO)),
            "both have the same frame, the child read-only"
        );
    });
}

#[test]
fn works_within_one_environment() {
    with_machine(1, |machine| {
        first(machine, Call::PageAlloc, &[0, A, RW]);
        machine.store(CPU0, A, 7);
        let answer = call(machine, Call::PageMap, &[0, A, 0, B, RW]);
        assert_eq!(answer, DONE, "page_map to another place");
        assert_eq!(
            machine.load(CPU0, B),
            Some(7),
            "what is written at one is read at the other"
        );
        let answer = call(machine, Call::PageMap, &[0, A, 0, A, RO]);
        assert_eq!(answer, DONE, "page_map of a page to its own place");
        let written = machine.store(CPU0, A, 8);
        assert_eq!(
            written, None,
            "a page that became read-only cannot be written any more"
        );
    });
}

#[test]
fn gives_no_right_that_the_source_has_not() {
    with_machine(1, |machine| {
        first(machine, Call::PageAlloc, &[0, A, RO]);
        let answer = call(machine, Call::PageMap, &[0, A, 0, B, RW]);
        assert_eq!(
            answer, INVALID,
            "a page that is read-only, to be mapped writeable"
        );
        let answer = call(machine, Call::PageMap, &[0, A, 0, B, RO]);
        assert_eq!(answer, DONE, "read-only it may be mapped");
    });
}

#[test]
fn refuses_bad_arguments_and_changes_nothing() {
    with_machine(1, |machine| {
        first(machine, Call::PageAlloc, &[0, A, RW]);
        let answer = call(machine, Call::PageMap, &[0, B, 0, A, RO]);
        assert_eq!(answer, INVALID, "nothing is mapped at the source");
        for va in BAD_PAGES {
            let from = call(machine, Call::PageMap, &[0, va, 0, B, RO]);
            let to = call(machine, Call::PageMap, &[0, A, 0, va, RO]);
            assert_eq!(
                [from, to],
                [INVALID; 2],
                "no page of a program is at {va:#x}"
            );
        }
        for perm in BAD_PERMS {
            let answer = call(machine, Call::PageMap, &[0, A, 0, B, perm]);
            assert_eq!(answer, INVALID, "permissions {perm:#x}");
        }
        for id in NOT_OWN {
            let from = call(machine, Call::PageMap, &[id, A, 0, B, RO]);
            let to = call(machine, Call::PageMap, &[0, A, id, B, RO]);
            assert_eq!(
                [from, to],
                [NOBODY; 2],
                "{id:x} is neither the caller nor a child"
            );
        }
        assert_eq!(
            page(machine, PARENT, B),
            None,
            "a call that fails maps nothing"
        );
    });
}

#[test]
fn random_calls_do_what_they_must() {
    at_random(Call::PageMap);
}
