//! Whether each new environment got the id that was next.
//!
//! Who ends before whom is a matter of the schedule, even on one CPU: the host may
//! keep an emulator waiting for a whole quantum between any two instructions. So
//! no test may name the id of an environment that is made when another may have
//! ended. But births and ends are printed in the order in which they happen, and
//! the slot freed last is the first to be used again: that makes each id follow
//! from the lines before it, whatever the schedule. The hard thing is that a line
//! need not begin with what the kernel says in it: a program may have begun it.
//!
//! And whether the tool's sources leave it to the id how it is printed.

use libtest_mimic::Failed;
use regex_lite::Regex;

use crate::boot::host;
use crate::sources;
use crate::trial::Trial;

/// Slot 0's first id; a slot's next one is as much higher.
const GENERATION: u32 = 0x1000;
const SLOTS: u32 = 1024;

/// Two schedules of one program, and what no schedule can give.
pub fn trials() -> impl Iterator<Item = Trial> {
    const BEGIN: &str = "[00000000] new env 00001000\n[00001000] new env 00001001\n";
    const CASES: [(&str, &str, bool); 5] = [
        (
            "first_ends_before_a_fork",
            "[00001000] free env 00001000\n7 [00001001] new env 00002000\n",
            true,
        ),
        (
            "first_ends_after_a_fork",
            "[00001001] new env 00001002\n[00001000] free env 00001000\n",
            true,
        ),
        (
            "a_free_slot_is_left_out",
            "[00001000] free env 00001000\n[00001001] new env 00001002\n",
            false,
        ),
        (
            "an_id_comes_twice",
            "[00001000] free env 00001000\n[00001001] new env 00001000\n",
            false,
        ),
        ("nobody_ends", "[00001000] free env 00001002\n", false),
    ];
    let printed = Trial::test("ids::print_themselves", print_themselves);
    let cases = CASES.into_iter().map(|(name, end, right)| {
        Trial::test(format!("ids::{name}"), move || {
            let complaints = complaints(&format!("{BEGIN}{end}"));
            if complaints.is_empty() == right {
                Ok(())
            } else {
                Err(Failed::from(format!("{complaints:?}")))
            }
        })
    });
    cases.chain([printed])
}

/// Eight digits between brackets, or of something called `env`, are an id.
fn print_themselves() -> Result<(), Failed> {
    let root = host()?.workspace.root();
    let by_hand = Regex::new(r"\[\{:08x\}|(parent|env|id)(\.0)?:08x|break-env \{:x")?;
    let files = sources::below(root, "tool/src")?;
    let mut found = Vec::new();
    for source in &files {
        let text = std::fs::read_to_string(root.join(&source.path))?;
        // What a test writes for the kernel is no id yet.
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, line)| by_hand.is_match(line));
        found.extend(lines.map(|(number, _)| format!("{}:{}", source.path, number + 1)));
    }
    if found.is_empty() && files.len() > 100 {
        return Ok(());
    }
    Err(format!("not by EnvId's own Display: {found:?}").into())
}

/// The first birth with a wrong id, or end of somebody who was not alive; after
/// that nothing follows any more.
pub fn complaints(console: &str) -> Vec<String> {
    let Ok(line) = Regex::new(r"\[[0-9a-f]{8}\] (new|free) env ([0-9a-f]{8})") else {
        return vec!["the pattern is not a regular expression".to_owned()];
    };
    let mut table = Table::default();
    let mut events = line.captures_iter(console);
    let wrong = events.find_map(|event| table.follow(&event));
    wrong.into_iter().collect()
}

/// The kernel's table of environments, as far as ids need it.
#[derive(Default)]
struct Table {
    /// The last id of each slot that has been used.
    ids: Vec<u32>,
    alive: Vec<u32>,
    /// Slots to be used again, the next one last.
    free: Vec<u32>,
}

impl Table {
    /// Does what a line says, or says what is wrong with that.
    fn follow(&mut self, event: &regex_lite::Captures) -> Option<String> {
        let id = u32::from_str_radix(&event[2], 16).ok()?;
        match &event[1] {
            "new" => {
                let right = self.make();
                self.alive.push(id);
                (id != right).then(|| format!("not id {right:08x}: {}", &event[0]))
            }
            _ => match self.alive.iter().position(|&alive| alive == id) {
                Some(place) => {
                    self.alive.swap_remove(place);
                    self.free.push(id % SLOTS);
                    None
                }
                None => Some(format!("not alive: {}", &event[0])),
            },
        }
    }

    /// The id that is next.
    fn make(&mut self) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                let id = &mut self.ids[slot as usize];
                *id += GENERATION;
                *id
            }
            None => {
                let id = GENERATION + self.ids.len() as u32;
                self.ids.push(id);
                id
            }
        }
    }
}
