//! The kernel's command line, as typed options.
//!
//! The hard thing: nothing on it may stop the boot. Whatever is not understood
//! is reported to the caller and otherwise ignored, and a bad value leaves the
//! default in force.

use abi::scheduling::Policy;

/// Default length of a quantum, in microseconds: JOS's 10 ms.
pub const DEFAULT_QUANTUM_US: u32 = 10_000;
/// Shortest quantum that can be asked for, in microseconds. It is shorter than
/// the handling of a timer interrupt, on purpose: a kernel must survive that.
pub const MIN_QUANTUM_US: u32 = 1;
/// Longest quantum that can be asked for, in microseconds.
pub const MAX_QUANTUM_US: u32 = 1_000_000;

/// The one argument that may stand without a value.
const GRADING: &[u8] = b"grading";

/// What the kernel does when no environment is left that could run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// Switch the machine off.
    #[default]
    PowerOff,
    /// Enter the kernel monitor, as JOS does.
    Monitor,
}

/// What the kernel was told at boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootOptions {
    /// `lifecycle=on|off`: print a line when an environment begins or ends.
    pub lifecycle: bool,
    /// `quantum=N`: length of a time slice, [`MIN_QUANTUM_US`] to
    /// [`MAX_QUANTUM_US`] microseconds.
    pub quantum_us: u32,
    /// `sched=round-robin|priority|stride|lottery`: who gets a CPU next.
    pub sched: Policy,
    /// `record=on|off`: log each kernel entry for replay.
    pub record: bool,
    /// `trace=on|off`: keep a trace of what happens.
    pub trace: bool,
    /// `end=poweroff|monitor`.
    pub end: End,
    /// `grading`, or `grading=on|off`: behave as graders of JOS expect.
    /// Breakpoints enter the monitor; and unless told otherwise so does the end,
    /// and lines are printed when environments begin and end.
    pub grading: bool,
    /// `prelock=on|off`: answer `getenvid` before the lock is taken.
    pub prelock: bool,
    /// `extensions=on|off`: offer programs what JOS's kernel lacks.
    pub extensions: bool,
    /// `boottime=on|off`: print how long the boot took.
    pub boottime: bool,
}

impl Default for BootOptions {
    fn default() -> BootOptions {
        BootOptions {
            lifecycle: false,
            quantum_us: DEFAULT_QUANTUM_US,
            sched: Policy::RoundRobin,
            record: false,
            trace: false,
            end: End::PowerOff,
            grading: false,
            prelock: true,
            extensions: true,
            boottime: false,
        }
    }
}

/// A word of the command line that had no effect. Prints as one line without
/// its end, in ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complaint<'a> {
    /// No argument has this name.
    Unknown(&'a [u8]),
    /// The argument exists, but not with this value.
    BadValue(&'a [u8]),
}

impl core::fmt::Display for Complaint<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Complaint::Unknown(word) => {
                write!(f, "unknown kernel argument: {}", word.escape_ascii())
            }
            Complaint::BadValue(word) => {
                write!(f, "bad value in kernel argument: {}", word.escape_ascii())
            }
        }
    }
}

impl BootOptions {
    /// Parses space-separated `key=value` words; of a repeated key the last
    /// good value counts. The first word is skipped if it looks like the
    /// kernel's path: it contains a `/`, or no `=` and is not an argument by
    /// itself. Words without effect go to `complain`.
    pub fn parse(line: &[u8], mut complain: impl FnMut(Complaint<'_>)) -> BootOptions {
        let mut words = line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
            .peekable();
        words.next_if(|word| word.contains(&b'/') || !word.contains(&b'=') && *word != GRADING);
        let mut options = BootOptions::default();
        for word in words.clone() {
            // What is wrong with a word is said below.
            let _ = options.set(word);
        }
        // `grading` changes defaults, wherever on the line it stands.
        options = if options.grading {
            BootOptions::for_graders()
        } else {
            BootOptions::default()
        };
        for word in words {
            if let Err(complaint) = options.set(word) {
                complain(complaint);
            }
        }
        options
    }

    /// The defaults that `grading` brings.
    fn for_graders() -> BootOptions {
        BootOptions {
            lifecycle: true,
            end: End::Monitor,
            ..BootOptions::default()
        }
    }

    /// Applies one word, or says why it has no effect.
    fn set<'a>(&mut self, word: &'a [u8]) -> Result<(), Complaint<'a>> {
        let mut halves = word.splitn(2, |byte| *byte == b'=');
        let key = halves.next().unwrap_or_default();
        let value = match halves.next() {
            Some(value) => value,
            None if key == GRADING => b"on",
            None => return Err(Complaint::Unknown(word)),
        };
        let done = match key {
            b"lifecycle" => assign(&mut self.lifecycle, switch(value)),
            b"quantum" => assign(&mut self.quantum_us, quantum(value)),
            b"sched" => assign(&mut self.sched, Policy::from_name(value)),
            b"record" => assign(&mut self.record, switch(value)),
            b"trace" => assign(&mut self.trace, switch(value)),
            b"end" => assign(&mut self.end, end(value)),
            GRADING => assign(&mut self.grading, switch(value)),
            b"prelock" => assign(&mut self.prelock, switch(value)),
            b"extensions" => assign(&mut self.extensions, switch(value)),
            b"boottime" => assign(&mut self.boottime, switch(value)),
            _ => return Err(Complaint::Unknown(word)),
        };
        done.ok_or(Complaint::BadValue(word))
    }
}

fn assign<T>(field: &mut T, value: Option<T>) -> Option<()> {
    *field = value?;
    Some(())
}

fn switch(value: &[u8]) -> Option<bool> {
    match value {
        b"on" => Some(true),
        b"off" => Some(false),
        _ => None,
    }
}

fn end(value: &[u8]) -> Option<End> {
    match value {
        b"poweroff" => Some(End::PowerOff),
        b"monitor" => Some(End::Monitor),
        _ => None,
    }
}

fn quantum(value: &[u8]) -> Option<u32> {
    let text = core::str::from_utf8(value).ok()?;
    // `u32::from_str` also takes a leading `+`; digits alone are meant.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None }?;
    (MIN_QUANTUM_US..=MAX_QUANTUM_US)
        .contains(&number)
        .then_some(number)
}
