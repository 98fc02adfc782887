//! What standard input is, and giving a terminal back as it was found.
//!
//! QEMU switches a terminal to raw mode and restores it when it ends by
//! itself; when it has to be killed, nobody would. And a job in the
//! background must not touch the terminal at all, or it is stopped.

use std::io::{IsTerminal, stdin};
use std::process::Stdio;

use rustix::process::getpgrp;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

use super::conversation::{self, Asks, Listener};
use super::machine::Input;

/// What standard input is.
enum Standard {
    /// A person's terminal.
    Terminal,
    /// A pipe, a file or nothing.
    Stream,
    /// A terminal that somebody else is using.
    NotOurs,
}

fn look() -> Standard {
    let input = stdin();
    if !input.is_terminal() {
        return Standard::Stream;
    }
    match tcgetpgrp(&input) {
        Ok(foreground) if foreground == getpgrp() => Standard::Terminal,
        _ => Standard::NotOurs,
    }
}

/// The standard input for the emulator, and what kind of input that makes.
pub fn choose() -> (Input, Stdio) {
    match look() {
        Standard::Terminal => (Input::Terminal, Stdio::inherit()),
        Standard::Stream => (Input::Stream, Stdio::inherit()),
        Standard::NotOurs => (Input::Stream, Stdio::null()),
    }
}

/// The same for a guest that asks for its input, which `listener` hears. `over` is
/// called when the kernel's monitor asks and no input is left.
pub fn choose_for(
    asks: Asks,
    listener: &Listener,
    over: impl FnOnce() + Send + 'static,
) -> std::io::Result<(Input, Stdio)> {
    let has_prompt = matches!(asks, Asks::Prompt | Asks::Both);
    Ok(match look() {
        Standard::Terminal if has_prompt => (Input::Prompt, Stdio::inherit()),
        Standard::Terminal => (Input::Terminal, Stdio::inherit()),
        Standard::Stream => {
            let spoken = conversation::from_lines(stdin(), listener, asks, over)?;
            (Input::Stream, spoken)
        }
        Standard::NotOurs => {
            let nothing = std::io::empty();
            let spoken = conversation::from_lines(nothing, listener, asks, over)?;
            (Input::Stream, spoken)
        }
    })
}

/// Restores the terminal's settings when dropped.
pub struct TerminalGuard(Option<Termios>);

impl TerminalGuard {
    /// Remembers the settings, if `input` is a terminal.
    pub fn new(input: Input) -> Self {
        Self(match input {
            Input::Terminal | Input::Prompt => tcgetattr(stdin()).ok(),
            Input::Stream => None,
        })
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        if let Some(settings) = &self.0 {
            // The terminal may be gone (SIGHUP): then there is nothing to restore.
            let _ = tcsetattr(stdin(), OptionalActions::Now, settings);
        }
    }
}
