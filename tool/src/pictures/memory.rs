//! Address spaces over time, as one drawing: what a fork shares, and what copy-on-write
//! splits.
//!
//! The hard thing is that a page changes without being touched: when another space drops
//! the frame, it is no longer shared. So frames are followed, and each change of how many
//! hold one ends a stretch in every space that maps it.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use abi::{EnvId, Perm};
use kcore::Pfn;
use witness::trace::{Content, Mapping};

use super::model::Model;
use super::svg::{self, Sheet};
use super::{colours, words};

/// Height of a page's row, of what is above a space's first, and of the heading.
const ROW: f64 = 9.0;
const ABOVE: f64 = 22.0;
const TOP: f64 = 72.0;
/// Spaces, and pages of each, that are drawn.
const SPACES: usize = 40;
const PAGES: usize = 64;

const STYLE: &str = "\
svg{background:#fff;color:#23262b;--quiet:#6a707a;--line:#e2e0da}\
text{font:11px system-ui,sans-serif;fill:currentColor}.va{font:8px ui-monospace,monospace}\
.quiet,.va{fill:var(--quiet)}.title{font-size:14px;font-weight:600}.grid{stroke:var(--line);fill:none}\
.env{fill:hsl(var(--h) 48% 52%)}.own{fill:#2f6fc4}.alone{fill:#8fb4e6}.forked{fill:#e0a23a}\
.shared{fill:#2d8a4e}.fixed{fill:#a9afb8}.split{stroke:#a83a32;stroke-width:2}\
@media screen and (prefers-color-scheme:dark){svg{background:#1d2024;color:#e2e4e7;\
--quiet:#949aa4;--line:#30343a}}";

/// How a page is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Held {
    /// Writable, by this space alone.
    Own,
    /// Copy-on-write, but nobody else has the frame any more.
    Alone,
    /// Copy-on-write, with others.
    Forked,
    /// Writable, with others.
    Shared,
    /// Not writable.
    Fixed,
}

impl Held {
    const ALL: [Held; 5] = [
        Held::Own,
        Held::Forked,
        Held::Alone,
        Held::Shared,
        Held::Fixed,
    ];

    fn of(entry: u32, holders: usize) -> Held {
        let allows = |perm: Perm| entry & perm.bits() != 0;
        match (allows(Perm::COW), allows(Perm::W), holders > 1) {
            (true, _, true) => Held::Forked,
            (true, _, false) => Held::Alone,
            (_, true, true) => Held::Shared,
            (_, true, false) => Held::Own,
            _ => Held::Fixed,
        }
    }

    /// Its class in the drawing, and what it means.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Held::Own => ("own", "writable, its own"),
            Held::Alone => ("alone", "copy-on-write, no longer shared"),
            Held::Forked => ("forked", "copy-on-write, shared"),
            Held::Shared => ("shared", "writable, shared"),
            Held::Fixed => ("fixed", "read-only"),
        }
    }
}

/// How a page was held for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// From when, and to when.
    pub from: u64,
    /// Its end.
    pub to: u64,
    /// How.
    pub held: Held,
    /// In which frame.
    pub frame: Pfn,
}

/// What became of a page of a space.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// How it was held, in the order of time.
    pub stretches: Vec<Stretch>,
    /// When a write gave it a frame of its own.
    pub splits: Vec<u64>,
}

/// The pages of a space, by address.
pub type Space = BTreeMap<u32, Page>;

/// A page that is mapped.
#[derive(Debug, Clone, Copy)]
struct Mapped {
    owner: usize,
    since: u64,
    entry: u32,
}

/// Follows all spaces.
#[derive(Debug, Default)]
struct Spaces {
    /// By page directory: the number of the space that it belongs to now.
    owners: HashMap<Pfn, usize>,
    spaces: Vec<(EnvId, Space)>,
    /// Who maps each frame, by page directory and address.
    holders: HashMap<Pfn, BTreeMap<(Pfn, u32), Mapped>>,
    /// The frame that a copy-on-write page had when it was removed, and when that was: what
    /// replaces it comes in the same step.
    left: HashMap<(Pfn, u32), (Pfn, u64)>,
}

impl Spaces {
    fn take(&mut self, at: u64, content: Content) {
        match content {
            Content::Born { env, pgdir, .. } => {
                self.owners.insert(pgdir, self.spaces.len());
                self.spaces.push((env, Space::new()));
            }
            Content::Inserted(it) => self.insert(at, it),
            Content::Removed(it) => self.remove(at, it),
            _ => {}
        }
    }

    fn insert(&mut self, at: u64, it: Mapping) {
        let Some(&owner) = self.owners.get(&it.pgdir) else {
            return;
        };
        let (frame, key) = (it.entry.frame(), (it.pgdir, it.va));
        self.close(at, frame);
        let mapped = Mapped {
            owner,
            since: at,
            entry: it.entry.0,
        };
        self.holders.entry(frame).or_default().insert(key, mapped);
        let before = self.left.remove(&key);
        if before.is_some_and(|(before, when)| before != frame && when == at)
            && it.entry.0 & Perm::W.bits() != 0
        {
            self.page(owner, it.va).splits.push(at);
        }
    }

