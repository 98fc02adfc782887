//! Which instructions an operation executes, each by its address.
//!
//! One boot under instruction counting, in which QEMU translates each instruction apart
//! and names it in its log as it is executed. The program reads the time-stamp counter
//! before and after each batch, and these readings are in the log too: what lies between
//! is the batch, instruction by instruction, and boot and start are outside. So the sum is
//! the figure that the program prints, not an estimate of it.
//!
//! The hard thing is the size of such a log, some 100 MB a second: it goes through a pipe
//! to a thread that only counts, and the program makes three batches instead of twenty.

mod code;
mod follow;
mod image;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::BufReader;
use std::os::fd::AsRawFd;

use anyhow::{Context, ensure};

use super::counted;
use super::rows::{Boot, Figures, Row};
use crate::build::guest::Kernel;
use crate::external::Found;
use crate::host::Host;
use crate::qemu::machine::{Machine, Spelling, Timing};

pub use self::code::Code;
pub use self::follow::{Point, Window};
pub use self::image::{Image, KERNBASE};

/// Batches of each row, after the one that warms up.
const BATCHES: usize = 3;

/// Where instructions are of interest: in a program, and in the kernel. Firmware and boot
/// loader are elsewhere.
const RANGES: &str = "0x800000..0xffffff,0xf0000000..0xf7ffffff";

/// A row, with the batch that its median comes from.
pub struct Traced {
    /// What was measured.
    pub row: &'static Row,
    /// What the program printed.
    pub figures: Figures,
    /// The instructions of [`Figures::operations`] operations.
    pub batch: Window,
}

impl Traced {
    /// How often something happens in an operation, on average.
    pub fn per_operation(&self, count: u64) -> f64 {
        // Exact: both are far below 2^53.
        count as f64 / self.figures.operations as f64
    }
}

/// Boots and follows. The code is the kernel's and the program's, to look addresses up in.
pub fn trace(
    host: &Host,
    boot: &'static Boot,
    rows: &[&'static Row],
    verbose: bool,
) -> anyhow::Result<(Code, Vec<Traced>)> {
    let guest = host.guest(Kernel::Plain)?;
    let (&program, options) = boot.words.split_first().context("no program")?;
    let options = options.iter().skip_while(|word| !word.starts_with('-'));
    let code = Code::read(
        host.workspace.root(),
        &guest.kernel,
        &guest.program(program),
    )?;
    let batches = format!("batches={BATCHES}");
    let names = rows.iter().map(|row| row.guest_name());
    let words: Vec<&str> = [program, &batches]
        .into_iter()
        .chain(names)
        .chain(options.copied())
        .collect();
    let (console, windows) = followed(host, &words, &code.image, verbose)?;
    ensure!(
        windows.len() == rows.len() * (1 + BATCHES),
        "{} batches were seen of {} rows",
        windows.len(),
        rows.len()
    );
    let mut windows = windows.into_iter();
    let mut traced = Vec::new();
    for &row in rows {
        // The first warms up.
        let batches = windows.by_ref().take(1 + BATCHES).skip(1).collect();
        traced.push(row_of(row, &console, batches)?);
    }
    Ok((code, traced))
}

/// Takes the batch that is nearest to the median.
fn row_of(row: &'static Row, console: &str, batches: Vec<Window>) -> anyhow::Result<Traced> {
    let figures = counted::figures(console, row.label)?;
    let wanted = figures.median * figures.operations;
    let nearest = batches
        .into_iter()
        .min_by_key(|batch| batch.total().abs_diff(wanted));
    Ok(Traced {
        row,
        figures,
        batch: nearest.context("no batches")?,
    })
}

/// Boots, and returns the console and what lay between each two readings of the counter.
fn followed(
    host: &Host,
    words: &[&str],
    image: &Image,
    verbose: bool,
) -> anyhow::Result<(String, Vec<Window>)> {
    let version = host.qemu().and_then(Found::version).unwrap_or_default();
    let (log, end) = std::io::pipe()?;
    // QEMU opens our end of the pipe as a file: so nothing lies about, however this ends.
    let path = format!("/proc/{}/fd/{}", std::process::id(), end.as_raw_fd());
    std::thread::scope(|scope| {
        let log = BufReader::with_capacity(1 << 16, log);
        let reader = scope.spawn(|| follow::windows(log, image));
        let console = counted::console_on(host, words, verbose, |machine| {
            log_all(machine, spelling(&version), &path);
        });
        // QEMU has closed its end; without this one too, the reader would wait for ever.
        drop(end);
        let windows = reader
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((console?, windows?))
    })
}

/// Has the machine log each instruction.
fn log_all(machine: &mut Machine, spelling: Spelling, log: &str) {
    machine.timing = Timing::SingleInstructions(spelling);
    let options = ["-d", "exec,nochain", "-dfilter", RANGES, "-D", log];
    machine.further.extend(options.map(OsString::from));
}

/// How this version is asked; the text is as QEMU says it.
fn spelling(version: &str) -> Spelling {
    let numbers = version.split_once("version ").map_or("", |(_, rest)| rest);
    let mut numbers = numbers.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) < (8, 1) => Spelling::Option,
        _ => Spelling::Property,
    }
}

/// Adds up what each address was executed.
pub fn by_key<K: Ord>(window: &Window, key: impl Fn(Point) -> K) -> BTreeMap<K, u64> {
    let mut sums = BTreeMap::new();
    for (&point, &count) in &window.counts {
        *sums.entry(key(point)).or_insert(0) += count;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_has_become_a_property() {
        let old = [
            "QEMU emulator version 7.2.22 (Debian 1:7.2)",
            "version 8.0.4",
            "version 6.2.0",
        ];
        assert!(
            old.iter()
                .all(|version| spelling(version) == Spelling::Option)
        );
        let new = [
            "QEMU emulator version 8.1.0",
            "QEMU emulator version 10.0.2 (x)",
            "?",
        ];
        assert!(
            new.iter()
                .all(|version| spelling(version) == Spelling::Property)
        );
    }
}
