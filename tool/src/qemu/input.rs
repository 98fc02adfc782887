//! What standard input is, and giving a terminal back as it was found.
//!
//! QEMU switches a terminal to raw mode and restores it when it ends by
//! itself; when it has to be killed, nobody would. And a job in the
//! background must not touch the terminal at all, or it is stopped.

use std::io::{IsTerminal, stdin};
use std::process::Stdio;

use rustix::process::getpgrp;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

use super::machine::Input;

/// The standard input for the emulator, and what kind of input that makes.
pub fn choose() -> (Input, Stdio) {
    let input = stdin();
    if !input.is_terminal() {
        return (Input::Stream, Stdio::inherit());
    }
    match tcgetpgrp(&input) {
        Ok(foreground) if foreground == getpgrp() => (Input::Terminal, Stdio::inherit()),
        _ => (Input::Stream, Stdio::null()),
    }
}

/// Restores the terminal's settings when dropped.
pub struct TerminalGuard(Option<Termios>);

impl TerminalGuard {
    /// Remembers the settings, if `input` is a terminal.
    pub fn new(input: Input) -> Self {
        Self(match input {
            Input::Terminal => tcgetattr(stdin()).ok(),
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
