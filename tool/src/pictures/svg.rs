//! A trace as one drawing, for paper and for pages: it cannot be zoomed.
//!
//! The hard thing is a run that has more to show than the drawing has points. A column of
//! half a point shows who had the CPU longest in it, a mark stands for all of its kind
//! on a point, and an arrow for all that would lie upon it. It ends soon after the last
//! environment leaves its CPU, for the console may go on for a thousand times as long.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use witness::trace::{Cause, Content, Record};

use super::arrows::Means;
use super::colours;
use super::model::{Model, Who};
use super::words;

/// Width of the drawing, and of what is left of its rows.
pub const WIDTH: f64 = 1200.0;
const GUTTER: f64 = 56.0;
const RIGHT: f64 = 16.0;
/// Height of what is above the rows, of a row, and of its bar.
const TOP: f64 = 56.0;
const ROW: f64 = 48.0;
const BAR: f64 = 20.0;
/// Columns of a point.
const FINE: f64 = 2.0;
/// Environments that the legend names.
const NAMED: usize = 28;
/// In a line of it.
const IN_A_LINE: usize = 14;

const STYLE: &str = "\
svg{background:#fff;color:#23262b;--quiet:#6a707a;--line:#e2e0da;--track:#f0efeb;--l:52%;--s:48%}\
text{font:11px system-ui,sans-serif;fill:currentColor}.quiet{fill:var(--quiet)}\
.title{font-size:14px;font-weight:600}.grid{stroke:var(--line)}.track{fill:var(--track)}\
.env{fill:hsl(var(--h) var(--s) var(--l))}.gap{fill:url(#gap)}\
.inner{fill:#fff}path{fill:none;stroke-width:1}\
.call{stroke:#7c8694}.timer{stroke:#c3c7cd}.fault{stroke:#d0662f;stroke-width:1.5}\
.born{stroke:#2d8a4e;stroke-width:2}.died{stroke:#a83a32;stroke-width:2}\
.message{stroke:#2f6fc4}.remote{stroke:#8a4fb0}\
@media screen and (prefers-color-scheme:dark){svg{background:#1d2024;color:#e2e4e7;\
--quiet:#949aa4;--line:#30343a;--track:#24282d;--l:58%;--s:45%}\
.timer{stroke:#4d545d}.fault{stroke:#e8935f}.born{stroke:#6cc48a}.died{stroke:#e5837a}\
.message{stroke:#7aa9ec}.remote{stroke:#bd8fdd}}";

/// Marks: class, what they mean, from where to where below a bar's upper edge.
const MARKS: [(&str, &str, f64, f64); 7] = [
    ("call", "system call", 21.0, 26.0),
    ("timer", "timer, wake or console", 21.0, 26.0),
    ("fault", "fault", 21.0, 31.0),
    ("born", "new environment", -6.0, -1.0),
    ("died", "end", -6.0, -1.0),
    ("message", "message", 21.0, 31.0),
    ("remote", "asks another CPU", 21.0, 28.0),
];

/// The drawing. Its first line says what it is.
pub fn drawing(model: &Model, name: &str) -> String {
    let legend = TOP + model.rows.len() as f64 * ROW + 8.0;
    let lines = model.envs.len().min(NAMED).div_ceil(IN_A_LINE);
    let height = legend + 28.0 + lines as f64 * 18.0 + 8.0;
    let mut text = format!(
        "<!-- by jostle trace -->\n<svg xmlns=\"http://www.w3.org/2000/svg\" \
         width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\">\n\
         <style>{STYLE}</style>\n<defs><pattern id=\"gap\" width=\"6\" height=\"6\" \
         patternUnits=\"userSpaceOnUse\"><path d=\"M0 6L6 0\" stroke=\"#a83a32\"/></pattern>\
         <marker id=\"tip\" viewBox=\"0 0 6 6\" refX=\"6\" refY=\"3\" markerWidth=\"6\" \
         markerHeight=\"6\" orient=\"auto\"><path d=\"M0 0L6 3L0 6\" \
         stroke=\"context-stroke\"/></marker></defs>\n"
    );
    text += &heading(model, name);
    let sheet = Sheet::of(model);
    text += &sheet.axis(TOP, legend - 8.0);
    for cpu in 0..model.rows.len() {
        text += &sheet.row(model, cpu);
    }
    text += &sheet.marks(model);
    text += &sheet.arrows(model);
    text += &key(model, legend + 12.0);
    text += "</svg>\n";
    text
}

fn heading(model: &Model, name: &str) -> String {
    let lost = match model.lost {
        0 => String::new(),
        lost => format!(", {lost} records lost"),
    };
    format!(
        "<text class=\"title\" x=\"0\" y=\"18\" dx=\"8\">{}</text>\
         <text class=\"quiet\" x=\"{}\" y=\"18\" text-anchor=\"end\">{} CPUs, {} environments, \
         {} events in {}{lost}</text>\n",
        escaped(name),
        WIDTH - RIGHT,
        model.rows.len(),
        model.envs.len(),
        model.events.len(),
        time(model.end),
    )
}

