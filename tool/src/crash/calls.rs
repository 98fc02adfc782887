//! The calls that led to where an environment is, from its stack.
//!
//! The hard thing is where to begin: a call into nowhere and a system call by `sysenter`
//! leave the frame pointer where no other code does.

use abi::TrapFrame;
use abi::trap::Vector;
use kcore::env::Env;
use monitor::backtrace::Calls;
use pc::Pc;

use super::death::Panic;
use crate::symbols::Names;

/// The most callers that are named.
const CALLERS: usize = 8;

/// The word at an address of an environment, if all of it is mapped.
pub fn word(pc: &Pc<'_>, env: &Env, va: u32) -> Option<u32> {
    let mut bytes = [0; 4];
    for (offset, byte) in (0..).zip(&mut bytes) {
        *byte = pc.byte(env.space.pgdir, va.wrapping_add(offset))?;
    }
    Some(u32::from_le_bytes(bytes))
}

/// The functions that led to these registers, by frame pointers, innermost first.
pub fn callers(names: &Names, frame: &TrapFrame, word: impl Fn(u32) -> Option<u32>) -> Vec<String> {
    let mut lines = names.at(frame.eip);
    if lines.is_empty() {
        // A call into nowhere has left on the stack where it came from.
        let from = word(frame.esp).and_then(|from| from.checked_sub(1));
        lines = from.map_or(Vec::new(), |from| names.at(from));
    }
    let mut calls = Calls::from(frame_pointer(frame, &word));
    while let Some(call) = calls.next(&word) {
        // The call is before the place where it returns to.
        let found = call.returns_to().checked_sub(1).map(|at| names.at(at));
        match found {
            Some(found) if !found.is_empty() => lines.extend(found),
            _ => break,
        }
    }
    lines
}

/// As many of them as are told.
pub fn shown(lines: Vec<String>) -> Vec<String> {
    let mut lines = counted(lines);
    lines.truncate(CALLERS);
    lines
}

/// Whether a panic may have been in one of these functions. Rust names the very line; of
/// a statement in several lines C's compilers name any. Where nothing tells lines, nothing
/// speaks against it.
pub fn may_panic(lines: &[String], panic: &Panic) -> bool {
    let places = || {
        lines
            .iter()
            .filter_map(|line| Some(line.split_once(": ")?.0))
    };
    let file = |place: &str| {
        place
            .rsplit_once(':')
            .map_or("", |(file, _)| file)
            .to_owned()
    };
    let own = &panic.place;
    let is_rust = file(own).ends_with(".rs");
    places().next().is_none()
        || places().any(|place| match is_rust {
            true => is_same(place, own),
            false => is_same(&file(place), &file(own)),
        })
}

/// Whether two paths are the same, of which one may begin further up.
fn is_same(one: &str, other: &str) -> bool {
    let is_below = |path: &str, end: &str| {
        let above = path.strip_suffix(end);
        above.is_some_and(|above| above.is_empty() || above.ends_with('/'))
    };
    is_below(one, other) || is_below(other, one)
}

/// The same line several times in a row, as a recursion has it, is told once.
fn counted(lines: Vec<String>) -> Vec<String> {
    let runs = lines.chunk_by(|a, b| a == b);
    let told = runs.map(|run| match run {
        [line] => line.clone(),
        [line, ..] => format!("{line} ({} times or more)", run.len()),
        [] => String::new(),
    });
    told.collect()
}

/// The frame pointer. In a call by `sysenter` the register holds the stack pointer, and
/// what it held before is popped where the call returns to.
fn frame_pointer(frame: &TrapFrame, word: impl Fn(u32) -> Option<u32>) -> u32 {
    /// `pop ebp`; `add esp, 4` may stand before it.
    const POP_EBP: u32 = 0x5d;
    const ADD_ESP_4: u32 = 0x04_c483;
    let is_sysenter = frame.trapno == Vector::SYSCALL.0 && frame.regs.ebp == frame.esp;
    let code = word(frame.eip).filter(|_| is_sysenter);
    let saved = match code {
        Some(code) if code & 0xff == POP_EBP => word(frame.esp),
        Some(code) if code & 0xff_ffff == ADD_ESP_4 => word(frame.esp.wrapping_add(4)),
        _ => None,
    };
    saved.unwrap_or(frame.regs.ebp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_was_where_its_line_is() {
        let lines = [
            "library/core/src/panicking.rs:75: core::panicking::panic_fmt+20",
            "programs/src/bin/crashes.rs:105: crashes::cow+91 (2 times or more)",
            "user/probe.c:12: probe+3",
            "_start+33",
        ];
        let lines = lines.map(String::from);
        let panicked = |lines: &[String], place: &str| {
            let (place, message) = (place.to_owned(), String::new());
            may_panic(lines, &Panic { place, message })
        };
        for (place, may) in [
            ("programs/src/bin/crashes.rs:105", true),
            ("/home/x/jostle/programs/src/bin/crashes.rs:105", true),
            ("bin/crashes.rs:105", true),
            ("/rustc/0123/library/core/src/panicking.rs:75", true),
            ("programs/src/bin/crashes.rs:106", false),
            ("programs/src/bin/crashes.rs:1", false),
            ("shes.rs:105", false),
            ("programs/src/bin/hello.rs:105", false),
            // The statement may begin elsewhere.
            ("user/probe.c:14", true),
            ("user/other.c:12", false),
        ] {
            assert_eq!(panicked(&lines, place), may, "{place}");
        }
        // An assembler's symbols have no lines.
        assert!(panicked(&lines[3..], "programs/src/bin/hello.rs:1"));
        assert!(panicked(&[], "programs/src/bin/hello.rs:1"));
    }

    #[test]
    fn a_recursion_is_told_once() {
        let lines: Vec<String> = ["a", "b", "b", "c"].map(String::from).into();
        assert_eq!(shown(lines), ["a", "b (2 times or more)", "c"]);
        let many: Vec<String> = (0..100).map(|line| line.to_string()).collect();
        assert_eq!(shown(many).len(), CALLERS);
    }
}
