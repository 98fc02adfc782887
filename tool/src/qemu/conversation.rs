//! Input that waits for its turn: the prompt is told something when it has
//! asked.
//!
//! A person does that by nature, a file does not. What came before the guest
//! listens would be lost, and so would what does not fit the few hundred bytes
//! that it keeps; and a serial line has no end, so that the prompt would wait
//! for ever when the file has one. So a line is sent when the prompt has been
//! shown, and the end as Ctrl-D.
//!
//! The kernel's monitor asks too, and knows no end: the run is over when it asks
//! in vain.
//!
//! The hard thing is Ctrl-C, which is meant for a program that runs, when no
//! prompt is shown: it is sent at once.

use std::io::{self, BufRead, Read, Write};
use std::process::Stdio;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use shell::PROMPT;
use shell::editor::LONGEST;
use shell::keys::{CTRL_C, CTRL_D};

/// What the kernel's monitor asks with.
pub const MONITOR_PROMPT: &[u8] = b"K> ";
/// Bytes of output that are remembered at least while nobody waits for them.
const REMEMBERED: usize = 64 * 1024;

/// What is heard of the guest.
#[derive(Clone, Default)]
pub struct Ear(Arc<(Mutex<Heard>, Condvar)>);

#[derive(Default)]
struct Heard {
    /// The end of what it said since somebody last waited for something.
    bytes: Vec<u8>,
    /// It says no more.
    over: bool,
}

impl Ear {
    /// Passes on to `output` what is written, and hears it.
    pub fn at<W: Write>(&self, output: W) -> Heeded<W> {
        Heeded {
            output,
            ear: self.clone(),
        }
    }

    /// Waits until the guest has said `text`. What it said before that, and the
    /// text, are not heard again. Returns whether it did; if not, it has ended.
    /// Nothing at all is said already.
    pub fn wait_for(&self, text: &[u8]) -> bool {
        if text.is_empty() {
            return true;
        }
        let (_, changed) = &*self.0;
        let mut heard = self.heard();
        loop {
            let found = heard
                .bytes
                .windows(text.len())
                .position(|bytes| bytes == text);
            if let Some(place) = found {
                heard.bytes.drain(..place + text.len());
                return true;
            }
            if heard.over {
                return false;
            }
            // The text may have begun, but not more than that.
            let searched = (heard.bytes.len() + 1).saturating_sub(text.len());
            heard.bytes.drain(..searched);
            heard = changed.wait(heard).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Heard)) {
        change(&mut self.heard());
        self.0.1.notify_all();
    }
}

/// Output that an [`Ear`] is at; it is over when this is dropped.
pub struct Heeded<W> {
    output: W,
    ear: Ear,
}

impl<W: Write> Write for Heeded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.output.write(bytes)?;
        self.ear.change(|heard| {
            heard.bytes.extend(&bytes[..count]);
            // Not for every byte: all that is kept is moved.
            if heard.bytes.len() > 2 * REMEMBERED {
                let surplus = heard.bytes.len() - REMEMBERED;
                heard.bytes.drain(..surplus);
            }
        });
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

impl<W> Drop for Heeded<W> {
    fn drop(&mut self) {
        self.ear.change(|heard| heard.over = true);
    }
}

/// Which part of the guest asks for input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// The prompt, line by line.
    Prompt,
    /// The monitor, when nothing is left to run.
    Monitor,
    /// The one, and when it has ended the other.
    Both,
    /// A program maybe, byte by byte; and the monitor, at breakpoints and at the
    /// end.
    Anybody,
}

/// Input for the emulator that has what `source` has, each line in its turn.
/// `over` is called when the monitor asks for more than that.
pub fn from_lines(
    source: impl Read + Send + 'static,
    ear: &Ear,
    asks: Asks,
    over: impl FnOnce() + Send + 'static,
) -> io::Result<Stdio> {
    let ear = ear.clone();
    spoken(move |to| {
        let mut source = io::BufReader::new(source);
        let is_over = match asks {
            Asks::Prompt => return lines(&mut source, &ear, to),
            Asks::Monitor => commands(&mut source, &ear, to)?,
            Asks::Both => {
                lines(&mut source, &ear, to)?;
                commands(&mut source, &ear, to)?
            }
            // Only without any input at all is it clear which question is in vain.
            Asks::Anybody => {
                let is_empty = io::copy(&mut source, to)? == 0;
                is_empty && ear.wait_for(MONITOR_PROMPT)
            }
        };
        if is_over {
            over();
        }
        Ok(())
    })
}

/// A line whenever the monitor asks. Returns whether it asks in vain; if not, the
/// guest has ended.
fn commands(source: &mut impl BufRead, ear: &Ear, to: &mut impl Write) -> io::Result<bool> {
    while ear.wait_for(MONITOR_PROMPT) {
        let mut line = Vec::new();
        if source.read_until(b'\n', &mut line)? == 0 {
            return Ok(true);
        }
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        to.write_all(&line)?;
    }
    Ok(false)
}

/// What to wait for, and what to say then.
pub type Turn = (String, Vec<u8>);

/// Input for the emulator that is these turns.
pub fn from_turns(turns: Vec<Turn>, ear: &Ear) -> io::Result<Stdio> {
    let ear = ear.clone();
    spoken(move |to| {
        for (text, bytes) in turns {
            if !ear.wait_for(text.as_bytes()) {
                break;
            }
            to.write_all(&bytes)?;
        }
        Ok(())
    })
}

