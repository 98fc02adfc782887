//! Keys become a line, and the terminal shows it.
//!
//! The editor asks only three things of a terminal: print what is sent, go one
//! column back at a backspace, cover with a space what was there. So it works on any
//! terminal, and also where there is none.
//!
//! The hard thing is a change in the middle: all that follows is printed again,
//! spaces cover the end of a longer old line, and as many backspaces lead back.
//! A character is taken to be one column wide.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use crate::history::History;
use crate::keys::Key;

/// The most characters in a line; further ones are refused with a bell, and unless some are
/// taken away then, the line is not entered. If they are ASCII, they and the line's end fit
/// the 512 typed bytes that a kernel keeps.
pub const LONGEST: usize = 500;

/// What has a terminal ring or flash.
const BELL: char = '\x07';

/// How a key ended the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This line was entered.
    Line(String),
    /// More than a line can hold was typed.
    TooLong,
    /// The line was given up.
    Interrupted,
    /// Nothing more will come.
    EndOfInput,
}

/// A line that is being written.
#[derive(Clone, Debug, Default)]
pub struct Editor {
    line: String,
    /// Where the next character goes, in bytes.
    cursor: usize,
    /// Whether a character was refused since the line was last shortened.
    is_cut: bool,
    history: History,
}

impl Editor {
    /// Does what `key` says and shows it on `terminal`. Returns how the line
    /// ended, if it did; then the next one begins, and is empty.
    ///
    /// # Errors
    /// The terminal's.
    pub fn key(
        &mut self,
        key: Key,
        terminal: &mut impl Write,
    ) -> Result<Option<Outcome>, fmt::Error> {
        let before = self.cursor;
        match key {
            Key::Char(char) => {
                self.insert(char.encode_utf8(&mut [0; 4]), terminal)?;
            }
            Key::Backspace => self.replace(self.left()..before, "", terminal)?,
            Key::Delete => self.delete(terminal)?,
            Key::KillLine => self.replace(0..before, "", terminal)?,
            Key::KillWord => self.replace(self.word()..before, "", terminal)?,
            Key::Left => self.go_to(self.left(), terminal)?,
            Key::Right => self.go_to(self.right(), terminal)?,
            Key::Home => self.go_to(0, terminal)?,
            Key::End => self.go_to(self.line.len(), terminal)?,
            Key::Up => {
                if let Some(line) = self.history.older(&self.line).map(String::from) {
                    self.show(&line, terminal)?;
                }
            }
            Key::Down => {
                if let Some(line) = self.history.newer().map(String::from) {
                    self.show(&line, terminal)?;
                }
            }
            Key::Enter => {
                self.go_to(self.line.len(), terminal)?;
                terminal.write_char('\n')?;
                let was_cut = self.is_cut;
                let line = self.take();
                self.history.entered(&line);
                return Ok(Some(match was_cut {
                    true => Outcome::TooLong,
                    false => Outcome::Line(line),
                }));
            }
            Key::Interrupt => {
                self.go_to(self.line.len(), terminal)?;
                terminal.write_str("^C\n")?;
                self.take();
                self.history.leave();
                return Ok(Some(Outcome::Interrupted));
            }
            Key::EndOfInput if self.line.is_empty() => {
                terminal.write_char('\n')?;
                return Ok(Some(Outcome::EndOfInput));
            }
            Key::EndOfInput => self.delete(terminal)?,
            // What there is to choose from is not known here: see `complete`.
            Key::Tab => terminal.write_char(BELL)?,
        }
        Ok(None)
    }

