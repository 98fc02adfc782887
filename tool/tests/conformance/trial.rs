//! One case, which says so when it takes long.
//!
//! The harness says nothing of a case until it has ended. `jostle test` watches
//! those that take more than a minute, and knows them by a line that Rust's own
//! harness prints: so it is printed here too.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use libtest_mimic::Failed;

/// When it says so.
const LONG: Duration = Duration::from_secs(60);

/// A case.
pub struct Trial(libtest_mimic::Trial);

impl Trial {
    /// A case with this name that does this.
    pub fn test<F>(name: impl Into<String>, run: F) -> Self
    where
        F: FnOnce() -> Result<(), Failed> + Send + 'static,
    {
        let name = name.into();
        Self(libtest_mimic::Trial::test(name.clone(), move || {
            // Dropped at the end, also when that is a panic.
            let (_running, end) = mpsc::channel::<()>();
            std::thread::spawn(move || {
                if end.recv_timeout(LONG) == Err(RecvTimeoutError::Timeout) {
                    let seconds = LONG.as_secs();
                    println!("test {name} has been running for over {seconds} seconds");
                }
            });
            run()
        }))
    }

    /// The same, to be run only when asked for, if so.
    pub fn with_ignored_flag(self, ignored: bool) -> Self {
        Self(self.0.with_ignored_flag(ignored))
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// As the harness takes it.
    pub fn into_inner(self) -> libtest_mimic::Trial {
        self.0
    }
}
