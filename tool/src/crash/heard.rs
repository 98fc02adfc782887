//! The console, heard for what it says of environments: who made whom, who is gone, and
//! who was ended for what it did.
//!
//! The hard thing is that programs write on the same console, in the middle of a line
//! too: so what the kernel says is looked for within lines, and a dump of registers that
//! is interrupted is none.

use std::collections::{BTreeMap, BTreeSet};

use abi::EnvId;
use abi::trap::Vector;

use super::death::{Death, Panic, Trap, What};
use crate::debug::programs::Lineage;

/// More of a line is not looked at.
const LONGEST: usize = 1024;
/// The most deaths that are kept.
const MOST: usize = 64;

/// What was heard.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// Deaths, the first ones.
    pub deaths: Vec<Death>,
    /// How many there were in all.
    pub count: usize,
    /// Who made each environment; 0, for those of the beginning.
    parents: BTreeMap<EnvId, EnvId>,
    alive: BTreeSet<EnvId>,
    line: Vec<u8>,
    dump: Option<(Option<EnvId>, Trap)>,
    panic: Option<(EnvId, Panic)>,
    entered: Option<String>,
}

impl Lineage for Heard {
    fn parent(&self, env: EnvId) -> Option<EnvId> {
        self.parents.get(&env).copied()
    }
}

impl Heard {
    /// Hears what was printed next.
    pub fn bytes(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            let text = part.strip_suffix(b"\n").unwrap_or(part);
            let room = LONGEST.saturating_sub(self.line.len());
            self.line.extend(text.iter().take(room));
            if text.len() < part.len() {
                let line = std::mem::take(&mut self.line);
                self.hear(String::from_utf8_lossy(&line).trim_end_matches('\r'));
            }
        }
    }

    /// The environments of the beginning, in their order, if the kernel has named them.
    pub fn first(&self) -> Vec<EnvId> {
        let parents = self.parents.iter();
        let first = parents.filter(|(_, parent)| **parent == EnvId::NONE);
        first.map(|(env, _)| *env).collect()
    }

    /// Those that were made and are not gone.
    pub fn alive(&self) -> &BTreeSet<EnvId> {
        &self.alive
    }

    fn hear(&mut self, line: &str) {
        if self.register(line) {
            return;
        }
        let dump = self.dump.take();
        if line.contains("Incoming TRAP frame at 0x") {
            self.dump = Some((None, Trap::default()));
        } else if let Some((env, rest)) = said(line, "user fault va ") {
            let trap = dump.map(|(_, trap)| trap).or_else(|| fault(rest));
            self.dump = trap.map(|trap| (Some(env), trap));
        } else if let Some((env, rest)) = said(line, "user panic in ") {
            self.panic = panic(rest).map(|panic| (env, panic));
        } else if let Some((env, va)) = said(line, "user_mem_check assertion failure for va ") {
            if let Some(va) = hexadecimal(va) {
                self.died(Some(env), What::BadAddress(va));
            }
        } else if let Some((parent, child)) = said(line, "new env ") {
            if let Some(child) = id(child) {
                self.parents.insert(child, parent);
                self.alive.insert(child);
            }
        } else if let Some((_, gone)) = said(line, "free env ") {
            if let Some(gone) = id(gone) {
                self.alive.remove(&gone);
                self.name_the_last(gone);
            }
        } else if let Some((_, entered)) = line.rsplit_once(shell::PROMPT) {
            self.entered = Some(entered.trim().to_owned());
        }
    }

    /// Reads a line of a dump; whether it is one.
    fn register(&mut self, line: &str) -> bool {
        let Some((env, trap)) = &mut self.dump else {
            return false;
        };
        if line.starts_with("TRAP frame at 0x") {
            return true;
        }
        let words = line.strip_prefix("  ").and_then(|line| {
            let (name, rest) = line.split_once("0x")?;
            let value = rest.trim_start_matches('-').split_whitespace().next()?;
            Some((name.trim(), u32::from_str_radix(value, 16).ok()?))
        });
        let Some((name, value)) = words else {
            return false;
        };
        match name {
            "trap" => trap.vector = Vector(value),
            "cr2" => trap.cr2 = Some(value),
            "err" => trap.error = value,
            "eip" => trap.eip = value,
            "esp" => trap.esp = value,
            "ss" => {
                let (env, trap) = (*env, *trap);
                self.dump = None;
                self.trapped(env, trap);
            }
            _ => {}
        }
        true
    }

    /// A panic ends in a breakpoint.
    fn trapped(&mut self, env: Option<EnvId>, trap: Trap) {
        match self.panic.take() {
            Some((who, panic)) if trap.vector == Vector::BREAKPOINT => {
                self.died(Some(who), What::Panic(panic));
            }
            _ => self.died(env, What::Trap(trap)),
        }
    }

    fn died(&mut self, env: Option<EnvId>, what: What) {
        self.count += 1;
        if self.deaths.len() < MOST {
            self.deaths.push(Death {
                env,
                what,
                entered: self.entered.clone(),
            });
        }
    }

    /// The kernel says whose end it was after that.
    fn name_the_last(&mut self, gone: EnvId) {
        if self.count <= MOST
            && let Some(death) = self.deaths.last_mut()
            && death.env.is_none()
        {
            death.env = Some(gone);
        }
    }
}

