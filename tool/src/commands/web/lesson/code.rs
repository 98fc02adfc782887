//! The source of the two sides: the parts that are shown, and what its lines do.
//!
//! The hard thing is to know a line when the machine is there. The lines that matter are
//! found by what stands in them, and debug information leads from an address to a line;
//! most of the code is inlined, so any of the functions around an address may have it.

use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::symbols::Names;
use crate::workspace::Workspace;

/// What a line that matters does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The sleeper says that it is about to look.
    Announces,
    /// It looks.
    Looks,
    /// It goes to sleep.
    Sleeps,
    /// It says that it has what it wants.
    IsDone,
    /// The waker brings something.
    Brings,
    /// It asks whether somebody must be woken.
    Asks,
    /// It wakes.
    Wakes,
    /// It waits a little.
    Yields,
}

/// What both programs have in common.
const COMMON: &str = "programs/src/samples/lost_wake.rs";
/// What stands in the lines that matter. The last one is in the program's own file, if at
/// all.
const LINES: [(Mark, &str); 8] = [
    (Mark::Announces, "self.sleepy.store(1,"),
    (Mark::Looks, "while ready.load("),
    (Mark::Sleeps, "ipc::recv()"),
    (Mark::IsDone, "self.sleepy.store(0,"),
    (Mark::Brings, "ready.fetch_add("),
    (Mark::Asks, "self.sleepy.load("),
    (Mark::Wakes, "sys::ipc_try_send("),
    (Mark::Yields, "sys::yield_now()"),
];

/// A part of the source.
struct Block {
    side: &'static str,
    path: String,
    first: usize,
    lines: Vec<String>,
}

/// The source of a program.
pub struct Code {
    names: Names,
    blocks: Vec<Block>,
}

impl Code {
    /// Reads a program's sources, and its file for the debug information.
    pub fn read(workspace: &Workspace, name: &str, file: &Path) -> anyhow::Result<Code> {
        let path = format!("programs/src/bin/{name}.rs");
        let source = |path: &str| {
            let whole = workspace.root().join(path);
            std::fs::read_to_string(whole).with_context(|| path.to_owned())
        };
        let (common, own) = (source(COMMON)?, source(&path)?);
        let mut blocks = vec![
            block("sleeper", COMMON, &common, "fn sleep_until(")?,
            block("waker", COMMON, &common, "start(|| {")?,
            block("waker", &path, &own, "fn main()")?,
            block("waker", COMMON, &common, "pub fn wake(")?,
        ];
        if own.contains(".is_sleepy()") {
            blocks.push(block("waker", COMMON, &common, "pub fn is_sleepy(")?);
        }
        let roots = vec![workspace.root().to_path_buf()];
        let code = Code {
            names: Names::read(roots, file),
            blocks,
        };
        for (mark, text) in LINES {
            let is_twins = matches!(mark, Mark::Asks | Mark::Yields);
            let is_there = code.line(Some(mark)).is_some() || is_twins && !code.tries_again();
            ensure!(is_there, "{name}: no line has {text:?}");
        }
        Ok(code)
    }

    /// Whether the waker tries again while somebody is on the way to sleep.
    pub fn tries_again(&self) -> bool {
        self.line(Some(Mark::Yields)).is_some()
    }

    /// What the instruction at an address does, if it matters.
    pub fn mark(&self, address: u32) -> Option<Mark> {
        let lines = self.names.at(address);
        let mut places = lines.iter().filter_map(|line| {
            let mut parts = line.split(':');
            Some((parts.next()?, parts.next()?.parse::<usize>().ok()?))
        });
        places.find_map(|(path, number)| {
            let of_line = |(mark, _): &(Mark, &str)| {
                self.find(*mark)
                    .is_some_and(|(ours, at)| at == number && path.ends_with(ours))
            };
            LINES
                .iter()
                .find(|line| of_line(line))
                .map(|(mark, _)| *mark)
        })
    }

    /// Where a line that matters is, as the page names it: file and line.
    pub fn line(&self, mark: Option<Mark>) -> Option<Value> {
        let (path, number) = self.find(mark?)?;
        Some(format!("{path}:{number}").into())
    }

    /// The parts that are shown.
    pub fn blocks(&self) -> Value {
        let blocks = self.blocks.iter().map(|block| {
            json!({
                "side": block.side,
                "path": block.path,
                "first": block.first,
                "lines": block.lines,
            })
        });
        blocks.collect()
    }

    fn find(&self, mark: Mark) -> Option<(&str, usize)> {
        let (_, text) = LINES.iter().find(|(other, _)| *other == mark)?;
        self.blocks.iter().find_map(|block| {
            let index = block.lines.iter().position(|line| line.contains(text))?;
            Some((&*block.path, block.first + index))
        })
    }
}

/// The lines from one with this text to the one that closes it.
fn block(side: &'static str, path: &str, source: &str, text: &str) -> anyhow::Result<Block> {
    let lines: Vec<&str> = source.lines().collect();
    let first = lines.iter().position(|line| line.contains(text));
    let first = first.with_context(|| format!("{path}: no {text:?}"))?;
    let indent = lines[first].len() - lines[first].trim_start().len();
    let closes = |line: &&str| line.get(indent..).is_some_and(|rest| rest.starts_with('}'));
    let length = lines[first..].iter().position(closes);
    let last = first + length.with_context(|| format!("{path}: {text:?} has no end"))?;
    let shown = lines[first..=last].iter();
    Ok(Block {
        side,
        path: path.to_owned(),
        first: first + 1,
        lines: shown
            .map(|line| line.get(indent..).unwrap_or_default().to_owned())
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_ends_with_its_own_brace() {
        let source = "a\n    fn b() {\n        if c {\n        }\n\n    }\n}\n";
        let found = block("x", "p", source, "fn b(").expect("it is there");
        assert_eq!(found.first, 2);
        assert_eq!(found.lines, ["fn b() {", "    if c {", "    }", "", "}"]);
        assert!(block("x", "p", source, "fn d(").is_err());
    }
}
