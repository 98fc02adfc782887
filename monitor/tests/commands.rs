//! A person at the monitor of a simulated machine.

use std::fmt;

use abi::layout::{KERNBASE, UTEMP};
use abi::trap::FLAG_TF;
use abi::{Call, TrapFrame};
use kcore::{CpuId, PhysMem};
use monitor::{Image, LINE, Machine as Surroundings};
use sim::machine::{Machine, Spec, Store};

const CPU0: CpuId = CpuId(0);

/// Types lines, one after the other, and keeps what is printed.
struct Person<'l> {
    lines: std::slice::Iter<'l, &'l str>,
    seen: String,
}

impl fmt::Write for Person<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.seen.push_str(text);
        Ok(())
    }
}

impl Surroundings for Person<'_> {
    fn read_line(&mut self, prompt: &str, line: &mut [u8; LINE]) -> Option<usize> {
        let typed = self.lines.next()?.as_bytes();
        self.seen.push_str(prompt);
        let len = typed.len().min(LINE);
        line[..len].copy_from_slice(&typed[..len]);
        Some(len)
    }

    fn image(&self) -> Image {
        Image {
            entry: KERNBASE + 0x10_000c,
            text: KERNBASE + 0x11_0000,
            data: KERNBASE + 0x12_0000,
            end: KERNBASE + 0x13_0000,
        }
    }

    fn frame_pointer(&self) -> u32 {
        0x100
    }

    /// Two frames, of which the outer one has no caller.
    fn stack_word(&self, va: u32) -> Option<u32> {
        match va {
            0x100 => Some(0x200),
            0x104 => Some(0xf010_0010),
            0x200 => Some(0),
            0x204 => Some(0xf010_0020),
            _ => None,
        }
    }

    fn strays(&self) -> [(&'static str, u32); 3] {
        [("NMI", 1), ("spurious", 2), ("APIC error", 3)]
    }
}

/// What is seen when nothing is left to run and these lines are typed.
fn at_the_end(machine: &Machine<'_>, lines: &[&str]) -> String {
    let mut person = Person {
        lines: lines.iter(),
        seen: String::new(),
    };
    monitor::at_the_end(&mut person, &machine.kernel);
    person.seen
}

/// The same at a breakpoint of the environment on CPU 0, whose registers may
/// be changed.
fn at_a_breakpoint(machine: &Machine<'_>, frame: &mut TrapFrame, lines: &[&str]) -> String {
    let mut person = Person {
        lines: lines.iter(),
        seen: String::new(),
    };
    monitor::at_breakpoint(&mut person, &machine.kernel, CPU0, frame);
    person.seen
}

fn with_machine(check: impl FnOnce(&mut Machine<'_>)) {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::with_one_env(&mut store, spec);
    check(&mut machine);
}

#[test]
fn wrong_words_get_one_line_each() {
    with_machine(|machine| {
        for (typed, answer) in [
            ("nonsense", "Unknown command 'nonsense'"),
            ("memory", "Which address?"),
            ("walk", "Which address?"),
            ("memory xyz", "Not a hexadecimal number"),
            ("memory 100000000", "Not a hexadecimal number"),
            ("memory 0 -1", "Not a number"),
            ("mappings 1001", "No such environment"),
            ("mappings 0", "No such environment"),
            ("step", "No environment is stopped"),
            ("continue", "No environment is stopped"),
            ("trace", "No trace is kept (kernel argument trace=on)"),
            (
                "a b c d e f g h i j k l m n o p q",
                "Too many arguments (max 16)",
            ),
        ] {
            let seen = at_the_end(machine, &[typed]);
            assert!(seen.ends_with(&format!("K> {answer}\n")), "{typed}: {seen}");
        }
        let seen = at_the_end(machine, &["", "   "]);
        assert!(seen.ends_with("K> K> "), "{seen}");
    });
}

#[test]
fn help_names_every_command_and_each_is_known() {
    with_machine(|machine| {
        let help = at_the_end(machine, &["help"]);
        let names: Vec<&str> = help
            .lines()
            .filter_map(|line| line.trim_start_matches("K> ").split_once(" - "))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names.len(), 13, "{help}");
        for name in names {
            assert!(!at_the_end(machine, &[name]).contains("Unknown"), "{name}");
        }
    });
}

#[test]
fn an_environment_is_listed_with_what_it_maps() {
    with_machine(|machine| {
        machine.call(CPU0, Call::PageAlloc, [0, UTEMP, 7, 0, 0]);
        let seen = at_the_end(machine, &["envs", "mappings 1000", "walk 400000 1000"]);
        assert!(seen.contains("00001000 00000000   0"), "{seen}");
        assert!(seen.contains("00400000-00400fff  physical "), "{seen}");
        assert!(seen.contains("present, writeable, user\n"), "{seen}");
        assert!(seen.contains("00400000 is at physical "), "{seen}");
        let seen = at_the_end(machine, &["walk 500000 1000"]);
        assert!(seen.contains("00500000 is not mapped"), "{seen}");
    });
}

