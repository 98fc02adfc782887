//! Which source belongs to which stage of an operation.
//!
//! The kernel is compiled into a few functions, so the innermost function that was folded
//! in where an instruction is decides, if it has a row here; else the one around it, and so
//! on. The hard thing is what has no row on purpose: what everybody uses (a memory access,
//! an index, a method of `core`) belongs to its user.

use self::Stage::{
    Body, Clock, Console, Dispatch, Effects, Entry, Lives, Lock, Pages, Paging, Queues, Scheduler,
    Table,
};
use super::super::traced::KERNBASE;
use crate::symbols::Function;

/// A part of the way through an operation, in the order in which one goes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// In user mode: the program and its library.
    Program,
    /// The kernel's assembly, in and out.
    Stubs,
    /// From there to the core and back.
    Entry,
    /// The big lock.
    Lock,
    /// What time it is, and whether anybody keeps a log.
    Clock,
    /// From an event to what handles it, and from its outcome to the end of the step.
    Dispatch,
    /// What handles it.
    Body,
    /// User memory, page tables, frames.
    Paging,
    /// Zeroing and copying of whole pages.
    Pages,
    /// Births and deaths of environments.
    Lives,
    /// Who runs next, and copies of frames.
    Scheduler,
    /// Run queue, senders.
    Queues,
    /// The public table of environments.
    Table,
    /// What is printed.
    Console,
    /// What the step asks of the machine.
    Effects,
    /// No row fits.
    Other,
}

impl Stage {
    /// All of them.
    pub const ALL: [Stage; 16] = [
        Stage::Program,
        Stage::Stubs,
        Stage::Entry,
        Stage::Lock,
        Stage::Clock,
        Stage::Dispatch,
        Stage::Body,
        Stage::Paging,
        Stage::Pages,
        Stage::Lives,
        Stage::Scheduler,
        Stage::Queues,
        Stage::Table,
        Stage::Console,
        Stage::Effects,
        Stage::Other,
    ];

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Program => "program and library",
            Stage::Stubs => "stubs, in and out",
            Stage::Entry => "Rust entry and exit",
            Stage::Lock => "lock",
            Stage::Clock => "clock and log test",
            Stage::Dispatch => "dispatch",
            Stage::Body => "body of the call or fault",
            Stage::Paging => "page tables and frames",
            Stage::Pages => "pages zeroed and copied",
            Stage::Lives => "births and deaths",
            Stage::Scheduler => "scheduler, frame copies",
            Stage::Queues => "queues",
            Stage::Table => "public table",
            Stage::Console => "console",
            Stage::Effects => "effects",
            Stage::Other => "other",
        }
    }
}

/// Files, by the beginnings of their paths, or some of their functions; the first row that
/// fits counts.
const ROWS: &[(&str, &[&str], Stage)] = &[
    (
        "kernel/src/machine/phys.rs",
        &["zero_frame", "clear", "copy_bytes"],
        Pages,
    ),
    ("kernel/src/locked.rs", &[], Lock),
    ("kernel/src/logs.rs", &[], Clock),
    ("kernel/src/machine/smp/clock.rs", &[], Clock),
    ("kernel/src/machine/smp/agreement.rs", &[], Clock),
    ("kernel/src/machine/smp/mod.rs", &["get", "id"], Entry),
    ("kernel/src/machine/console/", &[], Console),
    ("kernel/src/machine/address_space/", &[], Effects),
    ("kernel/src/machine/smp/data_segments.rs", &[], Effects),
    ("kernel/src/machine/smp/fpu.rs", &[], Effects),
    ("kernel/src/machine/smp/lapic.rs", &[], Effects),
    ("kernel/src/effects.rs", &[], Effects),
    ("kernel/src/mail.rs", &[], Effects),
    ("kernel/src/enter.rs", &[], Entry),
    ("kernel/src/trap/", &[], Entry),
    ("biglock/", &[], Lock),
    ("kcore/src/quiet.rs", &[], Dispatch),
    ("kcore/src/quick/mod.rs", &[], Dispatch),
    ("kcore/src/quick/", &[], Body),
    ("kcore/src/entry.rs", &[], Dispatch),
    ("kcore/src/syscall/mod.rs", &[], Dispatch),
    ("kcore/src/watch/", &[], Dispatch),
    ("kcore/src/effects.rs", &[], Dispatch),
    ("kcore/src/console.rs", &[], Console),
    ("kcore/src/syscall/", &[], Body),
    ("kcore/src/fault.rs", &[], Body),
    ("kcore/src/exception.rs", &[], Body),
    ("kcore/src/paging/", &[], Paging),
    ("kcore/src/frames.rs", &[], Paging),
    ("kcore/src/usermem.rs", &[], Paging),
    ("kcore/src/env/queue.rs", &[], Queues),
    ("kcore/src/env/ends.rs", &[], Queues),
    ("kcore/src/sched/round_robin.rs", &[], Queues),
    ("kcore/src/env/mirror.rs", &[], Table),
    ("kcore/src/env/dependants.rs", &[], Lives),
    ("kcore/src/env/lifecycle.rs", &[], Lives),
    ("kcore/src/reaper.rs", &[], Lives),
    ("kcore/src/shortage.rs", &[], Lives),
    ("kcore/src/sched/", &[], Scheduler),
    ("kcore/src/fpu.rs", &[], Scheduler),
];

