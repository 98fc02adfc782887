//! A failing schedule in words: which CPU runs which environment until when.
//!
//! The hard thing is that a run has hundreds of turns. What matters is where somebody chose,
//! and how it ends; so of all others only their number is told.

use abi::{Call, EnvId};
use pc::Pc;
use pc::plan::Choice;
use schedules::timeline::Segment;
use witness::trace::{Cause, Content, Record};

use crate::commands::explore::story::line;
use crate::debug::programs::Programs;

/// So many turns are told at the end.
const LAST: usize = 8;
/// And so many before one that was chosen.
const BEFORE: usize = 2;
/// The most that is told of what a turn brought about, and printed.
const NOTES: usize = 4;
/// The most turns that are told.
const MOST: usize = 24;
/// What is told of a turn like the one before.
const AGAIN: &str = "    and again";
/// How a turn ends that the timer ends.
const RINGS: &str = " until the timer rings";
/// Calls whose first argument is an environment, and how that is said.
const TO_SOMEBODY: [(Call, &str); 6] = [
    (Call::IpcTrySend, "to"),
    (Call::IpcSend, "to"),
    (Call::IpcCall, "to"),
    (Call::IpcReply, "to"),
    (Call::EnvSetStatus, "of"),
    (Call::EnvDestroy, "of"),
];

/// The run that was just made on this machine, which kept its trace: a line for each turn
/// that is told, and some below it.
pub fn lines(pc: &Pc<'_>, programs: &Programs, segments: &[Segment]) -> Vec<String> {
    let told = |index: &usize| is_told(segments, *index);
    let mut indices: Vec<usize> = (0..segments.len()).filter(told).collect();
    indices.drain(..indices.len().saturating_sub(MOST));
    let mut lines = Vec::new();
    let (mut next, mut latest) = (0, Vec::new());
    for index in indices {
        let untold = index - next;
        if untold > 0 {
            let turns = if untold == 1 { "turn" } else { "turns" };
            lines.push(format!("... {untold} {turns} more"));
        }
        let turn = Turn {
            pc,
            programs,
            segment: &segments[index],
        };
        let notes = turn.notes().into_iter().map(|note| format!("    {note}"));
        let before = index.checked_sub(1).map(|before| &segments[before]);
        let turn: Vec<String> = [turn.sentence(before)].into_iter().chain(notes).collect();
        if turn != latest || untold > 0 {
            lines.extend_from_slice(&turn);
        } else if lines.last().is_none_or(|line| line != AGAIN) {
            lines.push(AGAIN.to_owned());
        }
        (next, latest) = (index + 1, turn);
    }
    lines
}

fn is_told(segments: &[Segment], index: usize) -> bool {
    let soon = segments.iter().skip(index).take(BEFORE + 1);
    index + LAST >= segments.len() || soon.into_iter().any(|segment| segment.chosen.is_some())
}

/// A turn that is told.
struct Turn<'a, 't> {
    pc: &'a Pc<'t>,
    programs: &'a Programs,
    segment: &'a Segment,
}

impl Turn<'_, '_> {
    /// Who runs what, until when; and what was chosen, if it was.
    fn sentence(&self, before: Option<&Segment>) -> String {
        let (cpu, until) = (self.segment.cpu.0, self.until());
        let who = match self.segment.env {
            Some(env) => format!("runs environment {:x}{until}", env.0),
            None => "wakes up".to_owned(),
        };
        let other = before
            .map(|before| before.cpu.0)
            .filter(|&other| other != cpu);
        match (self.segment.chosen, other) {
            (None, _) => format!("CPU {cpu} {who}"),
            (Some(Choice::Switch(_)), Some(other)) => {
                format!("here CPU {other} is left, though it could go on: CPU {cpu} {who}")
            }
            (Some(Choice::Switch(_)), None) => {
                format!("here CPU {cpu} goes on, though it would be left: it {who}")
            }
            (Some(Choice::Ring(_)), _) if until.starts_with(RINGS) => {
                let env = self.segment.env.map_or(0, |env| env.0);
                format!("here the timer of CPU {cpu} interrupts environment {env:x}")
            }
            (Some(Choice::Ring(_)), _) => format!("here the timer of CPU {cpu} rings: it {who}"),
            (Some(Choice::Drain(late)), _) => {
                let late = late.0;
                format!("here the oldest store of CPU {late} becomes visible: CPU {cpu} {who}")
            }
        }
    }

    fn records(&self) -> impl DoubleEndedIterator<Item = Record> {
        let records = &self.pc.machine.trace[self.segment.records.clone()];
        records
            .iter()
            .filter_map(|words| Record::from_words(*words))
    }

    /// What the turn ended with.
    fn until(&self) -> String {
        if self.segment.ends_in_kernel
            && let Some(entry) = self.records().rfind(|record| self.is_own_entry(record))
        {
            return format!(" until {}{}", in_words(&entry), self.outcome());
        }
        let place = self.segment.places.last();
        let place = place.and_then(|&place| line(self.pc, self.programs, self.segment.env?, place));
        place.map_or_else(String::new, |place| format!(" until {place}"))
    }

