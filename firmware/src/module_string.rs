//! A module's string: `PATH [@DIRECTIVE...] [ARG...]`.
//!
//! Directives: `@personality=NAME`, the numbering that the program was built
//! for; `@type=user|fs|ns`, what its environment is for; `@archive`: the module
//! is no program but a file for the program before it.
//!
//! The hard thing is quoting. Loaders split at spaces and QEMU at commas, so
//! the one that starts the kernel percent-encodes such bytes (`%20` is a space).
//! Decoding cannot fail: a `%` that is not followed by two hexadecimal digits,
//! or that would stand for a zero byte, means itself.

use abi::{EnvType, Personality};

/// A parsed module string; borrows the string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleString<'s> {
    path: &'s [u8],
    /// The numbering of system calls that the program was built for; lab 4's
    /// if the string does not say, or says something unknown.
    pub personality: Personality,
    /// What the environment is for.
    pub kind: EnvType,
    /// The module is no program but a file, which the environment made from the
    /// module before this one will find mapped.
    pub is_archive: bool,
    /// The last `@` word that was not understood.
    pub unknown_directive: Option<&'s [u8]>,
    arguments: &'s [u8],
}

impl<'s> ModuleString<'s> {
    /// Parses a string; the empty one, which v86 gives, has an empty name and
    /// no arguments. Words that begin with `@` are directives if they stand
    /// between the path and the first argument.
    pub fn parse(string: &'s [u8]) -> ModuleString<'s> {
        let (path, mut rest) = split_word(string);
        let mut parsed = ModuleString {
            path,
            personality: Personality::default(),
            kind: EnvType::User,
            is_archive: false,
            unknown_directive: None,
            arguments: &[],
        };
        loop {
            let (word, after) = split_word(rest);
            if !word.starts_with(b"@") {
                parsed.arguments = rest;
                return parsed;
            }
            if parsed.obey(word).is_none() {
                parsed.unknown_directive = Some(word);
            }
            rest = after;
        }
    }

    /// Obeys a directive that is understood; keeps any other as unknown.
    fn obey(&mut self, directive: &[u8]) -> Option<()> {
        let directive = core::str::from_utf8(directive).ok()?;
        if let Some(name) = directive.strip_prefix("@personality=") {
            self.personality = Personality::from_name(name)?;
        } else if let Some(name) = directive.strip_prefix("@type=") {
            self.kind = EnvType::from_name(name)?;
        } else {
            self.is_archive = (directive == "@archive").then_some(true)?;
        }
        Some(())
    }

    /// The program's name: the last component of the path, decoded, without a
    /// trailing `.elf`.
    pub fn name(&self) -> Word<'s> {
        let base = self.path.rsplit(|byte| *byte == b'/').next();
        let base = base.unwrap_or_default();
        Word {
            encoded: base.strip_suffix(b".elf").unwrap_or(base),
        }
    }

    /// The arguments after the name, in order.
    pub fn arguments(&self) -> impl Iterator<Item = Word<'s>> + use<'s> {
        self.arguments
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
            .map(|encoded| Word { encoded })
    }

    /// Copies the arguments into `room` as a program finds them, each ended by a NUL
    /// byte and the name before them; `None` if they do not fit. A program that was
    /// given none does not find its name either, as JOS's kernel starts programs.
    pub fn copy_arguments<'r>(&self, room: &'r mut [u8]) -> Option<&'r [u8]> {
        let mut len = 0;
        if self.arguments().next().is_some() {
            for word in core::iter::once(self.name()).chain(self.arguments()) {
                for byte in word.bytes().chain([0]) {
                    *room.get_mut(len)? = byte;
                    len += 1;
                }
            }
        }
        room.get(..len)
    }
}

/// Splits off the first word; both halves are empty if there is none.
fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_start();
    let end = text.iter().position(u8::is_ascii_whitespace);
    text.split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or_default()
}

/// One percent-encoded word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'s> {
    encoded: &'s [u8],
}

impl<'s> Word<'s> {
    /// The decoded bytes. None of them is zero if none was in the string, so
    /// they can be given a terminator.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + use<'s> {
        let mut rest = self.encoded;
        core::iter::from_fn(move || {
            if let Some((byte, after)) = escape(rest) {
                rest = after;
                return Some(byte);
            }
            let (&byte, after) = rest.split_first()?;
            rest = after;
            Some(byte)
        })
    }

    /// Length in bytes when decoded.
    pub fn len(&self) -> usize {
        self.bytes().count()
    }

    /// Whether the word is empty.
    pub fn is_empty(&self) -> bool {
        self.encoded.is_empty()
    }

    /// Decodes into `buffer` and returns the part that was filled; a word
    /// longer than the buffer is cut.
    pub fn decode<'b>(&self, buffer: &'b mut [u8]) -> &'b [u8] {
        let mut len = 0;
        for (place, byte) in buffer.iter_mut().zip(self.bytes()) {
            *place = byte;
            len += 1;
        }
        buffer.get(..len).unwrap_or_default()
    }
}

impl core::fmt::Display for Word<'_> {
    /// The decoded word in ASCII, with what is not printable escaped.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.bytes()
            .try_for_each(|byte| write!(f, "{}", core::ascii::escape_default(byte)))
    }
}

/// The byte that an escape at the start of `text` stands for, and what follows.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let (&[percent, high, low], rest) = text.split_first_chunk()?;
    if percent != b'%' {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(high)? << 4 | digit(low)?;
    let byte = u8::try_from(value).ok().filter(|byte| *byte != 0)?;
    Some((byte, rest))
}
