//! The exit statuses of `jostle`, in one place, because scripts rely on them.

use std::fmt::Display;
use std::process::ExitStatus;

/// Everything went well; for `run`, the guest ended by itself.
pub const CLEAN: u8 = 0;
/// The tool could not do its work, or a test or a measurement failed.
pub const FAILURE: u8 = 1;
/// The request itself was wrong: an option, a program's name, an ELF file.
pub const USAGE: u8 = 2;
/// Of `run`: a program that was named was ended for what it did.
pub const PROGRAM_ENDED: u8 = 3;
/// The guest's kernel panicked or the machine was reset.
pub const GUEST_FAILED: u8 = 101;
/// The time limit was reached, as `timeout(1)` reports it.
pub const TIME_LIMIT: u8 = 124;
/// Standard output was closed by its reader, as a shell reports SIGPIPE.
pub const OUTPUT_CLOSED: u8 = 128 + 13;

/// The status for having been stopped by `signal`, as a shell reports it.
pub fn stopped_by(signal: i32) -> u8 {
    128u8.saturating_add(u8::try_from(signal).unwrap_or(u8::MAX))
}

/// A request that cannot be met as it was made: one line, status [`USAGE`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(String);

/// A [`UsageError`] as an `anyhow` error.
pub fn usage(message: impl Display) -> anyhow::Error {
    UsageError(message.to_string()).into()
}

/// Refuses the first of these options of a command that was given.
pub fn refuse(command: &str, options: &[(bool, &str)]) -> anyhow::Result<()> {
    match options.iter().find(|(given, _)| *given) {
        Some((_, option)) => Err(usage(format_args!("{command} knows no --{option}"))),
        None => Ok(()),
    }
}

/// The exit status that goes with an error.
pub fn of_error(error: &anyhow::Error) -> u8 {
    if error.is::<UsageError>() {
        USAGE
    } else {
        FAILURE
    }
}

/// The status that a child ended with by itself.
pub fn of_child(status: ExitStatus) -> Option<u8> {
    status.code().and_then(|code| u8::try_from(code).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_reported_as_shells_do() {
        assert_eq!(stopped_by(2), 130);
        assert_eq!(stopped_by(15), 143);
        assert_eq!(stopped_by(i32::MAX), u8::MAX);
    }

    #[test]
    fn what_was_given_is_refused() {
        let refused = |given: [bool; 2]| {
            let options = [(given[0], "one"), (given[1], "two")];
            refuse("x", &options).map_err(|error| (of_error(&error), error.to_string()))
        };
        assert_eq!(refused([false, false]), Ok(()));
        assert_eq!(
            refused([false, true]),
            Err((USAGE, "x knows no --two".into()))
        );
        assert_eq!(
            refused([true, true]),
            Err((USAGE, "x knows no --one".into()))
        );
    }

    #[test]
    fn a_wrong_request_differs_from_a_failure() {
        assert_eq!(of_error(&usage("no such program")), USAGE);
        assert_eq!(of_error(&anyhow::anyhow!("disk full")), FAILURE);
    }
}