/// Text within a drawing.
pub fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.chars().filter(|char| !char.is_control()).collect()
}

/// From times to places.
pub struct Sheet {
    /// The last moment that is drawn.
    pub end: u64,
}

impl Sheet {
    /// From the beginning to a little after the last environment left its CPU.
    pub fn of(model: &Model) -> Sheet {
        let busy = model.busy();
        let end = model.end.min(busy.saturating_add(busy / 50)).max(1);
        Sheet { end }
    }

    /// Where a moment is drawn.
    pub fn x(&self, at: u64) -> f64 {
        GUTTER + at as f64 / self.end as f64 * (WIDTH - GUTTER - RIGHT)
    }

    fn y(cpu: usize) -> f64 {
        TOP + cpu as f64 * ROW
    }

    /// The column that a time falls into.
    fn column(&self, at: u64) -> i64 {
        (self.x(at) * FINE) as i64
    }

    /// Times, above what begins at `top`.
    pub fn axis(&self, top: f64, bottom: f64) -> String {
        let rough = self.end as f64 / 10.0;
        let power = 10_f64.powf(rough.max(1.0).log10().floor());
        let factors = [1.0, 2.0, 5.0, 10.0];
        let factor = factors.into_iter().find(|factor| factor * power >= rough);
        let step = ((factor.unwrap_or(10.0) * power) as u64).max(1);
        let mut text = String::new();
        for at in (0..=self.end).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
            let x = self.x(at);
            if x > WIDTH - 40.0 {
                break;
            }
            let _ = writeln!(
                text,
                "<path class=\"grid\" d=\"M{x:.1} {}V{bottom}\"/><text class=\"quiet\" x=\"{x:.1}\" \
                 y=\"{}\" text-anchor=\"middle\">{}</text>",
                top - 16.0,
                top - 20.0,
                time(at)
            );
        }
        text
    }

    /// Who has a CPU.
    fn row(&self, model: &Model, cpu: usize) -> String {
        let y = Self::y(cpu);
        let middle = y + BAR / 2.0 + 4.0;
        let mut text = format!(
            "<text class=\"quiet\" x=\"8\" y=\"{middle}\">CPU {cpu}</text><rect class=\"track\" \
             x=\"{GUTTER}\" y=\"{y}\" width=\"{}\" height=\"{BAR}\"/>\n",
            WIDTH - GUTTER - RIGHT
        );
        for (from, to, who) in self.columns(model, cpu) {
            let (x, width) = (from as f64 / FINE, (to - from) as f64 / FINE);
            let place = format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BAR}\"");
            let _ = match who {
                Who::Nobody => Ok(()),
                Who::Unknown => writeln!(
                    text,
                    "<rect class=\"gap\" {place}><title>records are lost</title></rect>"
                ),
                Who::Env(env) => writeln!(
                    text,
                    "<rect class=\"env\" style=\"--h:{:.0}\" {place}><title>{}</title></rect>",
                    colours::hue(env),
                    words::id(env)
                ),
            };
            if let (Who::Env(env), 40.0..) = (who, width) {
                let x = x + 5.0;
                let _ = writeln!(
                    text,
                    "<text class=\"inner\" x=\"{x}\" y=\"{middle}\">{:x}</text>",
                    env.0
                );
            }
        }
        text
    }

    /// Who had a CPU longest, by columns, with equal neighbours in one.
    fn columns(&self, model: &Model, cpu: usize) -> Vec<(i64, i64, Who)> {
        let mut longest: BTreeMap<i64, (u64, Who)> = BTreeMap::new();
        let mut wide = Vec::new();
        for (since, end, who) in model.stretches(cpu) {
            let end = end.min(self.end);
            if since >= end {
                break;
            }
            let (first, last) = (self.column(since), self.column(end));
            if last > first + 1 {
                wide.push((first + 1, last, who));
            }
            for column in [first, last] {
                let place = longest.entry(column).or_insert((0, who));
                if end - since > place.0 {
                    *place = (end - since, who);
                }
            }
        }
        let narrow = longest.into_iter();
        wide.extend(narrow.map(|(column, (_, who))| (column, column + 1, who)));
        wide.sort_by_key(|(from, ..)| *from);
        wide.dedup_by(|next, last| {
            let joins = next.2 == last.2 && next.0 <= last.1;
            if joins {
                last.1 = last.1.max(next.1);
            }
            joins
        });
        wide
    }

    /// What happened, one path for the marks of a kind on a CPU.
    fn marks(&self, model: &Model) -> String {
        let mut places: BTreeMap<(usize, u8), BTreeSet<i64>> = BTreeMap::new();
        for event in model.events.iter().filter(|event| event.at <= self.end) {
            if let Some(mark) = mark(&event.record) {
                let place = places.entry((mark, event.record.cpu.0)).or_default();
                place.insert(self.x(event.at) as i64);
            }
        }
        let mut text = String::new();
        for ((mark, cpu), places) in places {
            let Some((class, meaning, from, to)) = MARKS.get(mark) else {
                continue;
            };
            let y = Self::y(cpu.into());
            let _ = write!(text, "<path class=\"{class}\" d=\"");
            for x in places {
                let _ = write!(text, "M{x}.5 {}V{}", y + from, y + to);
            }
            let _ = writeln!(text, "\"><title>{meaning}</title></path>");
        }
        text
    }

    fn arrows(&self, model: &Model) -> String {
        let mut drawn = BTreeSet::new();
        let mut text = String::new();
        for arrow in model.arrows.iter().filter(|it| it.head.at <= self.end) {
            let [x1, x2] = [arrow.tail.at, arrow.head.at].map(|at| self.x(at));
            let [y1, y2] = [arrow.tail.cpu, arrow.head.cpu].map(|cpu| Self::y(cpu.0.into()));
            let (class, what) = match arrow.means {
                Means::Message => ("message", "message"),
                Means::Fork => ("born", "new environment"),
            };
            let points = [x1, x2].map(|x| (x / 2.0) as i64);
            if !drawn.insert((points, y1 as i64, y2 as i64, class)) {
                continue;
            }
            // From a bar's nearer edge; on one CPU over it.
            let path = match y1.total_cmp(&y2) {
                std::cmp::Ordering::Less => format!("M{x1:.1} {}L{x2:.1} {y2}", y1 + BAR),
                std::cmp::Ordering::Greater => format!("M{x1:.1} {y1}L{x2:.1} {}", y2 + BAR),
                std::cmp::Ordering::Equal => {
                    let (up, middle) = (y1 - 16.0, f64::midpoint(x1, x2));
                    format!("M{x1:.1} {y1}Q{middle:.1} {up} {x2:.1} {y2}")
                }
            };
            let _ = writeln!(
                text,
                "<path class=\"{class}\" style=\"stroke-width:1\" d=\"{path}\" \
                 marker-end=\"url(#tip)\"><title>{what} from {} to {}</title></path>",
                words::id(arrow.from),
                words::id(arrow.to)
            );
        }
        text
    }
}

