//! A run as a value: all that its console showed, and how it ended.
//!
//! Tests and measurements boot many times, at once even, and nobody waits for
//! them at a terminal. The hard thing is the reader who goes away: a guest that
//! stands at a prompt for ever is stopped as if its console had been closed.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

use super::Asked;
use crate::cli::Run;
use crate::host::Host;
use crate::qemu::conversation::{self, Listener, Turn};
use crate::qemu::machine::Machine;
use crate::qemu::supervise::{Limit, Supervisor};
use crate::qemu::verdict::Verdict;

/// A run that is over, with all that its console showed.
#[derive(Debug)]
pub struct Captured {
    /// The console, byte for byte.
    pub console: Vec<u8>,
    /// How it ended.
    pub verdict: Verdict,
    /// What the machine itself had to say.
    pub emulator_messages: String,
    /// Remarks on its logs.
    pub remarks: Vec<String>,
    /// The command, as a shell would take it.
    pub command: String,
}

/// Does what `jostle run` would do with these options, without input, and
/// returns what it would have shown. Its time limit is a fair one.
pub fn capture(host: &Host, options: &Run) -> anyhow::Result<Captured> {
    capture_on(host, options, None, Vec::new(), |_| ())
}

/// The same on a machine to which something is done first, with these turns
/// as input. With a `prompt` the guest is stopped, as if nobody read its
/// console any more, as soon as that ends with it.
pub fn capture_on(
    host: &Host,
    options: &Run,
    prompt: Option<&'static str>,
    turns: Vec<Turn>,
    change: impl FnOnce(&mut Machine),
) -> anyhow::Result<Captured> {
    let mut boot = Asked::check(&host.workspace, options)?.build(host)?;
    boot.change(change)?;
    let console = Buffer {
        prompt,
        ..Buffer::default()
    };
    let listener = Listener::default();
    let input = conversation::from_turns(turns, &listener)?;
    let (mut messages, messages_end) = std::io::pipe()?;
    let ending = boot.run(
        Supervisor::default(),
        // Dropped at the end of the statement, and with it our end of the pipe.
        boot.command().stdin(input).stderr(messages_end),
        &listener,
        console.clone(),
        options.timeout.map(Limit::Fair),
    )?;
    let command = boot.shown();
    let remarks = boot.finish()?;
    let mut emulator_messages = String::new();
    messages.read_to_string(&mut emulator_messages)?;
    Ok(Captured {
        verdict: Verdict::of(&ending, &[], false),
        console: console.take(),
        emulator_messages,
        remarks,
        command,
    })
}

/// Bytes that a copying thread writes and the watcher takes.
#[derive(Clone, Default)]
struct Buffer {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// What to close at.
    prompt: Option<&'static str>,
}

impl Buffer {
    fn take(&self) -> Vec<u8> {
        self.bytes
            .lock()
            .map(|mut bytes| std::mem::take(&mut *bytes))
            .unwrap_or_default()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let Ok(mut buffer) = self.bytes.lock() else {
            return Err(std::io::ErrorKind::Other.into());
        };
        buffer.extend(bytes);
        match self.prompt {
            Some(prompt) if buffer.ends_with(prompt.as_bytes()) => {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            _ => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
