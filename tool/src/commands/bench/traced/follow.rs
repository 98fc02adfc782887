//! QEMU's log of executed instructions, counted as it comes.
//!
//! The hard things: a line says what is about to be executed, and a second one may take it
//! back; and a copying function that everybody calls belongs to its caller, whom only the
//! order of the lines tells.

use std::collections::HashMap;
use std::io::{self, BufRead};

use super::image::{Image, KERNBASE, OnLock};

/// An instruction, and on whose account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// Its address.
    pub at: u32,
    /// Whose it is: the call of the helper that it is in, or itself.
    pub account: u32,
}

/// What was executed between two readings of the time-stamp counter.
#[derive(Debug, Default)]
pub struct Window {
    /// How often each.
    pub counts: HashMap<Point, u64>,
    /// Entries to the kernel.
    pub entries: u64,
    /// Instructions with the big lock held, the one that releases it included.
    pub held: u64,
}

impl Window {
    /// All instructions.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// Follows a log to its end. The program's first reading of the counter opens a window, the
/// next one closes it, and so on.
pub fn windows(mut log: impl BufRead, image: &Image) -> io::Result<Vec<Window>> {
    let mut follower = Follower::new(image);
    let mut line = Vec::new();
    while log.read_until(b'\n', &mut line)? > 0 {
        if line.starts_with(b"Trace ") {
            follower.commit();
            follower.pending = address(&line);
        } else if line.starts_with(b"Stopped ") {
            follower.pending = None;
        }
        line.clear();
    }
    follower.commit();
    Ok(follower.closed)
}

/// The address in `Trace 0: HOST [CODE-BASE/ADDRESS/FLAGS/…] NAME`.
fn address(line: &[u8]) -> Option<u32> {
    let line = str::from_utf8(line).ok()?;
    let (_, rest) = line.split_once('[')?;
    let digits = rest.split('/').nth(1)?;
    u32::try_from(u64::from_str_radix(digits, 16).ok()?).ok()
}

struct Follower<'c> {
    image: &'c Image,
    /// About to be executed.
    pending: Option<u32>,
    /// Executed last.
    last: u32,
    /// The call of the helper that `last` is in.
    caller: Option<u32>,
    /// Whether the lock is held.
    holds: bool,
    open: Option<Window>,
    closed: Vec<Window>,
}

impl<'c> Follower<'c> {
    fn new(image: &'c Image) -> Self {
        Self {
            image,
            pending: None,
            last: 0,
            caller: None,
            holds: false,
            open: None,
            closed: Vec::new(),
        }
    }

    /// What was pending was executed.
    fn commit(&mut self) {
        let Some(at) = self.pending.take() else {
            return;
        };
        if self.image.reads_counter(at) {
            let window = self.open.take();
            if window.is_none() {
                self.open = Some(Window::default());
            }
            self.closed.extend(window);
        }
        let last = std::mem::replace(&mut self.last, at);
        self.caller = match self.image.is_in_helper(at) {
            true => self.caller.or(Some(last)),
            false => None,
        };
        if let Some(window) = &mut self.open {
            let account = self.caller.unwrap_or(at);
            *window.counts.entry(Point { at, account }).or_insert(0) += 1;
            window.entries += u64::from(at >= KERNBASE && last < KERNBASE);
            window.held += u64::from(self.holds);
        }
        match self.image.on_lock(at) {
            Some(OnLock::Takes) => self.holds = true,
            Some(OnLock::Releases) => self.holds = false,
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that reads the counter at 0x800000 and 0x800010; a helper at 0xf0100000.
    fn counted(addresses: &[u32], stopped: &[usize]) -> Vec<Window> {
        let mut image = Image::default();
        image.add(0x80_0000, &[0x0f, 0x31]);
        image.add(0x80_0010, &[0x0f, 0x31]);
        image.add_helper((0xf010_0000, 0xf010_0010));
        let mut log = String::from("a line of another kind\n");
        for (index, address) in addresses.iter().enumerate() {
            log +=
                &format!("Trace 0: 0x7f0016900 [00000000/{address:08x}/000000b0/ff020201] name\n");
            if stopped.contains(&index) {
                log += "Stopped execution of TB chain before 0x7f0016900 [f0000000] name\n";
            }
        }
        windows(log.as_bytes(), &image).expect("readable")
    }

    #[test]
    fn what_lies_between_two_readings_is_counted() {
        let found = counted(
            &[
                0x80_0004, 0x80_0000, 0x80_0002, 0x80_0002, 0x80_0010, 0x80_0012,
            ],
            &[3],
        );
        assert_eq!(found.len(), 1);
        // The first reading, and one of the two that were logged.
        assert_eq!(found[0].total(), 2);
        assert_eq!(found[0].entries, 0);
    }

    #[test]
    fn what_holds_the_lock_is_counted() {
        let lock = 0xf019_c040_u32;
        let [a, b, c, d] = lock.to_le_bytes();
        let mut image = Image::default();
        image.add(0x80_0000, &[0x0f, 0x31]);
        image.add(0xf010_0000, &[0xf0, 0x0f, 0xb0, 0x1d, a, b, c, d]);
        image.add(0xf010_0020, &[0xc6, 0x05, a, b, c, d, 0]);
        image.add(0xf010_0040, &[0xc6, 0x05, a, b, c, d ^ 1, 0]);
        image.set_lock(lock);
        let log: String = [
            0x80_0000_u32,
            0xf010_0000,
            0xf010_0040,
            0xf010_0050,
            0xf010_0020,
            0xf010_0030,
            0x80_0000,
        ]
        .map(|at| format!("Trace 0: 0x7f0016900 [00000000/{at:08x}/000000b0/ff020201] x\n"))
        .concat();
        let found = windows(log.as_bytes(), &image).expect("readable");
        assert_eq!((found[0].total(), found[0].held), (6, 3));
    }

    #[test]
    fn a_helper_is_its_callers() {
        let found = counted(
            &[
                0x80_0000,
                0xf012_0000,
                0xf010_0000,
                0xf010_0004,
                0xf012_0005,
                0x80_0010,
            ],
            &[],
        );
        let of = |account| -> u64 {
            let counts = found[0].counts.iter();
            counts
                .filter(|(point, _)| point.account == account)
                .map(|(_, count)| count)
                .sum()
        };
        assert_eq!(of(0xf012_0000), 3);
        assert_eq!(of(0xf012_0005), 1);
        assert_eq!(found[0].entries, 1);
    }
}
