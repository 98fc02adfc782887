//! A line of what `explore` has to say. The searches print as they go, so that a long one
//! shows how far it is.

use std::fmt::Arguments;

use crate::report::result;

/// Prints a line on standard output.
pub fn say(text: Arguments<'_>) {
    result(format_args!("{text}\n"));
}
