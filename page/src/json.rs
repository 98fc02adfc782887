//! Answers as text that a page reads: JSON, of which only writing is needed.
//!
//! The hard thing are texts that programs made: any byte may be in them.

use std::fmt::{Display, Write as _};

/// A value under construction.
#[derive(Debug, Default)]
pub struct Json(String);

impl Json {
    /// The text.
    pub fn text(self) -> String {
        self.0
    }

    fn separate(&mut self) {
        if !matches!(self.0.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.0.push(',');
        }
    }

    fn name(&mut self, name: &str) {
        self.separate();
        self.quoted(name);
        self.0.push(':');
    }

    fn quoted(&mut self, text: &str) {
        self.0.push('"');
        for char in text.chars() {
            match char {
                '"' | '\\' => self.0.extend(['\\', char]),
                // Writing to a String cannot fail.
                char if char < ' ' => drop(write!(self.0, "\\u{:04x}", char as u32)),
                char => self.0.push(char),
            }
        }
        self.0.push('"');
    }

    /// An object; `fill` adds its members.
    pub fn object(&mut self, fill: impl FnOnce(&mut Json)) {
        self.separate();
        self.0.push('{');
        fill(self);
        self.0.push('}');
    }

    /// A member that is a list; `fill` adds its items.
    pub fn list(&mut self, name: &str, fill: impl FnOnce(&mut Json)) {
        self.name(name);
        self.0.push('[');
        fill(self);
        self.0.push(']');
    }

    /// A member that is an object.
    pub fn member(&mut self, name: &str, fill: impl FnOnce(&mut Json)) {
        self.name(name);
        self.object(fill);
    }

    /// A member that is a text.
    pub fn string(&mut self, name: &str, value: impl Display) {
        self.name(name);
        self.quoted(&value.to_string());
    }

    /// A member that is a number, a truth value or null, as it prints.
    pub fn plain(&mut self, name: &str, value: impl Display) {
        self.name(name);
        let _ = write!(self.0, "{value}");
    }

    /// A member that is a number in hexadecimal, as text with eight digits.
    pub fn word(&mut self, name: &str, value: u32) {
        self.string(name, format_args!("{value:08x}"));
    }

    /// An item that is a text.
    pub fn item(&mut self, value: impl Display) {
        self.separate();
        self.quoted(&value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_separated_and_texts_quoted() {
        let mut json = Json::default();
        json.object(|json| {
            json.plain("a", 1);
            json.string("b", "\"\\\n\u{1}é");
            json.list("c", |json| {
                json.object(|json| json.word("d", 255));
                json.object(|_| {});
                json.item("x");
            });
            json.member("e", |json| json.plain("f", true));
        });
        assert_eq!(
            json.text(),
            r#"{"a":1,"b":"\"\\\u000a\u0001é","c":[{"d":"000000ff"},{},"x"],"e":{"f":true}}"#
        );
    }
}