    /// Does what Tab asks for: completes the first word of the line, if the cursor is at its
    /// end, to one of `names`, or as far as all that begin so agree. Where that is no
    /// further, they are listed, and the line is shown anew behind `prompt`.
    ///
    /// # Errors
    /// The terminal's.
    pub fn complete<'n>(
        &mut self,
        names: impl Iterator<Item = &'n str>,
        prompt: &str,
        terminal: &mut impl Write,
    ) -> fmt::Result {
        let begun = self.line[..self.cursor].trim_start_matches(' ');
        if begun.contains(' ') || !self.line[self.cursor..].is_empty() {
            return terminal.write_char(BELL);
        }
        let mut found: Vec<&str> = names.filter(|name| name.starts_with(begun)).collect();
        found.sort_unstable();
        let Some((first, others)) = found.split_first() else {
            return terminal.write_char(BELL);
        };
        let agreed = others
            .iter()
            .fold(*first, |agreed, name| common(agreed, name));
        let rest = &agreed[begun.len()..];
        if others.is_empty() {
            return self.insert(&format!("{rest} "), terminal);
        }
        if !rest.is_empty() {
            return self.insert(rest, terminal);
        }
        write!(terminal, "\n{}\n{prompt}{}", found.join("  "), self.line)
    }

    /// Inserts as much as there is room for, and rings for the rest.
    fn insert(&mut self, text: &str, terminal: &mut impl Write) -> fmt::Result {
        let room = LONGEST - self.line.chars().count();
        let end = text.char_indices().nth(room).map(|(end, _)| end);
        let fits = &text[..end.unwrap_or(text.len())];
        self.replace(self.cursor..self.cursor, fits, terminal)?;
        if end.is_some() {
            self.is_cut = true;
            terminal.write_char(BELL)?;
        }
        Ok(())
    }

    fn take(&mut self) -> String {
        self.is_cut = false;
        self.cursor = 0;
        core::mem::take(&mut self.line)
    }

    fn delete(&mut self, terminal: &mut impl Write) -> fmt::Result {
        self.replace(self.cursor..self.right(), "", terminal)
    }

    fn show(&mut self, line: &str, terminal: &mut impl Write) -> fmt::Result {
        self.replace(0..self.line.len(), line, terminal)
    }

    /// Puts `new` in the place of `range`, and the cursor after it.
    fn replace(
        &mut self,
        range: core::ops::Range<usize>,
        new: &str,
        terminal: &mut impl Write,
    ) -> fmt::Result {
        self.go_to(range.start, terminal)?;
        let old = self.line[range.clone()].chars().count();
        self.is_cut &= old == 0;
        self.line.replace_range(range.clone(), new);
        terminal.write_str(&self.line[range.start..])?;
        let surplus = old.saturating_sub(new.chars().count());
        (0..surplus).try_for_each(|_| terminal.write_char(' '))?;
        (0..surplus).try_for_each(|_| terminal.write_char('\x08'))?;
        self.cursor = self.line.len();
        self.go_to(range.start + new.len(), terminal)
    }

    /// Moves the cursor.
    fn go_to(&mut self, place: usize, terminal: &mut impl Write) -> fmt::Result {
        if place < self.cursor {
            let columns = self.line[place..self.cursor].chars().count();
            (0..columns).try_for_each(|_| terminal.write_char('\x08'))?;
        } else {
            terminal.write_str(&self.line[self.cursor..place])?;
        }
        self.cursor = place;
        Ok(())
    }

    /// Where the character before the cursor begins.
    fn left(&self) -> usize {
        self.line[..self.cursor]
            .char_indices()
            .last()
            .map_or(0, |(place, _)| place)
    }

    /// Where the character under the cursor ends.
    fn right(&self) -> usize {
        let under = self.line[self.cursor..].chars().next();
        self.cursor + under.map_or(0, char::len_utf8)
    }

    /// Where the word before the cursor begins.
    fn word(&self) -> usize {
        let before = self.line[..self.cursor].trim_end_matches(' ');
        before.rfind(' ').map_or(0, |space| space + 1)
    }
}

