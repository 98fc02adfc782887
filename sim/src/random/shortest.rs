//! The shortest random history that shows a call to be wrong, in words.
//!
//! The hard thing is a kernel in which much is wrong, as one that is still being written. A
//! history says nothing of one call if another has gone wrong before. So whatever goes wrong
//! first and is not asked for is not called any more, and the history is made again.

use super::deed::Deed;
use super::{Driver, Mismatch, Stream, Words, spec};
use crate::machine::{Spec, Store};
use crate::model::Expected;
use abi::Call;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a simple history is made of, beside the call that is asked for.
const SIMPLE: [Call; 10] = [
    Call::PageAlloc,
    Call::PageMap,
    Call::PageUnmap,
    Call::Exofork,
    Call::EnvSetStatus,
    Call::EnvDestroy,
    Call::Yield,
    Call::IpcTrySend,
    Call::IpcSend,
    Call::IpcRecv,
];
/// Where to look, in this order: whether only in simple histories, how many, and how many
/// actions each has.
const WHERE: [(bool, u64, usize); 2] = [(true, 32, 100), (false, 16, 300)];
/// Of so many that show something, the shortest is told.
const SHOWN: usize = 12;

/// A history, and how it ended.
struct Played {
    /// What was done, and last what went wrong.
    deeds: Vec<Deed>,
    /// In words.
    wrong: String,
    /// How many of the words it took.
    used: usize,
}

/// What to play on, and with which calls.
struct Stage {
    kind: u32,
    spec: Spec,
    mix: Vec<Call>,
}

/// A line for each action of a history at whose end `call` goes wrong, as short as could be
/// found, and what is wrong; nothing if it never does.
pub fn shortest(call: Call) -> Option<Vec<String>> {
    for (cpus, (simple, histories, actions)) in [1, 2]
        .into_iter()
        .flat_map(|cpus| WHERE.map(|place| (cpus, place)))
    {
        let is_made = |known: &Call| !simple || *known == call || SIMPLE.contains(known);
        let mix = Call::ALL.iter().copied().filter(is_made).collect();
        let mut stage = Stage {
            kind: 0,
            spec: Spec::default(),
            mix,
        };
        let shown = (1..=histories).filter_map(|seed| {
            let mut stream = Stream::new(seed);
            stage.kind = stream.word();
            stage.spec = Spec {
                cpus,
                ..spec(stage.kind)
            };
            let words = (0..actions).map(|_| stream.words()).collect();
            shown_by(&mut stage, words, call)
        });
        let shortest = shown.take(SHOWN).min_by_key(|played| played.deeds.len());
        if let Some(played) = shortest {
            let mut lines: Vec<String> = played.deeds.iter().map(Deed::to_string).collect();
            lines.push(played.wrong);
            return Some(lines);
        }
    }
    None
}

/// The shortest part of a history that shows this call to be wrong.
fn shown_by(stage: &mut Stage, words: Vec<Words>, call: Call) -> Option<Played> {
    let mut found = loop {
        let played = stage.play(&words)?;
        match played.deeds.last()?.call()? {
            wrong if wrong == call => break played,
            wrong => stage.mix.retain(|&known| known != wrong),
        }
    };
    let mut words = words;
    words.truncate(found.used);
    while let Some((fewer, played)) = stage.without_some(&words, call) {
        (words, found) = (fewer, played);
    }
    Some(found)
}

impl Stage {
    /// The same, without some actions that do not matter, if there are such.
    fn without_some(&self, words: &[Words], call: Call) -> Option<(Vec<Words>, Played)> {
        let mut size = words.len().div_ceil(2);
        while size > 0 {
            for start in (0..words.len()).step_by(size).rev() {
                let mut fewer = words.to_vec();
                fewer.drain(start..(start + size).min(words.len()));
                if let Some(played) = self.play(&fewer)
                    && played.deeds.last().and_then(Deed::call) == Some(call)
                {
                    fewer.truncate(played.used);
                    return Some((fewer, played));
                }
            }
            size /= 2;
        }
        None
    }

    /// Plays a history until something goes wrong.
    fn play(&self, words: &[Words]) -> Option<Played> {
        let mut store = Store::new(&self.spec);
        let mut deeds = Vec::new();
        let mut act = |driver: &mut Driver<'_>, words: Words| {
            driver.mix.clone_from(&self.mix);
            driver.latest = Deed::default();
            let acted = catch_unwind(AssertUnwindSafe(|| driver.act(words)));
            deeds.push(driver.latest);
            acted.map_or_else(
                |what| Err(panicked(&*what)),
                |acted| acted.map_err(in_words),
            )
        };
        let mut driver = Driver::new(&mut store, self.spec, self.kind, false);
        for (index, &words) in words.iter().enumerate() {
            if driver.is_over() {
                return None;
            }
            if let Err(wrong) = act(&mut driver, words) {
                let used = index + 1;
                return Some(Played { deeds, wrong, used });
            }
        }
        None
    }
}

fn in_words(mismatch: Mismatch) -> String {
    match mismatch {
        Mismatch::Violation(violation) => format!("the audit finds {violation:?}"),
        Mismatch::Answer { expected, .. } => match expected {
            Expected::Value(value) | Expected::Moves(value) => {
                format!("it should return {value:#x}")
            }
            Expected::Fails(error) => format!("it should fail: {}", error.message()),
            Expected::Yields => "it should return 0x0, at once or later".to_owned(),
            Expected::Leaves => "it should not return yet".to_owned(),
        },
        Mismatch::FailureChanged(_) => "it fails, and yet has changed something".to_owned(),
        Mismatch::State(what) => format!("what programs can see is not right: {what}"),
    }
}

/// What a panic says.
fn panicked(what: &(dyn std::any::Any + Send)) -> String {
    let text = what.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| what.downcast_ref::<&str>().copied());
    format!("the kernel panics: {}", text.unwrap_or("no reason given"))
}
