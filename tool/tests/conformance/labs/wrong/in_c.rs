//! Mistakes in C: a typical one for each exercise, and what does not compile.
//!
//! The hard thing is to lose the right points: what `fork` is tested with uses the other
//! exercises, so a mistake there shows in what only it promises.

use super::Mistake;

pub const MISTAKES: [(&str, Mistake); 6] = [
    (
        "bad_code_in_c_fails",
        Mistake {
            lab: "c",
            exercise: "ipc_recv",
            file: "c/lib/ipc.c",
            right: "int result = sys_ipc_recv(",
            wrong: "int result = sys_ipc_recv((",
            said: &[
                "  c/lib could not be built; the compiler's messages say why",
                "together           0 of 10 points",
            ],
        },
    ),
    (
        "an_upcall_needs_its_stack",
        Mistake {
            lab: "b",
            exercise: "upcall",
            file: "c/lib/fault.c",
            right: "int error = provide_exception_stack(0);",
            wrong: "int error = 0;",
            said: &[
                "  faultalloc: schedule 1 of 50 fails: an environment is killed",
                "together           0 of 10 points",
            ],
        },
    ),
    (
        "a_childs_page_comes_first",
        Mistake {
            lab: "b",
            exercise: "copy_on_write",
            file: "c/lib/fork.c",
            right: "int error = sys_page_map(0, page, child, page, shared);",
            wrong: "int error = page_perm(page) & PTE_W ? \
                sys_page_map(0, page, 0, page, shared) : 0;\n\
                if (error >= 0)\n\
                return sys_page_map(0, page, child, page, shared);",
            said: &[
                "  labfork: schedule 1 of 50 fails: ",
                "together           0 of 20 points",
            ],
        },
    ),
    (
        "what_is_shared_stays_shared",
        Mistake {
            lab: "b",
            exercise: "fork",
            file: "c/lib/fork.c",
            right: " && !(perm & PTE_SHARE)",
            wrong: "",
            said: &[
                "  labfork: schedule 1 of 50 fails: it does not print \
                    \"parent: what is shared is the same for both\"",
                "    parent: what the child writes to a page with PTE_SHARE should be seen here",
                "together           0 of 20 points",
            ],
        },
    ),
    (
        "an_earlier_message_is_not_told_again",
        Mistake {
            lab: "c",
            exercise: "ipc_recv",
            file: "c/lib/ipc.c",
            right: "*perm = result < 0 ? 0 : this->env_ipc_perm;",
            wrong: "*perm = this->env_ipc_perm;",
            said: &[
                "  labmessage: schedule 1 of 50 fails: it does not print \
                    \"parent: no page begins there\"",
                "together           0 of 10 points",
            ],
        },
    ),
    (
        "a_sender_is_patient",
        Mistake {
            lab: "c",
            exercise: "ipc_send",
            file: "c/lib/ipc.c",
            right: "while ((result = sys_ipc_try_send(to, value, from, perm)) == -E_IPC_NOT_RECV)",
            wrong: "for (int times = 0; times < 3 && (result = \
                sys_ipc_try_send(to, value, from, perm)) == -E_IPC_NOT_RECV; times++)",
            said: &[
                "  labmessage: schedule 1 of 50 fails: an environment is killed",
                "together           0 of 10 points",
            ],
        },
    ),
];