/// Files of the kernel that belong to whoever uses them. Any other that has no row is
/// nobody's, so that a new one is noticed.
const SHARED: &[&str] = &[
    "kcore/src/cpu.rs",
    "kcore/src/env/birth.rs",
    "kcore/src/env/mod.rs",
    "kcore/src/env/table.rs",
    "kcore/src/event.rs",
    "kcore/src/ids.rs",
    "kcore/src/kernel.rs",
    "kcore/src/phys.rs",
    "kcore/src/step.rs",
    "kernel/src/machine/phys.rs",
    "kernel/src/machine/smp/mod.rs",
    "kernel/src/machine/x86.rs",
];

/// The kernel's sources.
const KERNEL: [&str; 2] = ["kcore/src/", "kernel/src/"];

/// A program's sources.
const PROGRAMS: [&str; 2] = ["user/", "programs/"];

/// The stage of an instruction at an address in these functions, innermost first, and which
/// of them decides.
pub fn stage_of(at: u32, functions: &[Function]) -> (Stage, Option<&Function>) {
    if at < KERNBASE {
        let is_ours = |function: &&Function| {
            let file = function.file.as_deref().unwrap_or_default();
            PROGRAMS.iter().any(|folder| file.starts_with(folder))
        };
        return (
            Stage::Program,
            functions.iter().find(is_ours).or(functions.first()),
        );
    }
    let found = functions
        .iter()
        .find_map(|function| Some((row_for(function)?, Some(function))));
    found.unwrap_or_else(|| match functions {
        // A symbol of no Rust function.
        [function] if function.file.is_none() && !function.name.contains("::") => {
            (Stage::Stubs, Some(function))
        }
        _ => (Stage::Other, functions.first()),
    })
}

fn row_for(function: &Function) -> Option<Stage> {
    let file = function.file.as_deref()?;
    let fits = |names: &[&str]| names.is_empty() || names.contains(&short(&function.name));
    let row = ROWS
        .iter()
        .find(|(start, names, _)| file.starts_with(start) && fits(names));
    let is_new = KERNEL.iter().any(|folder| file.starts_with(folder)) && !SHARED.contains(&file);
    row.map(|&(_, _, stage)| stage)
        .or(is_new.then_some(Stage::Other))
}

/// A function's own name: `step` of `<a::Kernel<b::Map>>::step::{closure#0}`.
pub fn short(name: &str) -> &str {
    let mut depth = 0;
    let mut parts = Vec::new();
    let mut start = 0;
    for (index, character) in name.char_indices() {
        match character {
            '<' | '{' | '(' => depth += 1,
            '>' | '}' | ')' => depth -= 1,
            ':' if depth == 0 => {
                parts.push(&name[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&name[start..]);
    let own = parts
        .iter()
        .rev()
        .find(|part| !part.is_empty() && !part.starts_with(['{', '<']));
    own.copied().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str, file: Option<&str>) -> Function {
        Function {
            name: name.to_owned(),
            file: file.map(str::to_owned),
        }
    }

    #[test]
    fn names_are_cut() {
        for (name, own) in [
            ("memcpy", "memcpy"),
            ("<a::Kernel<b::Map, c::D>>::step::{closure#0}", "step"),
            ("<u32 as core::ops::BitAnd>::bitand", "bitand"),
            ("core::ptr::read_volatile::<u32>", "read_volatile"),
        ] {
            assert_eq!(short(name), own, "{name}");
        }
    }

    #[test]
    fn the_innermost_that_has_a_row_decides() {
        let functions = [
            function("core::ptr::write", Some("library/core/src/ptr/mod.rs")),
            function("<M>::write", Some("kernel/src/machine/phys.rs")),
            function("<Mirror>::status", Some("kcore/src/env/mirror.rs")),
            function("<Kernel>::step", Some("kcore/src/entry.rs")),
        ];
        let (stage, decides) = stage_of(0xf010_0000, &functions);
        assert_eq!((stage, decides), (Stage::Table, Some(&functions[2])));
        assert_eq!(stage_of(0x80_0020, &functions).0, Stage::Program);
        assert_eq!(stage_of(0xf010_0000, &functions[..2]).0, Stage::Other);
        let new = [
            function("<Kernel>::f", Some("kcore/src/new.rs")),
            functions[3].clone(),
        ];
        assert_eq!(stage_of(0xf010_0000, &new).0, Stage::Other);
        let stub = [function("common", None)];
        assert_eq!(stage_of(0xf010_0000, &stub).0, Stage::Stubs);
        assert_eq!(stage_of(0xf010_0000, &[]).0, Stage::Other);
    }
}
