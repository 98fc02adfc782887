//! Error values that system calls return, negated, in `eax`.
//!
//! The hard thing is one exception: programs of 2014 may
//! expect another value for [`Error::IpcNotRecv`]; see
//! [`crate::Personality::error_value`].

/// Why a call failed. The discriminant is the value of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum Error {
    /// Unspecified or unknown problem.
    Unspecified = 1,
    /// The environment does not exist or may not be touched by the caller.
    BadEnv = 2,
    /// An argument is invalid.
    Inval = 3,
    /// Out of memory.
    NoMem = 4,
    /// Out of environment slots.
    NoFreeEnv = 5,
    /// Memory fault.
    Fault = 6,
    /// The target of a message is not receiving.
    IpcNotRecv = 7,
    /// Unexpected end of file.
    Eof = 8,
    /// No free space on disk.
    NoDisk = 9,
    /// Too many files are open.
    MaxOpen = 10,
    /// File or block not found.
    NotFound = 11,
    /// Invalid path.
    BadPath = 12,
    /// File already exists.
    FileExists = 13,
    /// Not a valid executable.
    NotExec = 14,
    /// Operation not supported.
    NotSupp = 15,
    /// The caller's deadline passed while it waited; no error of JOS.
    TimedOut = 16,
}

/// What JOS's `%e` prints.
impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.message())
    }
}

impl Error {
    /// All errors, in order of their values.
    pub const ALL: [Error; 16] = [
        Error::Unspecified,
        Error::BadEnv,
        Error::Inval,
        Error::NoMem,
        Error::NoFreeEnv,
        Error::Fault,
        Error::IpcNotRecv,
        Error::Eof,
        Error::NoDisk,
        Error::MaxOpen,
        Error::NotFound,
        Error::BadPath,
        Error::FileExists,
        Error::NotExec,
        Error::NotSupp,
        Error::TimedOut,
    ];

    /// The error with this (positive) value.
    pub fn from_value(value: u32) -> Option<Error> {
        Error::ALL.get(value.checked_sub(1)? as usize).copied()
    }

    /// What JOS's `%e` prints.
    pub const fn message(self) -> &'static str {
        match self {
            Error::Unspecified => "unspecified error",
            Error::BadEnv => "bad environment",
            Error::Inval => "invalid parameter",
            Error::NoMem => "out of memory",
            Error::NoFreeEnv => "out of environments",
            Error::Fault => "segmentation fault",
            Error::IpcNotRecv => "env is not recving",
            Error::Eof => "unexpected end of file",
            Error::NoDisk => "no free space on disk",
            Error::MaxOpen => "too many files are open",
            Error::NotFound => "file or block not found",
            Error::BadPath => "invalid path",
            Error::FileExists => "file already exists",
            Error::NotExec => "file is not a valid executable",
            Error::NotSupp => "operation not supported",
            Error::TimedOut => "timed out",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_round_trip() {
        for error in Error::ALL {
            assert_eq!(Error::from_value(error as u32), Some(error));
        }
        assert_eq!(Error::from_value(0), None);
        assert_eq!(Error::from_value(17), None);
    }
}
