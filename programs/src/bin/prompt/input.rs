//! What is typed: lines, and Ctrl-C.
//!
//! The hard thing is what is typed while nobody asks for a line. It is looked
//! at for Ctrl-C and kept; a Ctrl-C throws away what was typed before it, as
//! terminals do.

use alloc::collections::VecDeque;
use alloc::string::String;

use shell::PROMPT;
use shell::editor::{Editor, Outcome};
use shell::keys::{CTRL_C, Key, Keys};
use user::{print, sys};

/// The keyboard's end of the console.
#[derive(Default)]
pub struct Input {
    keys: Keys,
    editor: Editor,
    /// What was typed ahead.
    ahead: VecDeque<u8>,
}

impl Input {
    /// Asks for a line; Tab completes these names.
    pub fn line<'n>(&mut self, names: impl Iterator<Item = &'n str> + Clone) -> Outcome {
        print!("{PROMPT}");
        let mut shown = String::new();
        loop {
            let Some(byte) = self.byte() else {
                return Outcome::EndOfInput;
            };
            let Some(key) = self.keys.byte(byte) else {
                continue;
            };
            shown.clear();
            // A string takes everything, so neither fails.
            let outcome = if key == Key::Tab {
                let _ = self.editor.complete(names.clone(), PROMPT, &mut shown);
                None
            } else {
                self.editor.key(key, &mut shown).unwrap_or(None)
            };
            print!("{shown}");
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
    }

    /// The next byte; waits for it. None if that is not possible.
    fn byte(&mut self) -> Option<u8> {
        self.ahead.pop_front().or_else(|| sys::getc().ok())
    }

    /// Whether Ctrl-C was typed since somebody last asked.
    pub fn interrupted(&mut self) -> bool {
        let mut interrupted = false;
        while let Some(byte) = sys::cgetc() {
            if byte == CTRL_C {
                self.ahead.clear();
                interrupted = true;
            } else {
                self.ahead.push_back(byte);
            }
        }
        interrupted
    }
}
