//! `page_unmap(id, va)`.

use super::*;

#[test]
fn takes_a_page_away() {
    with_machine(1, |machine| {
        first(machine, Call::PageAlloc, &[0, A, RW]);
        machine.store(CPU0, A, 7);
        assert_eq!(
            call(machine, Call::PageUnmap, &[0, A]),
            DONE,
            "page_unmap of a page"
        );
        assert_eq!(
            page(machine, PARENT, A),
            None,
            "nothing is mapped there any more"
        );
        assert_eq!(
            machine.load(CPU0, A),
            None,
            "nor does the processor remember it"
        );
    });
}

#[test]
fn nothing_there_is_no_error() {
    with_machine(1, |machine| {
        let answer = call(machine, Call::PageUnmap, &[0, A]);
        assert_eq!(
            answer, DONE,
            "page_unmap where nothing was, not even a page table"
        );
    });
}

#[test]
fn memory_comes_back_with_the_last_mapping() {
    with_machine(1, |machine| {
        first(machine, Call::PageAlloc, &[0, A, RW]);
        first(machine, Call::PageMap, &[0, A, 0, A + 0x1000, RW]);
        let before = machine.kernel.frames().available();
        first(machine, Call::PageUnmap, &[0, A]);
        let free = machine.kernel.frames().available();
        assert_eq!(free, before, "the frame is still mapped elsewhere");
        first(machine, Call::PageUnmap, &[0, A + 0x1000]);
        let free = machine.kernel.frames().available();
        assert_eq!(free, before + 1, "nobody has the frame any more");
    });
}

#[test]
fn a_child_on_another_cpu_loses_it_at_once() {
    with_machine(2, |machine| {
        running_child(machine);
        first(machine, Call::PageAlloc, &[CHILD, A, RW]);
        assert_eq!(
            machine.load(CPU1, A),
            Some(0),
            "the child has read its page"
        );
        assert_eq!(
            call(machine, Call::PageUnmap, &[CHILD, A]),
            DONE,
            "page_unmap in a child"
        );
        let read = machine.load(CPU1, A);
        assert_eq!(
            read, None,
            "when the call returns, the other CPU has forgotten the page"
        );
    });
}

#[test]
fn refuses_bad_arguments() {
    with_machine(1, |machine| {
        for va in BAD_PAGES {
            let answer = call(machine, Call::PageUnmap, &[0, va]);
            assert_eq!(answer, INVALID, "no page of a program is at {va:#x}");
        }
        for id in NOT_OWN {
            let answer = call(machine, Call::PageUnmap, &[id, A]);
            assert_eq!(
                answer, NOBODY,
                "{id:x} is neither the caller nor a child of it"
            );
        }
    });
}

#[test]
fn random_calls_do_what_they_must() {
    at_random(Call::PageUnmap);
}