    /// Whether the environment entered the kernel; its CPU may do so again when it is gone.
    fn is_own_entry(&self, record: &Record) -> bool {
        let is_entry = matches!(record.content, Content::Entered { .. });
        is_entry && Some(record.env) == self.segment.env
    }

    /// What became of the environment at the end of the turn.
    fn outcome(&self) -> &'static str {
        let is_own = |env: EnvId| Some(env) == self.segment.env;
        let after = self
            .records()
            .rev()
            .take_while(|record| !self.is_own_entry(record));
        for record in after {
            match record.content {
                Content::Died { env, .. } if is_own(env) => return ", and ends",
                Content::Receives { .. } | Content::Sends { .. } if is_own(record.env) => {
                    return ", and waits";
                }
                _ => {}
            }
        }
        ""
    }

    /// What the turn brought about, and what was printed meanwhile.
    fn notes(&self) -> Vec<String> {
        let notes = self.records().filter_map(|record| note(&record));
        let mut notes: Vec<String> = notes.collect();
        let printed = self.segment.printed.lines();
        notes.extend(printed.map(|line| format!("prints: {line}")));
        if notes.len() > NOTES {
            let untold = notes.len() - NOTES;
            notes.drain(..untold);
            notes.insert(0, format!("... {untold} more, and then"));
        }
        notes
    }
}

/// Why the kernel was entered.
fn in_words(entry: &Record) -> String {
    let Content::Entered { arguments, .. } = entry.content else {
        return String::new();
    };
    let [first, second, _] = arguments;
    match entry.cause {
        Cause::Call {
            personality,
            number,
            ..
        } => {
            let known = TO_SOMEBODY
                .iter()
                .find(|(call, _)| personality.means(number.into(), *call));
            match known {
                Some((_, word)) if first != 0 => format!("its {} {word} {first:x}", entry.cause),
                _ => format!("its {}", entry.cause),
            }
        }
        Cause::PageFault => {
            let deed = if second & 2 == 0 { "reads" } else { "writes" };
            format!("a page fault, as it {deed} {first:#x}")
        }
        Cause::Timer => "the timer rings".to_owned(),
        Cause::Wake => "another CPU interrupts it".to_owned(),
        Cause::ConsoleReady | Cause::ConsoleInput(_) => "the console interrupts it".to_owned(),
        Cause::Exception(_) | Cause::Boot => format!("an exception, {}", entry.cause),
    }
}

/// What a student would want to know of what happened.
fn note(record: &Record) -> Option<String> {
    Some(match record.content {
        Content::Born { env, .. } => format!("environment {:x} is made", env.0),
        Content::Died { env, killer, .. } if env == killer => {
            format!("environment {:x} ends", env.0)
        }
        Content::Died { env, killer, .. } => {
            format!("environment {:x} is ended by {:x}", env.0, killer.0)
        }
        Content::Delivered {
            to, from, value, ..
        } => format!(
            "the message {value:#x} goes from {:x} to {:x}",
            from.0, to.0
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::Personality;
    use kcore::CpuId;

    fn entry(cause: Cause, arguments: [u32; 3]) -> Record {
        Record {
            now: 0,
            cpu: CpuId(0),
            env: EnvId(0x1000),
            cause,
            content: Content::Entered { eip: 0, arguments },
        }
    }

    #[test]
    fn causes_are_words() {
        let call = |call| {
            let number = Personality::Lab4.number(call).expect("it has it") as u8;
            Cause::Call {
                fast: false,
                personality: Personality::Lab4,
                number,
            }
        };
        let cases = [
            (call(Call::IpcRecv), "its ipc_recv"),
            (call(Call::IpcTrySend), "its ipc_try_send to 1001"),
            (Cause::Timer, "the timer rings"),
            (Cause::PageFault, "a page fault, as it writes 0x1001"),
        ];
        for (cause, wanted) in cases {
            assert_eq!(in_words(&entry(cause, [0x1001, 7, 0])), wanted);
        }
        let own = entry(call(Call::EnvDestroy), [0; 3]);
        assert_eq!(in_words(&own), "its env_destroy");
    }

    #[test]
    fn what_was_chosen_and_the_end_are_told() {
        let segment = |chosen| Segment {
            cpu: CpuId(0),
            env: None,
            position: 0,
            decision: 0,
            places: Vec::new(),
            chosen,
            printed: String::new(),
            records: 0..0,
            ends_in_kernel: false,
        };
        let mut segments = vec![segment(None); 30];
        segments[10].chosen = Some(Choice::Ring(CpuId(0)));
        let told: Vec<usize> = (0..30).filter(|&index| is_told(&segments, index)).collect();
        assert_eq!(told, [8, 9, 10, 22, 23, 24, 25, 26, 27, 28, 29]);
    }
}
