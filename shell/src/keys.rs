//! Bytes from a terminal become keys.
//!
//! The hard thing is that one key is several bytes, of two kinds: characters
//! beyond ASCII, and the arrows and their neighbours, which begin with an
//! escape (ECMA-48, 5.4; xterm's application mode writes `O` for `[`). Bytes
//! come one at a time, so the beginning of a key is kept until the rest comes.

/// What a person meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character to insert.
    Char(char),
    /// What is begun should be completed.
    Tab,
    /// The line is complete.
    Enter,
    /// Takes away the character before the cursor.
    Backspace,
    /// Takes away the character under the cursor.
    Delete,
    /// Ctrl-U: takes away everything before the cursor.
    KillLine,
    /// Ctrl-W: takes away the word before the cursor.
    KillWord,
    /// One character back.
    Left,
    /// One character on.
    Right,
    /// To the beginning of the line.
    Home,
    /// To the end of the line.
    End,
    /// The line before in the history.
    Up,
    /// The line after in the history.
    Down,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D: nothing more will come.
    EndOfInput,
}

/// The byte that Ctrl-C sends.
pub const CTRL_C: u8 = 0x03;
/// The byte that Ctrl-D sends.
pub const CTRL_D: u8 = 0x04;
const ESCAPE: u8 = 0x1b;

/// What has come of a key so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Nothing,
    /// A carriage return, which was a whole key: a newline belongs to it.
    Return,
    /// An escape.
    Escape,
    /// An escape and `[` or `O`, and the first number after them.
    Sequence(u8),
    /// Beginning of a character: bytes, how many there are, how many it has.
    Char([u8; 4], usize, usize),
}

/// Puts keys together.
#[derive(Clone, Debug, Default)]
pub struct Keys(State);

impl Keys {
    /// Takes the next byte. Returns a key if that completes one; bytes that
    /// mean nothing are dropped.
    pub fn byte(&mut self, byte: u8) -> Option<Key> {
        match core::mem::take(&mut self.0) {
            State::Nothing => self.first(byte),
            State::Return if byte == b'\n' => None,
            State::Return => self.first(byte),
            State::Escape => match byte {
                b'[' | b'O' => self.wait(State::Sequence(0)),
                _ => self.first(byte),
            },
            State::Sequence(number) => self.sequence(number, byte),
            State::Char(bytes, have, want) => self.character(bytes, have, want, byte),
        }
    }

    fn wait(&mut self, state: State) -> Option<Key> {
        self.0 = state;
        None
    }

    /// Takes a byte that begins something new.
    fn first(&mut self, byte: u8) -> Option<Key> {
        Some(match byte {
            b'\t' => Key::Tab,
            b'\n' => Key::Enter,
            b'\r' => {
                self.0 = State::Return;
                Key::Enter
            }
            0x08 | 0x7f => Key::Backspace,
            0x15 => Key::KillLine,
            0x17 => Key::KillWord,
            0x01 => Key::Home,
            0x05 => Key::End,
            CTRL_C => Key::Interrupt,
            CTRL_D => Key::EndOfInput,
            ESCAPE => return self.wait(State::Escape),
            0x20..=0x7e => Key::Char(char::from(byte)),
            // The first byte says how long the character is (RFC 3629, 3).
            0xc2..=0xdf => return self.wait(State::Char([byte, 0, 0, 0], 1, 2)),
            0xe0..=0xef => return self.wait(State::Char([byte, 0, 0, 0], 1, 3)),
            0xf0..=0xf4 => return self.wait(State::Char([byte, 0, 0, 0], 1, 4)),
            _ => return None,
        })
    }

    fn sequence(&mut self, number: u8, byte: u8) -> Option<Key> {
        match byte {
            b'0'..=b'9' => {
                let number = number.wrapping_mul(10).wrapping_add(byte - b'0');
                self.wait(State::Sequence(number))
            }
            // More numbers, which say what else is held down.
            b';' => self.wait(State::Sequence(number)),
            b'A' => Some(Key::Up),
            b'B' => Some(Key::Down),
            b'C' => Some(Key::Right),
            b'D' => Some(Key::Left),
            b'H' => Some(Key::Home),
            b'F' => Some(Key::End),
            b'~' => match number {
                1 | 7 => Some(Key::Home),
                4 | 8 => Some(Key::End),
                3 => Some(Key::Delete),
                _ => None,
            },
            // The end of a sequence that means nothing here.
            0x40..=0x7e => None,
            // No sequence at all.
            _ => self.first(byte),
        }
    }

    fn character(&mut self, mut bytes: [u8; 4], have: usize, want: usize, byte: u8) -> Option<Key> {
        if byte & 0xc0 != 0x80 {
            // It breaks off, and another key begins.
            return self.first(byte);
        }
        if let Some(place) = bytes.get_mut(have) {
            *place = byte;
        }
        if have + 1 < want {
            return self.wait(State::Char(bytes, have + 1, want));
        }
        let text = str::from_utf8(bytes.get(..want)?).ok()?;
        text.chars().next().map(Key::Char)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut keys = Keys::default();
        bytes.iter().filter_map(|&byte| keys.byte(byte)).collect()
    }

    #[test]
    fn plain_bytes_are_keys() {
        assert_eq!(
            keys(b"a\t\x7f\x08\x15\x17\x03\x04\n"),
            [
                Key::Char('a'),
                Key::Tab,
                Key::Backspace,
                Key::Backspace,
                Key::KillLine,
                Key::KillWord,
                Key::Interrupt,
                Key::EndOfInput,
                Key::Enter
            ]
        );
        assert_eq!(keys(b"\x00\x07\x1f\xff\x80"), []);
    }

    #[test]
    fn a_line_may_end_in_either_way_and_ends_once() {
        use Key::Enter;
        assert_eq!(keys(b"\r\n"), [Enter]);
        assert_eq!(keys(b"\n\n"), [Enter, Enter]);
        assert_eq!(keys(b"\r\r\n\n"), [Enter, Enter, Enter]);
        assert_eq!(keys(b"\rx"), [Enter, Key::Char('x')]);
    }

    #[test]
    fn arrows_come_in_several_bytes() {
        assert_eq!(
            keys(b"\x1b[A\x1b[B\x1bOC\x1b[D\x1b[H\x1bOF\x1b[1~\x1b[4~\x1b[3~"),
            [
                Key::Up,
                Key::Down,
                Key::Right,
                Key::Left,
                Key::Home,
                Key::End,
                Key::Home,
                Key::End,
                Key::Delete
            ]
        );
        // With Ctrl held down; page up; a function key.
        assert_eq!(
            keys(b"\x1b[1;5C\x1b[5~\x1b[15~x"),
            [Key::Right, Key::Char('x')]
        );
        // An escape before something else, and in the middle of a sequence.
        assert_eq!(keys(b"\x1bx"), [Key::Char('x')]);
        assert_eq!(keys(b"\x1b[\x1b[A"), [Key::Up]);
        assert_eq!(keys(b"\x1b[1\nx"), [Key::Enter, Key::Char('x')]);
    }

    #[test]
    fn characters_beyond_ascii_are_put_together() {
        let expected: Vec<Key> = "é€😀".chars().map(Key::Char).collect();
        assert_eq!(keys("é€😀".as_bytes()), expected);
        // Broken off, overlong, a surrogate.
        assert_eq!(keys(b"\xc3x"), [Key::Char('x')]);
        assert_eq!(keys(b"\xe2\x82\n"), [Key::Enter]);
        assert_eq!(keys(b"\xe0\x80\x80\xed\xa0\x80x"), [Key::Char('x')]);
    }
}
