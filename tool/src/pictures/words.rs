//! An event in words.
//!
//! The hard thing is to say as much as a line of the listing does, for someone who does
//! not know the listing: whose call, which page, what kind of fault.

use abi::{EnvId, Perm};
use witness::trace::{Cause, Content, Mapping, Record};

/// Which environment, as consoles print it.
pub fn id(env: EnvId) -> String {
    match env {
        EnvId::NONE => "nobody".into(),
        env => format!("[{env}]"),
    }
}

/// What a record says.
pub fn say(record: &Record) -> String {
    let who = id(record.env);
    match record.content {
        Content::Entered { eip, arguments } => entry(&who, record.cause, eip, arguments),
        Content::Switched { .. } => format!("{who} gets the CPU"),
        Content::Idled => "nobody can run here: the CPU waits for an interrupt".into(),
        Content::Inserted(it) => format!("{} is mapped to {}", page(it), frame(it)),
        Content::Removed(it) => format!("{} is no longer mapped to {}", page(it), frame(it)),
        Content::TableMade(it) => format!(
            "{} gets a page table for {:08x}, in frame {:05x}",
            space(it),
            it.va,
            it.entry.frame().0
        ),
        Content::Freed { frame } => format!("frame {:05x} is free again", frame.0),
        Content::Delivered {
            to,
            from,
            value,
            perm,
        } => {
            let page = if perm == 0 { "" } else { " and a page" };
            format!("{} gets {value:#x}{page} from {}", id(to), id(from))
        }
        Content::Sends { to, value, .. } => {
            format!("{who} waits until {} takes {value:#x}", id(to))
        }
        Content::Receives { .. } => format!("{who} waits for a message"),
        Content::Born { env, parent, .. } => match parent {
            EnvId::NONE => format!("{} is made by the kernel", id(env)),
            parent => format!("{} is made by {}", id(env), id(parent)),
        },
        Content::Died { env, killer, .. } if env == killer => format!("{} ends", id(env)),
        Content::Died { env, killer, .. } => match killer {
            EnvId::NONE => format!("{} is ended by the kernel", id(env)),
            killer => format!("{} is ended by {}", id(env), id(killer)),
        },
        Content::Flushes { cpu } => format!("CPU {} is asked to forget translations", cpu.0),
        Content::Stops { cpu } => format!("CPU {} is asked to give up its environment", cpu.0),
        Content::Parked { cpu, env, eip } => {
            format!("CPU {} gives up {} at {eip:08x}", cpu.0, id(env))
        }
        Content::Wakes { cpus } => {
            let mut text = String::from("wakes CPU");
            for cpu in cpus.iter() {
                text += &format!(" {}", cpu.0);
            }
            text
        }
    }
}

/// Why the kernel was entered.
fn entry(who: &str, cause: Cause, eip: u32, [a1, a2, a3]: [u32; 3]) -> String {
    match cause {
        Cause::Call { .. } => {
            format!("{who} calls {cause}({a1:#x}, {a2:#x}, {a3:#x}) at {eip:08x}")
        }
        Cause::PageFault => {
            let access = match a2 & 2 {
                0 => "reads",
                _ => "writes",
            };
            let why = match a2 & 1 {
                0 => "is not mapped",
                _ => "does not allow that",
            };
            format!("page fault: {who} {access} {a1:08x}, which {why}, at {eip:08x}")
        }
        Cause::Exception(_) => format!("{who} raises {cause} at {eip:08x}, error code {a1:#x}"),
        Cause::Timer => format!("the timer rings while {who} runs"),
        Cause::Wake => "the CPU is woken, and looks for work".into(),
        Cause::ConsoleReady => "the console took its output".into(),
        Cause::ConsoleInput(byte) => format!("byte {byte:#04x} is typed"),
        Cause::Boot => "the kernel makes its first environments".into(),
    }
}

fn page(it: Mapping) -> String {
    format!("page {:08x} of {}", it.va, space(it))
}

fn space(it: Mapping) -> String {
    match it.env {
        EnvId::NONE => format!("the dead space {:05x}", it.pgdir.0),
        env => id(env),
    }
}

/// A frame, and what one may do with it there.
fn frame(it: Mapping) -> String {
    let allows = |perm: Perm| it.entry.0 & perm.bits() != 0;
    let may = match (allows(Perm::COW), allows(Perm::W), allows(Perm::SHARE)) {
        (true, ..) => "copy-on-write",
        (_, true, true) => "shared, writable",
        (_, true, false) => "writable",
        _ => "read-only",
    };
    format!("frame {:05x}, {may}", it.entry.frame().0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::made::{self, ONE, TWO};

    #[test]
    fn faults_and_messages_are_told_in_words() {
        for (code, what) in [
            (4, "reads 00802004, which is not mapped"),
            (5, "reads 00802004, which does not allow that"),
            (6, "writes 00802004, which is not mapped"),
            (7, "writes 00802004, which does not allow that"),
        ] {
            let fault = made::entered(10, 0, ONE, Cause::PageFault, [0x80_2004, code, 0]);
            let expected = format!("page fault: [00001000] {what}, at 00800020");
            assert_eq!(say(&fault), expected);
        }
        let message = |perm| {
            let (to, from, value) = (TWO, ONE, 17);
            let content = Content::Delivered {
                to,
                from,
                value,
                perm,
            };
            say(&made::record(10, 0, ONE, content))
        };
        assert_eq!(
            message(7),
            "[00001001] gets 0x11 and a page from [00001000]"
        );
        assert_eq!(message(0), "[00001001] gets 0x11 from [00001000]");
    }

    #[test]
    fn an_end_says_by_whom() {
        let died = |killer| {
            let (env, pgdir) = (ONE, kcore::Pfn(7));
            say(&made::record(
                10,
                0,
                ONE,
                Content::Died { env, killer, pgdir },
            ))
        };
        assert_eq!(died(ONE), "[00001000] ends");
        assert_eq!(died(TWO), "[00001000] is ended by [00001001]");
        assert_eq!(died(EnvId::NONE), "[00001000] is ended by the kernel");
    }
}
