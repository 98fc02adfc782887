//! Standard output, watched for what a run's end will be judged and explained by.
//!
//! The hard thing is to be in nobody's way. A run may print megabytes: they go on as they
//! come. Only where a death is told of while the run goes on are they cut into lines, so
//! that what is said of it comes behind what told of it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use crate::crash::heard::Heard;

/// How many of the last bytes are kept.
const KEPT: usize = 64;

/// What is listened for.
pub enum Watch {
    /// The last bytes alone.
    Tail,
    /// Deaths too.
    Deaths,
    /// Deaths, and this is called after each.
    DeathsAtOnce(Box<dyn FnMut(&Heard) + Send>),
}

/// What went through.
#[derive(Default)]
pub struct Shown {
    /// The last few bytes.
    pub tail: Vec<u8>,
    /// What it said of environments.
    pub heard: Heard,
}

/// The same, for whoever looks afterwards.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<Shown>>);

/// An output that is watched.
pub struct Watched<W> {
    output: W,
    watch: Watch,
    shown: Shared,
}

impl Shared {
    /// All of it.
    pub fn take(&self) -> Shown {
        let shown = self.0.lock();
        shown
            .map(|mut shown| std::mem::take(&mut *shown))
            .unwrap_or_default()
    }
}

impl<W> Watched<W> {
    /// Watches this output; what was seen is in the second value.
    pub fn new(output: W, watch: Watch) -> (Watched<W>, Shared) {
        let shown = Shared::default();
        let watched = Watched {
            output,
            watch,
            shown: shown.clone(),
        };
        (watched, shown)
    }

    fn remember(&mut self, bytes: &[u8]) {
        let Ok(mut shown) = self.shown.0.lock() else {
            return;
        };
        let last = &bytes[bytes.len().saturating_sub(KEPT)..];
        shown.tail.extend(last);
        let surplus = shown.tail.len().saturating_sub(KEPT);
        shown.tail.drain(..surplus);
        if matches!(self.watch, Watch::Tail) {
            return;
        }
        let before = shown.heard.count;
        shown.heard.bytes(bytes);
        if let Watch::DeathsAtOnce(tell) = &mut self.watch
            && shown.heard.count > before
        {
            tell(&shown.heard);
        }
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Nobody waits to say something after a line.
        if !matches!(self.watch, Watch::DeathsAtOnce(_)) {
            let count = self.output.write(bytes)?;
            self.remember(&bytes[..count]);
            return Ok(count);
        }
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.output.write_all(line)?;
            self.remember(line);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEATH: &str = "[00001000] user_mem_check assertion failure for va 00000001\n";

    /// Keeps what it is given, piece by piece.
    #[derive(Clone, Default)]
    struct Pieces(Arc<Mutex<Vec<String>>>);

    impl Write for Pieces {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.0.lock().expect("whole").push(text);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What came out, and what was seen, if this is written at once.
    fn written(watch: Watch, pieces: &Pieces, text: &str) -> Shown {
        let (mut output, shown) = Watched::new(pieces.clone(), watch);
        output.write_all(text.as_bytes()).expect("written");
        shown.take()
    }

    #[test]
    fn output_goes_on_as_it_comes() {
        let text = format!("a\nb\n{DEATH}c\n");
        for (watch, deaths) in [(Watch::Tail, 0), (Watch::Deaths, 1)] {
            let pieces = Pieces::default();
            let shown = written(watch, &pieces, &text);
            assert_eq!(pieces.0.lock().expect("whole").concat(), text);
            assert_eq!(pieces.0.lock().expect("whole").len(), 1);
            assert_eq!(shown.heard.count, deaths);
            assert_eq!(shown.tail, &text.as_bytes()[text.len() - KEPT..]);
        }
    }

    #[test]
    fn a_death_is_told_behind_its_line() {
        let pieces = Pieces::default();
        let told = pieces.clone();
        let tell = move |heard: &Heard| {
            let text = format!("told of {}", heard.count);
            told.0.lock().expect("whole").push(text);
        };
        let watch = Watch::DeathsAtOnce(Box::new(tell));
        written(watch, &pieces, &format!("a\n{DEATH}b\nc"));
        let wanted = ["a\n", DEATH, "told of 1", "b\n", "c"];
        assert_eq!(*pieces.0.lock().expect("whole"), wanted);
    }
}
