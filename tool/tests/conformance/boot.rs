//! One boot, and how to say what went wrong with it.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::OnceLock;

use jostle::boot::capture::{Captured, capture_on};
use jostle::cli::run_options;
use jostle::expect::Expect;
use jostle::host::Host;
use jostle::qemu::conversation::Turn;
use jostle::qemu::machine::Machine;
use jostle::qemu::verdict::Verdict;
use jostle::quoting::shell_word;
use jostle::workspace::Workspace;
use libtest_mimic::Failed;

/// How much of the console a failure shows.
const SHOWN_LINES: usize = 40;

/// What the kernel's monitor asks with.
const PROMPT: &str = "K> ";

/// A run that is over.
pub struct Boot {
    words: Vec<String>,
    captured: Captured,
    good_end: Verdict,
}

/// A machine to run on, looked at once.
type Looked = OnceLock<Result<Host, String>>;

/// The machine we run on.
pub fn host() -> Result<&'static Host, String> {
    static HOST: Looked = OnceLock::new();
    look(&HOST, Host::find)
}

/// The same for what needs no QEMU, which is not looked for.
pub fn host_of_simulations() -> Result<&'static Host, String> {
    static HOST: Looked = OnceLock::new();
    look(&HOST, Host::without_emulator)
}

fn look(
    host: &'static Looked,
    find: fn() -> anyhow::Result<Host>,
) -> Result<&'static Host, String> {
    let find = || match find() {
        Ok(host) => Ok(host.with_tool(env!("CARGO_BIN_EXE_jostle").into())),
        Err(error) => Err(format!("{error:#}")),
    };
    host.get_or_init(find).as_ref().map_err(Clone::clone)
}

/// A folder for what cases write, in the folder of built things.
pub fn folder(name: &str) -> Result<PathBuf, Failed> {
    let folder = Workspace::locate().target().join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

impl Boot {
    /// `jostle run` with these words.
    pub fn new(words: &[&str]) -> Result<Self, String> {
        Self::on(words, |_| ())
    }

    /// The same on a machine to which something is done first.
    pub fn on(words: &[&str], change: impl FnOnce(&mut Machine)) -> Result<Self, String> {
        Self::run(words, None, Vec::new(), Verdict::Clean, change)
    }

    /// `jostle run` with these words and these turns as input: what to wait for,
    /// and what to say then.
    pub fn with_input(words: &[&str], turns: &[(&str, &[u8])]) -> Result<Self, String> {
        Self::input_on(words, turns, |_| ())
    }

    /// The same on a machine to which something is done first.
    pub fn input_on(
        words: &[&str],
        turns: &[(&str, &[u8])],
        change: impl FnOnce(&mut Machine),
    ) -> Result<Self, String> {
        let turn = |&(text, bytes): &(&str, &[u8])| (text.to_owned(), bytes.to_owned());
        let turns = turns.iter().map(turn).collect();
        Self::run(words, None, turns, Verdict::Clean, change)
    }

    /// `jostle run` with these words, stopped when the kernel's monitor asks for
    /// a command; an end there is a good one.
    pub fn to_the_prompt(words: &[&str]) -> Result<Self, String> {
        let good_end = Verdict::OutputClosed;
        Self::run(words, Some(PROMPT), Vec::new(), good_end, |_| ())
    }

    fn run(
        words: &[&str],
        prompt: Option<&'static str>,
        turns: Vec<Turn>,
        good_end: Verdict,
        change: impl FnOnce(&mut Machine),
    ) -> Result<Self, String> {
        let options = run_options(words).map_err(|error| error.to_string())?;
        let host = match options.simulation() {
            Some(_) => host_of_simulations()?,
            None => host()?,
        };
        let captured = capture_on(host, &options, prompt, turns, change)
            .map_err(|error| format!("{error:#}"))?;
        Ok(Self {
            words: words.iter().map(|&word| word.to_owned()).collect(),
            captured,
            good_end,
        })
    }

    /// The console, byte for byte.
    pub fn bytes(&self) -> &[u8] {
        &self.captured.console
    }

    /// The console as text; bytes that are none are replaced.
    pub fn console(&self) -> String {
        String::from_utf8_lossy(&self.captured.console).into_owned()
    }

    /// What the machine itself had to say.
    pub fn messages(&self) -> &str {
        &self.captured.emulator_messages
    }

    /// Remarks on its logs.
    pub fn remarks(&self) -> &[String] {
        &self.captured.remarks
    }

    /// How it ended.
    pub fn verdict(&self) -> &Verdict {
        &self.captured.verdict
    }

    /// What is wrong with a boot that should have ended well and shown this.
    pub fn complaints(&self, expect: &Expect) -> Vec<String> {
        let mut complaints = expect.complaints(&self.console());
        if *self.verdict() != self.good_end {
            complaints.insert(0, format!("ended with {:?}", self.verdict()));
        }
        complaints
    }

    /// Success, or everything about the boot if there are complaints.
    pub fn judge(&self, complaints: &[String]) -> Result<(), Failed> {
        if complaints.is_empty() {
            Ok(())
        } else {
            Err(self.failure(complaints).into())
        }
    }

    /// Complaints, the end of the console, and how to see it again.
    pub fn failure(&self, complaints: &[String]) -> String {
        let console = self.console();
        let lines: Vec<&str> = console.lines().collect();
        let shown = lines.len().saturating_sub(SHOWN_LINES);
        let words: Vec<String> = self
            .words
            .iter()
            .map(|word| shell_word(OsStr::new(word)))
            .collect();
        format!(
            "{}\n--- console, {} of {} lines ---\n{}\n--- QEMU said ---\n{}\
             --- to repeat it ---\n./jostle run {}\n{}\n",
            complaints.join("\n"),
            lines.len() - shown,
            lines.len(),
            lines[shown..].join("\n"),
            self.captured.emulator_messages,
            words.join(" "),
            self.captured.command,
        )
    }
}
