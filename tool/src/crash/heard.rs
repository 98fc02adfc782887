//! The console, heard for what it says of environments: who made whom, who is gone, and
//! who was ended for what it did.
//!
//! The hard thing is that programs write on the same console, in the middle of a line
//! too: so what the kernel says is looked for within lines, and a dump of registers that
//! is interrupted is none. And a run may last for days: who is gone is forgotten, and of
//! deaths only the first are kept.

use std::collections::{BTreeMap, BTreeSet};

use abi::EnvId;
use abi::env::NENV;
use abi::trap::Vector;

use super::death::{Death, Panic, Trap, What};
use super::entered::Entered;

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
    /// Those of the beginning, as far as the kernel has named them.
    first: BTreeSet<EnvId>,
    /// Of those, who was ended for what it did.
    ended: BTreeSet<EnvId>,
    /// Who is alive in each slot, and the one of the beginning that it descends from, if
    /// that is known.
    living: BTreeMap<usize, (EnvId, Option<EnvId>)>,
    line: Vec<u8>,
    dump: Option<(Option<EnvId>, Trap)>,
    /// Whether it is not known yet whose the last death was.
    anonymous: bool,
    panic: Option<(EnvId, Panic)>,
    entered: Entered,
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
        self.first.iter().copied().collect()
    }

    /// Whether this environment of the beginning was ended for what it did.
    pub fn was_ended(&self, env: EnvId) -> bool {
        self.ended.contains(&env)
    }

    /// Those that were made and are not gone, by id.
    pub fn alive(&self) -> Vec<EnvId> {
        let mut alive: Vec<EnvId> = self.living.values().map(|(env, _)| *env).collect();
        alive.sort_unstable();
        alive
    }

    fn hear(&mut self, line: &str) {
        if self.register(line) {
            return;
        }
        let dump = self.dump.take();
        if line.contains("Incoming TRAP frame at 0x") {
            self.dump = Some((None, Trap::default()));
        } else if let Some((env, rest)) = said(line, "] user fault va ") {
            let trap = dump.map(|(_, trap)| trap).or_else(|| fault(rest));
            self.dump = trap.map(|trap| (Some(env), trap));
        } else if let Some((env, rest)) = said(line, "] user panic in ") {
            self.panic = panic(rest).map(|panic| (env, panic));
        } else if let Some((env, va)) = said(line, "] user_mem_check assertion failure for va ") {
            if let Some(va) = hexadecimal(va) {
                self.died(Some(env), What::BadAddress(va));
            }
        } else if let Some((parent, child)) = said(line, "] new env ") {
            if let Some(child) = id(child) {
                self.born(parent, child);
            }
        } else if let Some((_, gone)) = said(line, "] free env ") {
            if let Some(gone) = id(gone) {
                self.name_the_last(gone);
                self.living.remove(&gone.slot());
            }
        } else {
            self.entered.hear(line);
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

    /// An environment has the slot of one that is gone, whether that was heard or not.
    fn born(&mut self, parent: EnvId, child: EnvId) {
        let ancestor = match parent {
            // The kernel itself makes no more than fit.
            EnvId::NONE if self.first.len() < NENV => {
                self.first.insert(child);
                Some(child)
            }
            _ => self.ancestor(parent),
        };
        self.living.insert(child.slot(), (child, ancestor));
    }

    /// The one of the beginning that a living environment descends from.
    fn ancestor(&self, env: EnvId) -> Option<EnvId> {
        let (living, ancestor) = self.living.get(&env.slot())?;
        ancestor.filter(|_| *living == env)
    }

    fn died(&mut self, env: Option<EnvId>, what: What) {
        self.count += 1;
        self.anonymous = env.is_none();
        if let Some(env) = env {
            self.note_end(env);
        }
        if self.deaths.len() < MOST {
            self.deaths.push(Death {
                env,
                ancestor: env.and_then(|env| self.ancestor(env)),
                what,
                entered: self.entered.of(env),
            });
        }
    }

    /// The kernel says whose end it was after that.
    fn name_the_last(&mut self, gone: EnvId) {
        if !std::mem::take(&mut self.anonymous) {
            return;
        }
        self.note_end(gone);
        let ancestor = self.ancestor(gone);
        if self.count <= MOST
            && let Some(death) = self.deaths.last_mut()
        {
            death.env = Some(gone);
            death.ancestor = ancestor;
            death.entered = self.entered.of(Some(gone));
        }
    }

    /// Keeps whether one of the beginning was ended. If the kernel names nobody, those are
    /// among the first of their slots.
    fn note_end(&mut self, env: EnvId) {
        let is_first = match self.first.is_empty() {
            true => EnvId::NONE.next(env.slot()) == env,
            false => self.first.contains(&env),
        };
        if is_first {
            self.ended.insert(env);
        }
    }
}

/// What follows `[ID` and `what` in a line, and the id.
fn said<'l>(line: &'l str, what: &str) -> Option<(EnvId, &'l str)> {
    let (before, rest) = line.split_once(what)?;
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
        assert_eq!(heard.alive(), [EnvId(0x1001)]);
    }

    /// A death by a pointer that the kernel refused.
    fn refused(env: u32) -> String {
        format!("[{env:08x}] user_mem_check assertion failure for va 00000001\n")
    }

    /// Its parents may be gone, and others be in their slots.
    #[test]
    fn a_death_has_an_ancestor() {
        let mut text = String::from(
            "[00000000] new env 00001000\n[00000000] new env 00001001\n\
             [00001001] new env 00001002\n[00001002] new env 00001003\n\
             [00001002] free env 00001002\n[00001000] new env 00002002\n",
        );
        text += &[0x1003, 0x2002, 0x1001, 0x1002].map(refused).concat();
        let heard = heard(&text);
        let ancestors: Vec<_> = heard.deaths.iter().map(|death| death.ancestor).collect();
        let wanted = [Some(0x1001), Some(0x1000), Some(0x1001), None];
        assert_eq!(ancestors, wanted.map(|id| id.map(EnvId)));
        let ended = [0x1000, 0x1001].map(|env| heard.was_ended(EnvId(env)));
        assert_eq!(ended, [false, true]);
    }

    /// However many were ended before, and whether the kernel names who is made or not.
    #[test]
    fn the_end_of_a_program_of_the_beginning_is_known() {
        let many = refused(0x0050_1003).repeat(2 * MOST);
        for begin in ["", "[00000000] new env 00001000\n"] {
            let text = format!("{begin}{many}Incoming TRAP frame at 0xefffffbc\n{REGISTERS}");
            let before = heard(&text);
            assert!(!before.was_ended(EnvId(0x1000)));
            let heard = heard(&(text + "[00001000] free env 00001000\n"));
            assert!(heard.was_ended(EnvId(0x1000)), "{begin}");
            assert_eq!(heard.deaths.len(), MOST);
        }
    }

    /// All that is kept, as text.
    fn kept(heard: &Heard) -> usize {
        format!("{heard:?}").len()
    }

    #[test]
    fn a_long_run_is_no_burden() {
        let mut heard = heard("[00000000] new env 00001000\n");
        let mut run = |children: std::ops::Range<u32>| {
            let mut most = 0;
            for child in children {
                let id = 0x1001 + (child << 10);
                let mut life = format!("[00001000] new env {id:08x}\n");
                if child % 4 == 0 {
                    life += &refused(id);
                }
                // A line may be torn by what a program prints.
                if child % 4 != 1 {
                    life += &format!("[{id:08x}] free env {id:08x}\n");
                }
                heard.bytes(life.as_bytes());
                if child % 1000 == 0 {
                    most = most.max(kept(&heard));
                }
            }
            most
        };
        let at_first = run(0..10_000);
        let later = run(10_000..1_000_000);
        // Numbers have more digits.
        assert!(later < at_first + 100, "{at_first}, {later}");
    }

    /// Nor is a program that says what only the kernel says.
    #[test]
    fn a_forger_fills_no_memory() {
        let mut heard = Heard::default();
        let line = |id: u32| format!("[00000000] new env {id:08x}\n");
        (0..200_000).for_each(|id| heard.bytes(line(id * 7).as_bytes()));
        assert!(heard.first.len() <= NENV && heard.living.len() <= NENV);
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
