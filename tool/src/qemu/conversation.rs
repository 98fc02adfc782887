//! Input that waits for its turn: the prompt gets a line when it has asked for
//! one.
//!
//! A person waits by nature, a file does not. Bytes that arrive before the guest
//! listens would be lost, and so would those beyond the few hundred that it
//! keeps. And a serial line has no end, so the prompt would wait for ever after
//! the end of the file. So each line is sent when the prompt has been shown, and
//! the end is sent as Ctrl-D.
//!
//! The kernel's monitor asks too, but has no notion of an end: when it asks and
//! no input is left, the run is over.
//!
//! The hard thing is Ctrl-C. It is meant for a running program, when no prompt
//! is shown, so it is sent at once.

use std::io::{self, BufRead, Read, Write};
use std::process::Stdio;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use shell::PROMPT;
use shell::editor::LONGEST;
use shell::keys::{CTRL_C, CTRL_D};

/// The prompt of the kernel's monitor.
pub const MONITOR_PROMPT: &[u8] = b"K> ";
/// How many bytes of output are kept, at least, while nobody waits for them.
const REMEMBERED: usize = 64 * 1024;

/// The guest's recent output, for code that must wait for a certain text in it.
#[derive(Clone, Default)]
pub struct Listener(Arc<(Mutex<Heard>, Condvar)>);

#[derive(Default)]
struct Heard {
    /// The end of what the guest has said since the last text that was found.
    bytes: Vec<u8>,
    /// The guest will say no more.
    over: bool,
}

impl Listener {
    /// A writer that passes everything on to `output` and lets this listener hear it.
    pub fn tee<W: Write>(&self, output: W) -> Tee<W> {
        Tee {
            output,
            listener: self.clone(),
        }
    }

    /// Waits until the guest has said `text`, and forgets everything up to its end.
    /// Returns false if the guest ended without saying it. An empty text counts as
    /// said.
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

/// Output that a [`Listener`] hears; dropping this tells it that the guest has ended.
pub struct Tee<W> {
    output: W,
    listener: Listener,
}

impl<W: Write> Write for Tee<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.output.write(bytes)?;
        self.listener.change(|heard| {
            heard.bytes.extend(&bytes[..count]);
            // Not for every byte: draining moves everything that is kept.
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

impl<W> Drop for Tee<W> {
    fn drop(&mut self) {
        self.listener.change(|heard| heard.over = true);
    }
}

/// Which part of the guest asks for input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// The prompt, line by line.
    Prompt,
    /// The monitor, when nothing is left to run.
    Monitor,
    /// The prompt, and the monitor when the prompt has ended.
    Both,
    /// Perhaps a program, byte by byte; and the monitor, at breakpoints and at the
    /// end.
    Anybody,
}

/// Input for the emulator: the lines of `source`, each in its turn. `over` is
/// called when the monitor asks and no line is left.
pub fn from_lines(
    source: impl Read + Send + 'static,
    listener: &Listener,
    asks: Asks,
    over: impl FnOnce() + Send + 'static,
) -> io::Result<Stdio> {
    let listener = listener.clone();
    spoken(move |to| {
        let mut source = io::BufReader::new(source);
        let is_over = match asks {
            Asks::Prompt => return lines(&mut source, &listener, to),
            Asks::Monitor => commands(&mut source, &listener, to)?,
            Asks::Both => {
                lines(&mut source, &listener, to)?;
                commands(&mut source, &listener, to)?
            }
            // Only if there was no input at all is it certain that a question
            // gets no answer.
            Asks::Anybody => {
                let is_empty = io::copy(&mut source, to)? == 0;
                is_empty && listener.wait_for(MONITOR_PROMPT)
            }
        };
        if is_over {
            over();
        }
        Ok(())
    })
}

/// Sends a line whenever the monitor asks. Returns true if it asks and no line is
/// left, false if the guest has ended.
fn commands(
    source: &mut impl BufRead,
    listener: &Listener,
    to: &mut impl Write,
) -> io::Result<bool> {
    while listener.wait_for(MONITOR_PROMPT) {
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

/// A text to wait for, and the bytes to send then.
pub type Turn = (String, Vec<u8>);

/// Input for the emulator: these turns, in order.
pub fn from_turns(turns: Vec<Turn>, listener: &Listener) -> io::Result<Stdio> {
    let listener = listener.clone();
    spoken(move |to| {
        for (text, bytes) in turns {
            if !listener.wait_for(text.as_bytes()) {
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
        // This fails when the emulator has ended: then nobody needs the rest.
        let _ = speak(&mut to);
    });
    Ok(input.into())
}

fn lines(source: &mut impl BufRead, listener: &Listener, to: &mut impl Write) -> io::Result<()> {
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
        if line != [CTRL_C] && !listener.wait_for(PROMPT.as_bytes()) {
            return Ok(());
        }
        to.write_all(&line)?;
        if is_end {
            return Ok(());
        }
    }
}

/// The next bytes that belong together: up to the end of the line or a Ctrl-C.
/// Empty at the end of the input.
fn turn(source: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut turn = Vec::new();
    loop {
        let bytes = source.fill_buf()?;
        // After each of these the prompt asks again.
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

    /// What is sent to a guest that shows the prompt `prompts` times and ends.
    fn said(source: &'static [u8], prompts: usize) -> Vec<u8> {
        let listener = Listener::default();
        let mut output = listener.tee(Vec::new());
        for _ in 0..prompts {
            output.write_all(b"some text\n").expect("memory");
            // In pieces, as output may come.
            let (first, second) = PROMPT.as_bytes().split_at(3);
            output.write_all(first).expect("memory");
            output.write_all(second).expect("memory");
        }
        drop(output);
        let mut said = Vec::new();
        lines(&mut &*source, &listener, &mut said).expect("memory");
        said
    }

    /// What is sent to a monitor that asks `prompts` times, and whether its last
    /// question gets no answer.
    fn commanded(mut source: &'static [u8], prompts: usize) -> (Vec<u8>, bool) {
        let listener = Listener::default();
        let mut output = listener.tee(Vec::new());
        for _ in 0..prompts {
            output.write_all(b"some text\nK> ").expect("memory");
        }
        drop(output);
        let mut said = Vec::new();
        let in_vain = commands(&mut source, &listener, &mut said).expect("memory");
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