/// What follows `[ID] what` in a line, and the id.
fn said<'l>(line: &'l str, what: &str) -> Option<(EnvId, &'l str)> {
    let (before, rest) = line.split_once(&format!("] {what}"))?;
    let env = id(before.get(before.len().checked_sub(8)?..)?)?;
    Some((env, rest.trim_end()))
}

fn id(text: &str) -> Option<EnvId> {
    Some(EnvId(hexadecimal(text)?.cast_signed()))
}

/// Eight digits.
fn hexadecimal(text: &str) -> Option<u32> {
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u32::from_str_radix(text, 16).ok())?
}

/// `ADDRESS ip ADDRESS`.
fn fault(text: &str) -> Option<Trap> {
    let (va, eip) = text.split_once(" ip ")?;
    Some(Trap {
        vector: Vector::PAGE_FAULT,
        cr2: Some(hexadecimal(va)?),
        eip: hexadecimal(eip)?,
        ..Trap::default()
    })
}

/// `NAME at FILE:LINE: MESSAGE`, as JOS and our library have it.
fn panic(text: &str) -> Option<Panic> {
    let (_, rest) = text.split_once(" at ")?;
    let (place, message) = rest.split_once(": ").unwrap_or((rest, ""));
    Some(Panic {
        place: place.to_owned(),
        message: message.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAULT: &str = "text[00001001] user fault va 00000004 ip 008000b8\n";
    const REGISTERS: &str = "TRAP frame at 0xf0004000 from CPU 0\n  edi  0x00000000\n  \
        es   0x----0023\n  trap 0x0000000e Page Fault\n  cr2  0x00000004\n  \
        err  0x00000006 [user, write, not-present]\n  eip  0x008000b8\n  cs   0x----001b\n  \
        flag 0x00000246\n  esp  0xeebfdfb0\n  ss   0x----0023\n";

    fn heard(text: &str) -> Heard {
        let mut heard = Heard::default();
        // However it is cut.
        for part in text.as_bytes().chunks(7) {
            heard.bytes(part);
        }
        heard
    }

    fn trap() -> Trap {
        Trap {
            vector: Vector::PAGE_FAULT,
            error: 6,
            eip: 0x80_00b8,
            esp: 0xeebf_dfb0,
            cr2: Some(4),
        }
    }

    #[test]
    fn a_fault_has_an_owner_and_registers() {
        let text = format!("Incoming TRAP frame at 0xefffffbc\n{FAULT}{REGISTERS}");
        let heard = heard(&text);
        assert_eq!(heard.deaths.len(), 1);
        assert_eq!(heard.deaths[0].env, Some(EnvId(0x1001)));
        assert_eq!(heard.deaths[0].what, What::Trap(trap()));
    }

    #[test]
    fn others_are_named_by_what_comes_after() {
        let text =
            format!("Incoming TRAP frame at 0xefffffbc\n{REGISTERS}[00001002] free env 00001002\n");
        assert_eq!(heard(&text).deaths[0].env, Some(EnvId(0x1002)));
    }

    #[test]
    fn a_panic_is_no_breakpoint() {
        let dump = REGISTERS.replace("0x0000000e Page Fault", "0x00000003 Breakpoint");
        let text = format!(
            "[00001000] user panic in x at a/b.rs:3: no: way\nIncoming TRAP frame at 0x0\n{dump}"
        );
        let heard = heard(&text);
        let panic = Panic {
            place: "a/b.rs:3".into(),
            message: "no: way".into(),
        };
        assert_eq!(heard.deaths[0].env, Some(EnvId(0x1000)));
        assert_eq!(heard.deaths[0].what, What::Panic(panic));
    }

    #[test]
    fn families_are_known() {
        let heard = heard(
            "[00000000] new env 00001000\nx[00001000] new env 00001001\n\
             [00001000] free env 00001000\n",
        );
        assert_eq!(heard.first(), [EnvId(0x1000)]);
        assert_eq!(heard.parent(EnvId(0x1001)), Some(EnvId(0x1000)));
        assert!(heard.alive().iter().eq(&[EnvId(0x1001)]));
    }

    /// Whatever a program prints, nothing is heard that the kernel did not say in full.
    #[test]
    fn what_is_not_whole_is_nothing() {
        for text in [
            "Incoming TRAP frame at 0xefffffbc\n",
            REGISTERS,
            FAULT,
            "[0000100] user_mem_check assertion failure for va 00000001\n",
            "[00001000] user_mem_check assertion failure for va 1\n",
            "[00001000] user panic in\n",
            "] new env 00001000\n[é] free env 00001000\n",
        ] {
            assert_eq!(heard(text).count, 0, "{text}");
        }
        let cut = format!("Incoming TRAP frame at 0xefffffbc\n{FAULT}hello\n{REGISTERS}");
        assert_eq!(heard(&cut).count, 0);
    }

    #[test]
    fn no_flood_is_kept() {
        let line = "[00001000] user_mem_check assertion failure for va 00000001\n";
        let heard = heard(&line.repeat(1000));
        assert_eq!((heard.count, heard.deaths.len()), (1000, MOST));
    }
}
