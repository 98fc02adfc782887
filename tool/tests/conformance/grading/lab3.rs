//! What lab 3's grader looks for. One CPU, always.

use super::Row;

const MONITOR: &str = "Welcome to the JOS kernel monitor!";
const INCOMING: &str = "Incoming TRAP frame at 0xefffffbc";
const FRAME: &str = "TRAP frame at 0xf.......";
const PAGE_FAULT: &str = "  trap 0x0000000e Page Fault";
const EIP: &str = "  eip  0x008.....";
const STACK: &str = "  ss   0x----0023";
const FREE: &str = ".00001000. free env 0000100";

pub const ROWS: &[Row] = &[
    Row::new(
        "divzero",
        &[
            "Incoming TRAP frame at 0xefffff..",
            FRAME,
            "  trap 0x00000000 Divide error",
            EIP,
            STACK,
            ".00001000. free env 00001000",
        ],
    )
    .never(&["1/0 is ........!"]),
    Row::new(
        "softint",
        &[
            MONITOR,
            INCOMING,
            FRAME,
            "  trap 0x0000000d General Protection",
            EIP,
            STACK,
            FREE,
        ],
    ),
    Row::new(
        "badsegment",
        &[
            MONITOR,
            INCOMING,
            FRAME,
            "  trap 0x0000000d General Protection",
            "  err  0x00000028",
            EIP,
            STACK,
            FREE,
        ],
    ),
    Row::new(
        "faultread",
        &[
            ".00001000. user fault va 00000000 ip 008.....",
            INCOMING,
            FRAME,
            PAGE_FAULT,
            "  err  0x00000004.*",
            FREE,
        ],
    )
    .never(&["I read ........ from location 0!"]),
    Row::new(
        "faultreadkernel",
        &[
            ".00001000. user fault va f0100000 ip 008.....",
            INCOMING,
            FRAME,
            PAGE_FAULT,
            "  err  0x00000005.*",
            FREE,
        ],
    )
    .never(&["I read ........ from location 0xf0100000!"]),
    Row::new(
        "faultwrite",
        &[
            ".00001000. user fault va 00000000 ip 008.....",
            INCOMING,
            FRAME,
            PAGE_FAULT,
            "  err  0x00000006.*",
            FREE,
        ],
    ),
    Row::new(
        "faultwritekernel",
        &[
            ".00001000. user fault va f0100000 ip 008.....",
            INCOMING,
            FRAME,
            PAGE_FAULT,
            "  err  0x00000007.*",
            FREE,
        ],
    ),
    Row::new(
        "breakpoint",
        &[
            MONITOR,
            INCOMING,
            FRAME,
            "  trap 0x00000003 Breakpoint",
            EIP,
            STACK,
        ],
    )
    .never(&[".00001000. free env 00001000"]),
    Row::new(
        "testbss",
        &[
            "Making sure bss works right...",
            "Yes, good.  Now doing a wild write off the end...",
            ".00001000. user fault va 00c..... ip 008.....",
            ".00001000. free env 0000100",
        ],
    ),
    Row::new(
        "hello",
        &[
            ".00000000. new env 00001000",
            "hello, world",
            "i am environment 00001000",
            ".00001000. exiting gracefully",
            ".00001000. free env 00001000",
            "Destroyed the only environment - nothing more to do!",
        ],
    ),
    Row::new(
        "buggyhello",
        &[
            ".00001000. user_mem_check assertion failure for va 00000001",
            ".00001000. free env 00001000",
        ],
    ),
    Row::new(
        "buggyhello2",
        &[
            ".00001000. user_mem_check assertion failure for va 0....000",
            ".00001000. free env 00001000",
        ],
    )
    .never(&["hello, world"]),
    Row::new(
        "evilhello",
        &[
            ".00001000. user_mem_check assertion failure for va f0100...",
            ".00001000. free env 00001000",
        ],
    ),
];