    fn remove(&mut self, at: u64, it: Mapping) {
        let (frame, key) = (it.entry.frame(), (it.pgdir, it.va));
        self.close(at, frame);
        if let Some(holders) = self.holders.get_mut(&frame) {
            holders.remove(&key);
        }
        if it.entry.0 & Perm::COW.bits() != 0 {
            self.left.insert(key, (frame, at));
        }
    }

    fn page(&mut self, owner: usize, va: u32) -> &mut Page {
        let (_, space) = &mut self.spaces[owner];
        space.entry(va).or_default()
    }

    /// Ends the stretches of all who hold a frame, as their number changes.
    fn close(&mut self, at: u64, frame: Pfn) {
        let mut held = self.holders.remove(&frame).unwrap_or_default();
        let holders = held.len();
        for (&(_, va), mapped) in &mut held {
            let stretch = Stretch {
                from: mapped.since,
                to: at,
                held: Held::of(mapped.entry, holders),
                frame,
            };
            mapped.since = at;
            let stretches = &mut self.page(mapped.owner, va).stretches;
            match stretches.last_mut() {
                Some(last)
                    if (last.to, last.held, last.frame) == (stretch.from, stretch.held, frame) =>
                {
                    last.to = at;
                }
                _ if stretch.from < at => stretches.push(stretch),
                _ => {}
            }
        }
        self.holders.insert(frame, held);
    }
}

/// The spaces of a trace, in the order in which they were made.
pub fn spaces(model: &Model) -> Vec<(EnvId, Space)> {
    let mut spaces = Spaces::default();
    for event in &model.events {
        spaces.take(event.at, event.record.content);
    }
    let frames: Vec<Pfn> = spaces.holders.keys().copied().collect();
    for frame in frames {
        spaces.close(model.end, frame);
    }
    spaces.spaces
}

/// The drawing. Its first line says what it is.
pub fn drawing(model: &Model, name: &str) -> String {
    let spaces = spaces(model);
    let sheet = Sheet::of(model);
    let mut body = String::new();
    let mut y = TOP;
    for (env, space) in spaces.iter().take(SPACES) {
        y = draw(&mut body, &sheet, y, *env, space);
    }
    if let Some(more @ 1..) = spaces.len().checked_sub(SPACES) {
        let _ = writeln!(
            body,
            "<text class=\"quiet\" x=\"8\" y=\"{}\">and {more} more environments</text>",
            y + 14.0
        );
        y += 22.0;
    }
    let (width, height) = (svg::WIDTH, y + 8.0);
    let mut text = format!(
        "<!-- by jostle trace, memory -->\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" \
         height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n<style>{STYLE}</style>\n\
         <text class=\"title\" x=\"8\" y=\"18\">{}</text>\n",
        svg::escaped(name)
    );
    text += &key();
    text += &sheet.axis(TOP - 8.0, y);
    text += &body;
    text += "</svg>\n";
    text
}

fn key() -> String {
    let mut text = String::new();
    let mut x = 300.0;
    for held in Held::ALL {
        let (class, meaning) = held.words();
        let _ = write!(
            text,
            "<rect class=\"{class}\" x=\"{x}\" y=\"10\" width=\"9\" height=\"9\"/>\
             <text class=\"quiet\" x=\"{}\" y=\"18\">{meaning}</text>",
            x + 13.0
        );
        x += 32.0 + meaning.len() as f64 * 6.0;
    }
    let _ = writeln!(
        text,
        "<path class=\"split\" d=\"M{x} 9v11\"/><text class=\"quiet\" x=\"{}\" y=\"18\">copied by a write</text>",
        x + 7.0
    );
    text
}

/// Draws a space from `y` on, and says where it ends.
fn draw(text: &mut String, sheet: &Sheet, y: f64, env: EnvId, space: &Space) -> f64 {
    let _ = writeln!(
        text,
        "<rect class=\"env\" style=\"--h:{:.0}\" x=\"8\" y=\"{}\" width=\"9\" height=\"9\"/>\
         <text x=\"21\" y=\"{}\">{} {} pages</text>",
        colours::hue(env),
        y + 6.0,
        y + 14.0,
        words::id(env),
        space.len()
    );
    let mut y = y + ABOVE;
    for (va, page) in space.iter().take(PAGES) {
        let _ = write!(
            text,
            "<text class=\"va\" x=\"8\" y=\"{}\">{va:08x}</text>",
            y + 7.0
        );
        for it in &page.stretches {
            let (x, end) = (sheet.x(it.from), sheet.x(it.to.min(sheet.end)));
            let (class, meaning) = it.held.words();
            if end - x > 0.1 {
                let _ = write!(
                    text,
                    "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"{}\">\
                     <title>{va:08x}: {meaning}, frame {:05x}</title></rect>",
                    end - x,
                    ROW - 1.0,
                    it.frame.0
                );
            }
        }
        for &at in page.splits.iter().filter(|at| **at <= sheet.end) {
            let _ = write!(
                text,
                "<path class=\"split\" d=\"M{:.1} {}v{}\"><title>{va:08x}: copied by a write</title></path>",
                sheet.x(at),
                y - 1.0,
                ROW + 1.0
            );
        }
        text.push('\n');
        y += ROW;
    }
    if let Some(more @ 1..) = space.len().checked_sub(PAGES) {
        let _ = writeln!(
            text,
            "<text class=\"va\" x=\"8\" y=\"{}\">and {more} more</text>",
            y + 8.0
        );
        y += ROW + 2.0;
    }
    y
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
