//! How the tool was called, for the commands that it shows: each can be typed as it stands,
//! from the folder in which the user is.
//!
//! The hard thing is that the tool's own program lies where nobody would start it. The
//! script that did says what it was called.

use crate::quoting::shell_word;

/// Where the script says its name, as it was typed.
pub const VARIABLE: &str = "JOSTLE_CALLED";

/// The first word of a command, for a shell. Without the script, that of someone at the
/// top of the tree.
pub fn here() -> String {
    match std::env::var_os(VARIABLE) {
        // `sh jostle` finds what a shell would not.
        Some(typed) if typed.as_encoded_bytes().contains(&b'/') => shell_word(&typed),
        _ => "./jostle".into(),
    }
}
