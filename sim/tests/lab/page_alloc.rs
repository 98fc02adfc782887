//! `page_alloc(id, va, perm)`.

use super::*;

#[test]
fn gives_a_page_of_zeroes() {
    with_machine(1, |machine| {
        for va in [A, A + 0x1000, B] {
            let answer = call(machine, Call::PageAlloc, &[0, va, RW]);
            assert_eq!(answer, DONE, "page_alloc of {va:#x}, where nothing was");
            let word = machine.load(CPU0, va);
            assert_eq!(word, Some(0), "the program reads zero from its new page");
            assert_eq!(machine.store(CPU0, va, 7), Some(()), "and may write it");
        }
    });
}

#[test]
fn gives_it_to_a_child_too() {
    with_machine(1, |machine| {
        first(machine, Call::Exofork, &[]);
        let answer = call(machine, Call::PageAlloc, &[CHILD, A, RO]);
        assert_eq!(answer, DONE, "page_alloc in a child");
        let found = page(machine, CHILD, A).map(|(_, perm)| perm);
        assert_eq!(
            found,
            Some(RO),
            "the child's page has the permissions that were asked for"
        );
        assert_eq!(page(machine, PARENT, A), None, "the caller gets nothing");
    });
}

#[test]
fn replaces_what_was_there() {
    with_machine(1, |machine| {
        first(machine, Call::PageAlloc, &[0, A, RW]);
        machine.store(CPU0, A, 7);
        let answer = call(machine, Call::PageAlloc, &[0, A, RW]);
        assert_eq!(answer, DONE, "page_alloc where a page is");
        assert_eq!(
            machine.load(CPU0, A),
            Some(0),
            "the old page is gone, translation included"
        );
    });
}

#[test]
fn refuses_bad_arguments_and_changes_nothing() {
    with_machine(1, |machine| {
        let before = machine.kernel.frames().available();
        for va in BAD_PAGES {
            let answer = call(machine, Call::PageAlloc, &[0, va, RW]);
            assert_eq!(answer, INVALID, "no page of a program is at {va:#x}");
        }
        for perm in BAD_PERMS {
            let answer = call(machine, Call::PageAlloc, &[0, A, perm]);
            assert_eq!(answer, INVALID, "permissions {perm:#x}");
        }
        for id in NOT_OWN {
            let answer = call(machine, Call::PageAlloc, &[id, A, RW]);
            assert_eq!(
                answer, NOBODY,
                "{id:x} is neither the caller nor a child of it"
            );
        }
        assert_eq!(
            page(machine, PARENT, A),
            None,
            "a call that fails maps nothing"
        );
        let after = machine.kernel.frames().available();
        assert_eq!(after, before, "a call that fails keeps no memory");
    });
}

#[test]
fn says_so_when_memory_is_used_up() {
    with_machine(1, |machine| {
        let pages = (0..1000).map(|number| A + number * 0x1000);
        let answers: Vec<Answer> = pages
            .map(|va| call(machine, Call::PageAlloc, &[0, va, RW]))
            .collect();
        let end = answers.iter().position(|answer| *answer != DONE);
        let end = end.expect("memory ends before a thousand pages");
        let short = Answer::Failed(Error::NoMem);
        assert!(end > 50, "the machine has more than {end} pages");
        assert_eq!(
            answers[end], short,
            "the first call that gets no page says so"
        );
    });
}

#[test]
fn random_calls_do_what_they_must() {
    at_random(Call::PageAlloc);
}
