//! A line becomes words.
//!
//! Words are separated by spaces; between quotes, of either kind, everything
//! means itself, so that a word can have spaces or be empty. The hard thing is
//! that quotes may begin in the middle of a word, and that a quoted `&` is not
//! the operator.

use alloc::string::String;
use alloc::vec::Vec;

/// A word, or what is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A word, without its quotes.
    Word(String),
    /// `&`, not quoted. It ends the word before it.
    Ampersand,
}

/// A quote without its partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnclosedQuote(pub char);

/// Splits a line.
///
/// # Errors
/// If a quote is not closed.
pub fn split(line: &str) -> Result<Vec<Token>, UnclosedQuote> {
    let mut tokens = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match char {
            ' ' | '\t' => tokens.extend(word.take().map(Token::Word)),
            '&' => {
                tokens.extend(word.take().map(Token::Word));
                tokens.push(Token::Ampersand);
            }
            '"' | '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some(quoted) if quoted != char => word.push(quoted),
                        Some(_) => break,
                        None => return Err(UnclosedQuote(char)),
                    }
                }
            }
            char => word.get_or_insert_default().push(char),
        }
    }
    tokens.extend(word.map(Token::Word));
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Token {
        Token::Word(text.into())
    }

    #[test]
    fn spaces_separate() {
        assert_eq!(split("").unwrap(), []);
        assert_eq!(split("  \t ").unwrap(), []);
        assert_eq!(
            split(" a  bc\td ").unwrap(),
            [word("a"), word("bc"), word("d")]
        );
    }

    #[test]
    fn quotes_keep_together() {
        assert_eq!(split("\"a b\" c").unwrap(), [word("a b"), word("c")]);
        assert_eq!(split("x'a \" b'y").unwrap(), [word("xa \" by")]);
        assert_eq!(split("''").unwrap(), [word("")]);
        assert_eq!(split("a \"b"), Err(UnclosedQuote('"')));
        assert_eq!(split("it's"), Err(UnclosedQuote('\'')));
    }

    #[test]
    fn an_ampersand_stands_for_itself_only_in_quotes() {
        assert_eq!(split("a&").unwrap(), [word("a"), Token::Ampersand]);
        assert_eq!(
            split("a & b").unwrap(),
            [word("a"), Token::Ampersand, word("b")]
        );
        assert_eq!(split("a '&'").unwrap(), [word("a"), word("&")]);
    }
}