/// Which mark stands for a record, if any.
fn mark(record: &Record) -> Option<usize> {
    let class = match (record.content, record.cause) {
        (Content::Entered { .. }, Cause::Call { .. }) => "call",
        (Content::Entered { .. }, Cause::PageFault | Cause::Exception(_)) => "fault",
        (Content::Entered { .. }, _) => "timer",
        (Content::Born { .. }, _) => "born",
        (Content::Died { .. }, _) => "died",
        (Content::Delivered { .. }, _) => "message",
        (Content::Flushes { .. } | Content::Stops { .. }, _) => "remote",
        _ => return None,
    };
    MARKS.iter().position(|(name, ..)| *name == class)
}

/// What marks and colours mean.
fn key(model: &Model, y: f64) -> String {
    let mut text = String::new();
    let mut x = GUTTER;
    for (class, meaning, ..) in MARKS {
        let _ = write!(
            text,
            "<path class=\"{class}\" style=\"stroke-width:3\" d=\"M{x} {}v9\"/><text \
             class=\"quiet\" x=\"{}\" y=\"{y}\">{meaning}</text>",
            y - 8.0,
            x + 7.0
        );
        x += 34.0 + meaning.len() as f64 * 6.0;
    }
    for (number, env) in model.envs.iter().take(NAMED).enumerate() {
        let x = GUTTER + (number % IN_A_LINE) as f64 * 80.0;
        let y = y + 18.0 + (number / IN_A_LINE) as f64 * 18.0;
        let _ = write!(
            text,
            "<rect class=\"env\" style=\"--h:{:.0}\" x=\"{x}\" y=\"{}\" width=\"9\" height=\"9\"/>\
             <text x=\"{}\" y=\"{y}\">{}</text>",
            colours::hue(env.id),
            y - 8.0,
            x + 14.0,
            env.id
        );
    }
    if let Some(more @ 1..) = model.envs.len().checked_sub(NAMED) {
        let _ = write!(
            text,
            "<text class=\"quiet\" x=\"{}\" y=\"{y}\" text-anchor=\"end\">and {more} more environments</text>",
            WIDTH - RIGHT
        );
    }
    text.push('\n');
    text
}

/// A time, in the unit that suits it.
pub fn time(nanoseconds: u64) -> String {
    let (value, unit) = match nanoseconds {
        0 => return "0".into(),
        1..1_000_000 => (nanoseconds as f64 / 1e3, "µs"),
        1_000_000..1_000_000_000 => (nanoseconds as f64 / 1e6, "ms"),
        _ => (nanoseconds as f64 / 1e9, "s"),
    };
    format!("{value} {unit}")
}

#[cfg(test)]
#[path = "svg_tests.rs"]
mod tests;