/// Any address may be typed; none that is not RAM is read.
#[test]
fn no_address_does_harm() {
    with_machine(|machine| {
        let limit = machine.kernel.memory().frames() * 4096;
        for address in [
            0,
            3,
            limit - 4,
            0xeec0_0000,
            0xef40_0000,
            0xf000_0000,
            u32::MAX,
        ] {
            let lines =
                ["memory", "walk", "memory"].map(|command| format!("{command} {address:x}"));
            let lines = lines.each_ref().map(String::as_str);
            at_the_end(machine, &lines);
            at_a_breakpoint(machine, &mut TrapFrame::default(), &lines);
        }
        let seen = at_the_end(machine, &["memory 10000000 1", "physical 10000000 2"]);
        assert_eq!(seen.matches(" --------").count(), 3, "{seen}");
        let seen = at_the_end(machine, &["physical 0 9999999"]);
        assert_eq!(seen.lines().count(), 2 + 1024, "at most 4096 words");
    });
}

/// Page tables that a broken kernel might have left: whatever they hold,
/// nothing outside RAM is read.
#[test]
fn garbage_in_page_tables_does_no_harm() {
    with_machine(|machine| {
        machine.call(CPU0, Call::PageAlloc, [0, UTEMP, 7, 0, 0]);
        let directory = machine.cpu(CPU0).cr3.address();
        for entry in [
            0xffff_f007,
            0x1000_0007,
            0xffff_ffff,
            0xfec0_0087,
            0x0000_0087,
        ] {
            let mem = machine.kernel.mem();
            mem.write(directory + (UTEMP >> 22) * 4, entry);
            at_a_breakpoint(
                machine,
                &mut TrapFrame::default(),
                &["memory 400000 4", "walk 400000", "walk 7fffff"],
            );
            assert_eq!(machine.kernel.memory().stray(), None, "{entry:#x}");
        }
    });
}

#[test]
fn an_environment_goes_on_by_a_step_or_for_good() {
    with_machine(|machine| {
        let mut frame = TrapFrame {
            trapno: 3,
            eip: 0x80_0021,
            ..TrapFrame::default()
        };
        let seen = at_a_breakpoint(machine, &mut frame, &["step", "never typed"]);
        assert!(seen.starts_with("Incoming TRAP frame at 0x"), "{seen}");
        assert!(
            seen.contains("Welcome to the JOS kernel monitor!"),
            "{seen}"
        );
        assert!(seen.contains("  eip  0x00800021"), "{seen}");
        assert!(seen.ends_with("K> "), "{seen}");
        assert_eq!(frame.eflags & FLAG_TF, FLAG_TF);
        frame.trapno = 1;
        let seen = at_a_breakpoint(machine, &mut frame, &["c"]);
        assert!(!seen.contains("Welcome"), "{seen}");
        assert_eq!(frame.eflags & FLAG_TF, 0);
    });
}

#[test]
fn a_backtrace_follows_frame_pointers_as_far_as_it_may() {
    with_machine(|machine| {
        let seen = at_the_end(machine, &["backtrace"]);
        let calls: Vec<&str> = seen.lines().filter(|line| line.contains("ebp")).collect();
        assert_eq!(calls.len(), 2, "{seen}");
        assert!(
            calls[0].starts_with("  ebp 00000100  eip f0100010  args "),
            "{seen}"
        );
        // Of a program: a frame pointer that leads nowhere, and one that goes round.
        machine.call(CPU0, Call::PageAlloc, [0, UTEMP, 7, 0, 0]);
        for ebp in [0, 1, UTEMP, 0xffff_fffc] {
            let mut frame = TrapFrame::default();
            frame.regs.ebp = ebp;
            let seen = at_a_breakpoint(machine, &mut frame, &["backtrace"]);
            assert!(seen.contains("Stack backtrace:"), "{seen}");
            assert!(seen.matches("  args ").count() <= 1, "{seen}");
        }
    });
}

#[test]
fn strays_and_the_kernels_place_are_the_machines() {
    with_machine(|machine| {
        let seen = at_the_end(machine, &["strays", "kerninfo"]);
        assert!(seen.contains("2 spurious\n"), "{seen}");
        assert!(
            seen.contains("  etext  f0110000 (virt)  00110000 (phys)"),
            "{seen}"
        );
        assert!(seen.contains("memory footprint: 192KB"), "{seen}");
    });
}
