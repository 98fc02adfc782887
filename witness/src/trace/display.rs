//! A record as a line, for the monitor and for the tool.
//!
//! The hard thing is padding without a buffer: the width of a text is known only
//! once it is written. So text is passed on at once and counted on the way.

use super::{Cause, Content, Mapping, Record};
use abi::EnvId;
use core::fmt::{self, Write};
use kcore::paging::Pte;

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.content.kind().name();
        write!(f, "cpu {:<2} [{:08x}] ", self.cpu.0, self.env.0)?;
        // A width in the format string would pad only a value that is text already.
        write!(Padded(f, 24), "{}", self.cause)?;
        write!(f, "{kind:<9}{}", self.content)
    }
}

/// Passes on what is written, then fills up to a width with blanks.
struct Padded<'f, 'g>(&'f mut fmt::Formatter<'g>, usize);

impl Write for Padded<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.1 = self.1.saturating_sub(text.len());
        self.0.write_str(text)
    }
}

impl Drop for Padded<'_, '_> {
    fn drop(&mut self) {
        for _ in 0..self.1 {
            // An error shows again at the next write to the same target.
            let _ = self.0.write_char(' ');
        }
    }
}

fn show_mapping(it: Mapping, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Pte(entry) = it.entry;
    write!(
        f,
        "va {:08x} frame {:05x} perm {:03x} in ",
        it.va,
        it.entry.frame().0,
        entry & 0xfff
    )?;
    match it.env {
        EnvId::NONE => write!(f, "dead space {:05x}", it.pgdir.0),
        env => write!(f, "[{:08x}]", env.0),
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Content::Entered {
                eip,
                arguments: [a1, a2, a3],
            } => write!(f, "eip {eip:08x} with {a1:x} {a2:x} {a3:x}"),
            Content::Switched { pgdir } => write!(f, "on this CPU, directory {:05x}", pgdir.0),
            Content::Idled => f.write_str("waits for an interrupt"),
            Content::Inserted(it) | Content::Removed(it) => show_mapping(it, f),
            Content::TableMade(it) => {
                f.write_str("table for ")?;
                show_mapping(it, f)
            }
            Content::Freed { frame } => write!(f, "frame {:05x}", frame.0),
            Content::Delivered {
                to,
                from,
                value,
                perm,
            } => {
                let (to, from) = (to.0, from.0);
                write!(f, "{value:x} from [{from:08x}] to [{to:08x}]")?;
                match perm {
                    0 => Ok(()),
                    perm => write!(f, " with a page, perm {perm:03x}"),
                }
            }
            Content::Sends { to, value, va } => {
                write!(f, "{value:x} to [{:08x}], page at {va:08x}", to.0)
            }
            Content::Receives { va } => write!(f, "page to {va:08x}"),
            Content::Born { env, parent, pgdir } => write!(
                f,
                "[{:08x}] by [{:08x}], directory {:05x}",
                env.0, parent.0, pgdir.0
            ),
            Content::Died { env, killer, pgdir } => write!(
                f,
                "[{:08x}] by [{:08x}], directory {:05x}",
                env.0, killer.0, pgdir.0
            ),
            Content::Flushes { cpu } => write!(f, "CPU {} has to forget", cpu.0),
            Content::Stops { cpu } => write!(f, "CPU {} has to stop", cpu.0),
            Content::Parked { cpu, env, eip } => {
                write!(f, "CPU {} gave up [{:08x}] at {eip:08x}", cpu.0, env.0)
            }
            Content::Wakes { cpus } => {
                f.write_str("CPU")?;
                cpus.iter().try_for_each(|cpu| write!(f, " {}", cpu.0))
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Cause::Boot => f.write_str("boot"),
            Cause::PageFault => f.write_str("page fault"),
            Cause::Timer => f.write_str("timer"),
            Cause::Wake => f.write_str("wake"),
            Cause::ConsoleReady => f.write_str("console ready"),
            Cause::ConsoleInput(byte) => write!(f, "typed {byte:#04x}"),
            Cause::Exception(vector) => f.write_str(vector.name()),
            Cause::Call {
                personality,
                number,
                ..
            } => match personality.call(number.into()) {
                Some(call) => f.write_str(call.name()),
                None => write!(f, "call {number}"),
            },
        }
    }
}