/// Input for the emulator that another thread writes.
fn spoken(
    speak: impl FnOnce(&mut io::PipeWriter) -> io::Result<()> + Send + 'static,
) -> io::Result<Stdio> {
    let (input, mut to) = io::pipe()?;
    std::thread::spawn(move || {
        // It fails when the emulator has ended: then nobody is told anything.
        let _ = speak(&mut to);
    });
    Ok(input.into())
}

fn lines(source: &mut impl BufRead, ear: &Ear, to: &mut impl Write) -> io::Result<()> {
    loop {
        let mut line = turn(source)?;
        let is_end = line.is_empty();
        match line.last() {
            None => line.push(CTRL_D),
            // The prompt takes no more than the longest line, and the kernel keeps
            // little more. The last line may have no end.
            Some(&last) => {
                let end = if last == CTRL_C { CTRL_C } else { b'\n' };
                let ends = [b'\n', b'\r', CTRL_C].contains(&last);
                let length = line.len() - usize::from(ends);
                line.truncate(length.min(LONGEST));
                line.push(end);
            }
        }
        if line != [CTRL_C] && !ear.wait_for(PROMPT.as_bytes()) {
            return Ok(());
        }
        to.write_all(&line)?;
        if is_end {
            return Ok(());
        }
    }
}

/// The next bytes that belong together: up to the end of the line or a Ctrl-C.
/// None at the end.
fn turn(source: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut turn = Vec::new();
    loop {
        let bytes = source.fill_buf()?;
        // Each of them makes the prompt ask again.
        let end = bytes
            .iter()
            .position(|byte| [b'\n', b'\r', CTRL_C].contains(byte));
        let count = end.map_or(bytes.len(), |place| place + 1);
        turn.extend(&bytes[..count]);
        source.consume(count);
        if end.is_some() || count == 0 {
            return Ok(turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said to a guest that shows the prompt so often and ends.
    fn said(source: &'static [u8], prompts: usize) -> Vec<u8> {
        let ear = Ear::default();
        let mut output = ear.at(Vec::new());
        for _ in 0..prompts {
            output.write_all(b"some text\n").expect("memory");
            // In pieces, as it may come.
            let (first, second) = PROMPT.as_bytes().split_at(3);
            output.write_all(first).expect("memory");
            output.write_all(second).expect("memory");
        }
        drop(output);
        let mut said = Vec::new();
        lines(&mut &*source, &ear, &mut said).expect("memory");
        said
    }

    /// What is said to a monitor that asks so often, and whether it asks in vain.
    fn commanded(mut source: &'static [u8], prompts: usize) -> (Vec<u8>, bool) {
        let ear = Ear::default();
        let mut output = ear.at(Vec::new());
        for _ in 0..prompts {
            output.write_all(b"some text\nK> ").expect("memory");
        }
        drop(output);
        let mut said = Vec::new();
        let in_vain = commands(&mut source, &ear, &mut said).expect("memory");
        (said, in_vain)
    }

    #[test]
    fn the_monitor_gets_a_line_each_time_and_may_ask_in_vain() {
        assert_eq!(commanded(b"", 0), (b"".into(), false));
        assert_eq!(commanded(b"", 1), (b"".into(), true));
        assert_eq!(commanded(b"envs\nhelp", 1), (b"envs\n".into(), false));
        assert_eq!(commanded(b"envs\nhelp", 2), (b"envs\nhelp\n".into(), false));
        assert_eq!(commanded(b"envs\nhelp", 3), (b"envs\nhelp\n".into(), true));
    }

    #[test]
    fn what_is_sent_at_once_fits_the_guest() {
        const LONG: &[u8] = &[b'x'; 5000];
        for end in [b'\n', CTRL_C] {
            let source: &'static [u8] = [LONG, &[end]].concat().leak();
            let sent = said(source, 1);
            assert_eq!(sent.len(), LONGEST + 1);
            assert_eq!(sent.last(), Some(&end));
        }
        assert_eq!(said(&[CTRL_C], 0), [CTRL_C]);
    }

    #[test]
    fn a_carriage_return_ends_a_line_too() {
        assert_eq!(said(b"one\rtwo\r", 1), b"one\n");
        assert_eq!(said(b"one\rtwo\r", 2), b"one\ntwo\n");
    }

    #[test]
    fn each_line_waits_for_its_prompt() {
        assert_eq!(said(b"one\ntwo\n", 0), b"");
        assert_eq!(said(b"one\ntwo\n", 1), b"one\n");
        assert_eq!(said(b"one\ntwo\n", 2), b"one\ntwo\n");
        assert_eq!(said(b"one\ntwo\n", 9), b"one\ntwo\n\x04");
    }

    #[test]
    fn the_end_is_said_too() {
        assert_eq!(said(b"", 1), b"\x04");
        assert_eq!(said(b"one", 1), b"one\n");
        assert_eq!(said(b"one", 2), b"one\n\x04");
    }

    #[test]
    fn no_more_is_sent_than_the_guest_keeps() {
        static LONG: [u8; 10_000] = [b'x'; 10_000];
        let said = said(&LONG, 2);
        assert_eq!(said.len(), LONGEST + 2);
        assert!(said.ends_with(b"x\n\x04"));
    }

    #[test]
    fn an_interrupt_does_not_wait() {
        assert_eq!(said(b"spin\n\x03ps\n", 1), b"spin\n\x03");
        assert_eq!(said(b"spin\n\x03ps\n", 2), b"spin\n\x03ps\n");
        // In the middle of a line there is a prompt.
        assert_eq!(said(b"a\x03b\n", 0), b"");
        assert_eq!(said(b"a\x03b\n", 1), b"a\x03");
    }
}
