//! What the end of QEMU, or of the simulated machine in its place, says about the guest.
//!
//! The guest speaks through the debug-exit device: a byte v written to it
//! ends QEMU with status (v << 1) | 1. Status 0 is therefore never the
//! guest's word: it is a reset (we pass `-no-reboot`) or the user's Ctrl-A X.

use std::process::ExitStatus;

use super::supervise::Ending;
use crate::status;

/// Written by the kernel when nothing is left to run: 0x10.
pub const CLEAN_END: i32 = (0x10 << 1) | 1;
/// Written by the kernel's panic: 0x32.
const KERNEL_PANIC: i32 = (0x32 << 1) | 1;
/// What QEMU's multiplexer prints on the console for Ctrl-A X.
pub const QUIT_NOTICE: &[u8] = b"QEMU: Terminated\n\r";

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The guest ended by itself.
    Clean,
    /// The kernel panicked; it has said why on the console.
    Panic,
    /// The machine was reset: a triple fault, or the guest asked for it.
    Reset,
    /// Ctrl-A X.
    Quit,
    /// The kernel's monitor asked for a command when there was no more input.
    InputOver,
    /// The time limit was reached.
    TimeLimit,
    /// The tool was told to stop by this signal.
    Signal(i32),
    /// Nobody reads standard output any more.
    OutputClosed,
    /// Standard output could not be written, and why.
    OutputFailed(String),
    /// The machine failed by itself; it has said why on standard error.
    Failed(String),
}

impl Verdict {
    /// Judges the ending of a run. `tail` is the end of what the console
    /// showed, `at_terminal` whether Ctrl-A X could be typed.
    pub fn of(ending: &Ending, tail: &[u8], at_terminal: bool) -> Self {
        match ending {
            Ending::TimeLimit => Self::TimeLimit,
            Ending::InputOver => Self::InputOver,
            Ending::Signal(signal) => Self::Signal(*signal),
            Ending::OutputClosed => Self::OutputClosed,
            Ending::OutputFailed(error) => Self::OutputFailed(error.to_string()),
            Ending::Exited(status) => match status.code() {
                Some(CLEAN_END) => Self::Clean,
                Some(KERNEL_PANIC) => Self::Panic,
                Some(0) if at_terminal && tail.ends_with(QUIT_NOTICE) => Self::Quit,
                Some(0) => Self::Reset,
                _ => Self::Failed(describe(*status)),
            },
        }
    }

    /// The tool's exit status.
    pub fn status(&self) -> u8 {
        match self {
            Self::Clean | Self::Quit | Self::InputOver => status::CLEAN,
            Self::Panic | Self::Reset => status::GUEST_FAILED,
            Self::TimeLimit => status::TIME_LIMIT,
            Self::Signal(signal) => status::stopped_by(*signal),
            Self::OutputClosed => status::OUTPUT_CLOSED,
            Self::OutputFailed(_) | Self::Failed(_) => status::FAILURE,
        }
    }

    /// The line to say about it, if the user does not know already; `machine` is the
    /// name of what ran.
    pub fn remark(&self, machine: &str) -> Option<String> {
        match self {
            Self::Clean | Self::Signal(_) | Self::OutputClosed => None,
            Self::Panic => Some("the kernel panicked".into()),
            Self::Reset => Some("the machine was reset (triple fault?)".into()),
            Self::Quit => Some("stopped by Ctrl-A X".into()),
            Self::InputOver => Some("the monitor was left at the end of the input".into()),
            Self::TimeLimit => Some("the time limit was reached; the guest was stopped".into()),
            Self::OutputFailed(why) => Some(format!("standard output: {why}")),
            Self::Failed(how) => Some(format!("{machine} failed: {how}")),
        }
    }
}

fn describe(status: ExitStatus) -> String {
    match status.code() {
        Some(code) if code & 1 == 1 && code > 1 => {
            format!("unknown verdict {:#x} from the guest", code >> 1)
        }
        _ => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn exited(code: i32) -> Ending {
        Ending::Exited(ExitStatus::from_raw(code << 8))
    }

    #[test]
    fn the_guests_word_becomes_the_status() {
        let judge = |code| Verdict::of(&exited(code), b"", false);
        assert_eq!(judge(33), Verdict::Clean);
        assert_eq!(judge(33).status(), 0);
        assert_eq!(judge(101), Verdict::Panic);
        assert_eq!(judge(101).status(), 101);
        assert_eq!(judge(0), Verdict::Reset);
        assert_eq!(judge(0).status(), 101);
        assert_eq!(judge(1).status(), 1);
        assert_eq!(
            judge(35),
            Verdict::Failed("unknown verdict 0x11 from the guest".into())
        );
    }

    #[test]
    fn quitting_differs_from_a_reset() {
        let tail = b"$ QEMU: Terminated\n\r";
        assert_eq!(Verdict::of(&exited(0), tail, true), Verdict::Quit);
        // Without a terminal nobody can have typed Ctrl-A X: the guest printed it.
        assert_eq!(Verdict::of(&exited(0), tail, false), Verdict::Reset);
        assert_eq!(Verdict::of(&exited(0), b"$ ", true), Verdict::Reset);
    }

    #[test]
    fn a_killed_machine_is_a_failure() {
        let killed = Ending::Exited(ExitStatus::from_raw(9));
        let killed = Verdict::of(&killed, b"", false);
        assert_eq!(killed.status(), 1);
        let remark = killed.remark("the simulated machine");
        let remark = remark.expect("nobody else says it");
        assert!(remark.starts_with("the simulated machine failed: signal: 9"));
        assert_eq!(
            Verdict::of(&Ending::TimeLimit, b"", false).status(),
            status::TIME_LIMIT
        );
        assert_eq!(Verdict::of(&Ending::Signal(2), b"", false).status(), 130);
        let over = Verdict::of(&Ending::InputOver, b"", false);
        assert_eq!(over.status(), status::CLEAN);
    }
}
