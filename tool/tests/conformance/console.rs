//! Lines that many programs share: boot, life cycle, trap frames, the end.
//!
//! Formats are those of the JOS interface; `%08x` there is eight digits here.

use jostle::expect::{Expect, Line, regex, text};

/// The first environment.
pub const FIRST: &str = "00001000";
/// The one that the first creates first.
pub const SECOND: &str = "00001001";

/// What every boot must show, whatever it runs: all CPUs up, each once, and a
/// kernel that did not panic.
pub fn booted(cpus: u32) -> Expect {
    let plural = format!("SMP: CPU 0 found {cpus} CPU(s)");
    let started = (1..cpus).map(|cpu| text(&format!("SMP: CPU {cpu} starting")));
    started
        .fold(Expect::new(), |expect, line| expect.times(1, line))
        .in_order([text(&plural)])
        .times(cpus as usize - 1, regex("SMP: CPU [0-9]+ starting"))
        .never(regex(".*kernel panic.*"))
        .never(regex(".*user panic.*"))
}

/// `parent` made `child`; nobody is written as eight zeros.
pub fn new(parent: &str, child: &str) -> Line {
    text(&format!("[{parent}] new env {child}"))
}

/// The first environment appears.
pub fn first() -> Line {
    new("00000000", FIRST)
}

/// `id` ends by its own wish.
pub fn exiting(id: &str) -> Line {
    text(&format!("[{id}] exiting gracefully"))
}

/// `victim` is gone, while `current` was running.
pub fn free(current: &str, victim: &str) -> Line {
    text(&format!("[{current}] free env {victim}"))
}

/// Nothing is left; both editions' lines.
pub fn nothing_left() -> [Line; 2] {
    [
        text("No runnable environments in the system!"),
        text("Destroyed the only environment - nothing more to do!"),
    ]
}

/// The remainder of a fatal exception: where the frame was on the kernel's
/// stack, the frame as saved, line by line, and the end of its environment.
pub fn fatal_frame(exception: &Exception) -> Vec<Line> {
    let register = |name: &str| regex(&format!("  {name:<4} 0x[0-9a-f]{{8}}"));
    let mut lines = vec![
        // CPU k's stack ends at 0xf0000000 - k * 0x10000, the frame 0x44 below.
        regex("Incoming TRAP frame at 0xef[0-9a-f]{2}ffbc"),
        saved_frame(),
    ];
    lines.extend(["edi", "esi", "ebp", "oesp", "ebx", "edx", "ecx", "eax"].map(register));
    lines.extend([text("  es   0x----0023"), text("  ds   0x----0023")]);
    lines.push(text(&format!(
        "  trap 0x{:08x} {}",
        exception.vector, exception.name
    )));
    if let Some(address) = exception.fault_address {
        lines.push(regex(&format!("  cr2  0x{address}")));
    }
    lines.push(text(&format!("  err  0x{}", exception.error)));
    lines.extend([
        regex("  eip  0x008[0-9a-f]{5}"),
        text("  cs   0x----001b"),
        regex("  flag 0x000[0-9a-f]{2}[26ae][0-9a-f]{2}"),
        regex("  esp  0xeebf[0-9a-f]{4}"),
        text("  ss   0x----0023"),
        free(FIRST, FIRST),
    ]);
    lines
}

/// The head of a frame, with the address of its environment's slot for it.
pub fn saved_frame() -> Line {
    regex("TRAP frame at 0xf[0-9a-f]{7} from CPU [0-9]")
}

/// What an exception's frame must say.
pub struct Exception {
    /// Its number.
    pub vector: u32,
    /// Its name in the JOS interface.
    pub name: &'static str,
    /// The error code in hex, and for page faults its meaning.
    pub error: &'static str,
    /// For page faults: a pattern for the address in hex.
    pub fault_address: Option<&'static str>,
}

impl Exception {
    /// Anything but a page fault.
    pub fn other(vector: u32, name: &'static str, error: &'static str) -> Self {
        Self {
            vector,
            name,
            error,
            fault_address: None,
        }
    }

    /// A page fault at an address, given as a pattern.
    pub fn page_fault(address: &'static str, error: &'static str) -> Self {
        Self {
            vector: 14,
            name: "Page Fault",
            error,
            fault_address: Some(address),
        }
    }
}
