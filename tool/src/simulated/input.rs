//! What somebody types at the simulated machine.
//!
//! A thread reads standard input, since the machine must not wait for it. The hard
//! thing is a terminal: as in QEMU it is switched to raw mode, Ctrl-A X ends the run,
//! and Ctrl-A twice types one. Whoever started this process puts it back.

use std::cell::Cell;
use std::io::{Read, stdin};
use std::sync::mpsc::{Receiver, channel};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::cli::ConsoleInput;

/// Ctrl-A.
const ESCAPE: u8 = 1;

/// Standard input.
pub struct Typed {
    bytes: Receiver<Vec<u8>>,
    /// Whether a terminal is at the other end, and Ctrl-A means something.
    at_terminal: bool,
    escaped: Cell<bool>,
    quit: Cell<bool>,
}

impl Typed {
    /// Listens from now on.
    pub fn listen(input: ConsoleInput) -> Typed {
        let at_terminal = input != ConsoleInput::Stream;
        if at_terminal {
            make_raw(input == ConsoleInput::Terminal);
        }
        let (sender, bytes) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 256];
            while let Ok(count @ 1..) = stdin().read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Typed {
            bytes,
            at_terminal,
            escaped: Cell::new(false),
            quit: Cell::new(false),
        }
    }

    /// Hands out what was typed since the last time.
    pub fn pending(&self, mut to: impl FnMut(&[u8])) {
        while let Ok(bytes) = self.bytes.try_recv() {
            to(&self.meant(bytes));
        }
    }

    /// Waits until something is typed. At the end of input nothing ever will be: it
    /// waits for ever, as a machine does.
    pub fn wait(&self, mut to: impl FnMut(&[u8])) {
        match self.bytes.recv() {
            Ok(bytes) => to(&self.meant(bytes)),
            Err(_) => loop {
                std::thread::park();
            },
        }
    }

    /// Whether Ctrl-A X was typed.
    pub fn wants_to_quit(&self) -> bool {
        self.quit.get()
    }

    /// Without what is meant for the machine's keeper.
    fn meant(&self, bytes: Vec<u8>) -> Vec<u8> {
        if !self.at_terminal {
            return bytes;
        }
        let mut meant = Vec::new();
        for byte in bytes {
            match (self.escaped.replace(false), byte) {
                (false, ESCAPE) => self.escaped.set(true),
                (true, b'x' | b'X') => self.quit.set(true),
                (_, byte) => meant.push(byte),
            }
        }
        meant
    }
}

/// Every byte comes as it is typed, and is not shown. With `signals` Ctrl-C still
/// stops everything.
fn make_raw(signals: bool) {
    let input = stdin();
    let Ok(mut modes) = tcgetattr(&input) else {
        return;
    };
    modes.make_raw();
    if signals {
        modes.local_modes |= LocalModes::ISIG;
    }
    // The terminal may be gone; then there is nobody to type.
    let _ = tcsetattr(&input, OptionalActions::Now, &modes);
}
