//! What lab 4's grader looks for. `En` there is id 0x1000 + n - 1 here.

use super::Row;

const FRAME: &str = "TRAP frame at 0xf....... from CPU .";
const E1_EXITS: &str = ".00001000. exiting gracefully";
const E1_FREES_ITSELF: &str = ".00001000. free env 00001000";
const E2_EXITS: &str = ".00001001. exiting gracefully";
const E2_FREES_ITSELF: &str = ".00001001. free env 00001001";
const ASSERTION_AT_STACK: &str =
    ".00001000. user_mem_check assertion failure for va (deadb|eebfe)...";

pub const ROWS: &[Row] = &[
    Row::new(
        "dumbfork",
        &[
            ".00000000. new env 00001000",
            ".00001000. new env 00001001",
            "0: I am the parent.",
            "9: I am the parent.",
            "0: I am the child.",
            "9: I am the child.",
            "19: I am the child.",
            E1_EXITS,
            E1_FREES_ITSELF,
            E2_EXITS,
            E2_FREES_ITSELF,
        ],
    ),
    Row::new(
        "faultread",
        &[
            ".00001000. user fault va 00000000 ip 008.....",
            FRAME,
            "  trap 0x0000000e Page Fault",
            "  err  0x00000004.*",
            E1_FREES_ITSELF,
        ],
    )
    .never(&["I read ........ from location 0!"]),
    Row::new(
        "faultwrite",
        &[
            ".00001000. user fault va 00000000 ip 008.....",
            FRAME,
            "  trap 0x0000000e Page Fault",
            "  err  0x00000006.*",
            E1_FREES_ITSELF,
        ],
    ),
    Row::new(
        "faultdie",
        &["i faulted at va deadbeef, err 6", E1_EXITS, E1_FREES_ITSELF],
    ),
    Row::new(
        "faultregs",
        &[
            "Registers in UTrapframe OK",
            "Registers after page-fault OK",
        ],
    )
    .never(&[
        "Registers in UTrapframe MISMATCH",
        "Registers after page-fault MISMATCH",
    ]),
    Row::new(
        "faultalloc",
        &[
            "fault deadbeef",
            "this string was faulted in at deadbeef",
            "fault cafebffe",
            "fault cafec000",
            "this string was faulted in at cafebffe",
            E1_EXITS,
            E1_FREES_ITSELF,
        ],
    ),
    Row::new(
        "faultallocbad",
        &[
            ".00001000. user_mem_check assertion failure for va deadbeef",
            E1_FREES_ITSELF,
        ],
    ),
    Row::new(
        "faultnostack",
        &[
            ".00001000. user_mem_check assertion failure for va eebfff..",
            E1_FREES_ITSELF,
        ],
    ),
    Row::new("faultbadhandler", &[ASSERTION_AT_STACK, E1_FREES_ITSELF]),
    Row::new(
        "faultevilhandler",
        &[
            ".00001000. user_mem_check assertion failure for va (f0100|eebfe)...",
            E1_FREES_ITSELF,
        ],
    ),
    Row::new(
        "forktree",
        &[
            "....: I am .0.",
            "....: I am .1.",
            "....: I am .000.",
            "....: I am .100.",
            "....: I am .110.",
            "....: I am .111.",
            "....: I am .011.",
            "....: I am .001.",
            E1_EXITS,
            E2_EXITS,
        ],
    )
    // Whether a slot is used again is for the schedule to say.
    .sometimes(&[
        ".0000200.. exiting gracefully",
        ".0000200.. free env 0000200.",
    ]),
    Row::new(
        "spin",
        &[
            ".00000000. new env 00001000",
            "I am the parent.  Forking the child...",
            ".00001000. new env 00001001",
            "I am the parent.  Running the child...",
            "I am the child.  Spinning...",
            "I am the parent.  Killing the child...",
            ".00001000. destroying 00001001",
            ".00001000. free env 00001001",
            E1_EXITS,
            E1_FREES_ITSELF,
        ],
    ),
    Row::new("stresssched", &[r".000010... stresssched on CPU \d"])
        .sometimes(&[
            ".000010... stresssched on CPU 0",
            ".000010... stresssched on CPU 1",
            ".000010... stresssched on CPU 2",
            ".000010... stresssched on CPU 3",
        ])
        .never(&[".*ran on two CPUs at once"])
        .on_cpus(4),
    Row::new(
        "sendpage",
        &[
            ".00000000. new env 00001000",
            "1000 got message: hello child environment! how are you?",
            "child received correct message",
            "1001 got message: hello parent environment! I'm good",
            "parent received correct message",
            E1_EXITS,
            E1_FREES_ITSELF,
            E2_EXITS,
            E2_FREES_ITSELF,
        ],
    )
    .on_cpus(2),
    Row::new(
        "pingpong",
        &[
            ".00000000. new env 00001000",
            ".00001000. new env 00001001",
            "send 0 from 1000 to 1001",
            "1001 got 0 from 1000",
            "1000 got 1 from 1001",
            "1001 got 8 from 1000",
            "1000 got 9 from 1001",
            "1001 got 10 from 1000",
            E1_EXITS,
            E1_FREES_ITSELF,
            E2_EXITS,
            E2_FREES_ITSELF,
        ],
    )
    .on_cpus(4),
    Row::new(
        "primes",
        &[
            ".00000000. new env 00001000",
            "CPU .: 2 .00001001. new env 00001002",
            "CPU .: 3 .00001002. new env 00001003",
            "CPU .: 5 .00001003. new env 00001004",
            "CPU .: 7 .00001004. new env 00001005",
            "CPU .: 11 .00001005. new env 00001006",
            "CPU .: 1877 .00001120. new env 00001121",
        ],
    )
    .never(&[".*panic"])
    .on_cpus(4),
];