/// What both begin with.
fn common<'a>(a: &'a str, b: &str) -> &'a str {
    let mut both = a.char_indices().zip(b.chars());
    let differ = both.find(|((_, a), b)| a != b);
    let end = differ.map_or(a.len().min(b.len()), |((end, _), _)| end);
    &a[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Keys;
    use alloc::string::ToString;

    /// A terminal of one endless line, and where its cursor is.
    #[derive(Default)]
    struct Screen {
        columns: Vec<char>,
        cursor: usize,
        bells: usize,
    }

    impl Write for Screen {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for char in text.chars() {
                match char {
                    '\x08' => self.cursor = self.cursor.checked_sub(1).expect("a column"),
                    '\n' => *self = Screen::default(),
                    BELL => self.bells += 1,
                    char => {
                        if self.cursor == self.columns.len() {
                            self.columns.push(char);
                        } else {
                            self.columns[self.cursor] = char;
                        }
                        self.cursor += 1;
                    }
                }
            }
            Ok(())
        }
    }

    /// Types bytes. After each the screen must show the line and the cursor.
    fn typed(bytes: &[u8]) -> (Editor, Vec<Outcome>) {
        let (mut editor, mut keys, mut screen) =
            (Editor::default(), Keys::default(), Screen::default());
        let mut outcomes = Vec::new();
        for &byte in bytes {
            let Some(key) = keys.byte(byte) else { continue };
            outcomes.extend(editor.key(key, &mut screen).expect("shown"));
            let shown: String = screen.columns.iter().collect();
            assert_eq!(shown.trim_end(), editor.line.trim_end());
            let columns = editor.line[..editor.cursor].chars().count();
            assert_eq!(screen.cursor, columns, "{shown:?}");
        }
        (editor, outcomes)
    }

    fn line(bytes: &[u8]) -> String {
        match typed(bytes).1.pop() {
            Some(Outcome::Line(line)) => line,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn characters_are_inserted_at_the_cursor() {
        assert_eq!(line(b"hello world\n"), "hello world");
        assert_eq!(line(b"hllo\x1b[D\x1b[D\x1b[De\n"), "hello");
        assert_eq!(line(b"world\x1b[Hhello \x1b[F!\n"), "hello world!");
        assert_eq!(line(b"b\x01a\x05c\n"), "abc");
        assert_eq!(line("aé\x1b[Dx\n".as_bytes()), "axé");
    }

    #[test]
    fn characters_are_taken_away() {
        assert_eq!(line(b"helxx\x7f\x08lo\n"), "hello");
        assert_eq!(line(b"\x7f\x1b[D\x1b[3~x\n"), "x");
        assert_eq!(line(b"abcd\x1b[D\x1b[D\x7f\n"), "acd");
        assert_eq!(line(b"abcd\x1b[D\x1b[D\x1b[3~\n"), "abd");
        assert_eq!(line(b"abcd\x1b[D\x1b[D\x04\n"), "abd");
        assert_eq!(line(b"abcd\x1b[D\x15\n"), "d");
        assert_eq!(line(b"one two  three \x17x\n"), "one two  x");
        assert_eq!(line(b"one two\x1b[D\x17\n"), "one o");
        assert_eq!(line(b"one\x17\x17x\n"), "x");
        assert_eq!(line("éa€\x7f\x7f\n".as_bytes()), "é");
    }

    #[test]
    fn lines_come_back() {
        let up = "\x1b[A";
        let down = "\x1b[B";
        let two = "first\nsecond line\n";
        assert_eq!(line(alloc::format!("{two}{up}{up}\n").as_bytes()), "first");
        assert_eq!(
            line(alloc::format!("{two}{up}{up}{up}{down}!\n").as_bytes()),
            "second line!"
        );
        assert_eq!(
            line(alloc::format!("{two}new{up}{up}{down}{down}er\n").as_bytes()),
            "newer"
        );
        // What was changed in an old line does not change the history.
        assert_eq!(
            line(alloc::format!("{two}{up}\x15{down}{up}\n").as_bytes()),
            "second line"
        );
        assert_eq!(
            line(alloc::format!("{two}x\x03{up}\n").as_bytes()),
            "second line"
        );
    }

    #[test]
    fn a_line_may_be_given_up() {
        let (editor, outcomes) = typed(b"abc\x1b[D\x03def\n\x04");
        assert_eq!(
            outcomes,
            [
                Outcome::Interrupted,
                Outcome::Line("def".to_string()),
                Outcome::EndOfInput
            ]
        );
        assert!(editor.line.is_empty());
    }

    #[test]
    fn what_is_too_long_is_not_cut_in_silence() {
        let whole = [b'x'; LONGEST];
        assert_eq!(line(&[&whole[..], b"\n"].concat()).len(), LONGEST);
        let (editor, outcomes) = typed(&[&whole[..], b"yz\nfine\n"].concat());
        assert_eq!(
            outcomes,
            [Outcome::TooLong, Outcome::Line("fine".to_string())]
        );
        assert!(!editor.is_cut);
        // Whoever takes some away has seen it.
        let mended = line(&[&whole[..], b"y\x7fz\n"].concat());
        assert!(mended.len() == LONGEST && mended.ends_with("xz"));
        let (_, outcomes) = typed(&[&whole[..], b"y\x1b[D\n"].concat());
        assert_eq!(outcomes, [Outcome::TooLong]);
    }

    /// A line after Tab, and what is shown for it.
    fn completed(line: &str) -> (String, String) {
        let (mut editor, _) = typed(line.as_bytes());
        let names = ["hello", "help", "heap", "spin", "spins"];
        let mut shown = String::new();
        let done = editor.complete(names.into_iter(), "> ", &mut shown);
        done.expect("shown");
        (editor.line, shown)
    }

    #[test]
    fn tab_completes_the_first_word() {
        let pair = |line: &str, shown: &str| (line.to_string(), shown.to_string());
        assert_eq!(completed("hea"), pair("heap ", "p "));
        assert_eq!(completed("  hell"), pair("  hello ", "o "));
        assert_eq!(completed("h"), pair("he", "e"));
        assert_eq!(completed("he"), pair("he", "\nheap  hello  help\n> he"));
        // One of them is whole.
        assert_eq!(completed("spin"), pair("spin", "\nspin  spins\n> spin"));
        let all = "\nheap  hello  help  spin  spins\n> ";
        assert_eq!(completed(""), pair("", all));
        for line in ["x", "hello ", "hello h", "hello\x1b[D"] {
            let (after, shown) = completed(line);
            assert_eq!(shown, "\x07", "{line:?}");
            assert_eq!(after, line.trim_end_matches("\x1b[D"));
        }
    }

    #[test]
    fn what_is_completed_fits() {
        let (line, shown) = completed(&format!("{}hea", " ".repeat(LONGEST - 4)));
        assert_eq!((line.len(), shown.as_str()), (LONGEST, "p\x07"));
    }
}
