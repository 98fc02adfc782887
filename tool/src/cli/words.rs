//! A run as the words that ask for it again: for records, on the simulated machine, from
//! any folder; and one by one, for lines that people type ([`super::repeat`]).
//!
//! The hard thing is to forget none: an option that is left out makes another run of it,
//! and nobody would be told. So the options are taken apart by name, and one that is new
//! does not compile before somebody has decided.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use super::{MachineKind, PaceKind, Run};
use crate::quoting::shell_word;
use crate::server::Server;

/// An option as it was given, or would be if it is a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub name: &'static str,
    value: Option<OsString>,
}

impl Run {
    /// The words that ask for the same programs on the same simulated machine, with the
    /// paths of files made absolute. The error says which path cannot be.
    pub fn words_anywhere(&self) -> io::Result<Vec<OsString>> {
        let run = self.clone().with_files(|path| std::path::absolute(path))?;
        let (options, programs) = run.taken_apart();
        let kept = options
            .iter()
            .filter(|option| !option.is_left_out_of_records());
        let mut words: Vec<OsString> = kept.map(Given::joined).collect();
        words.push("--".into());
        words.extend(programs);
        Ok(words)
    }

    /// As [`Run::words_anywhere`]; none if one of them is not a line of text.
    pub fn words(&self) -> Option<Vec<String>> {
        let line = |word: OsString| word.into_string().ok().filter(|word| !word.contains('\n'));
        let words = self.words_anywhere().ok()?;
        words.into_iter().map(line).collect()
    }

    /// The same run with other paths in the place of those that it reads: programs,
    /// servers, the disk.
    pub fn with_files<E>(
        mut self,
        mut other: impl FnMut(&Path) -> Result<PathBuf, E>,
    ) -> Result<Run, E> {
        let mut program = |word: &mut OsString| {
            if is_path(word) {
                *word = other(Path::new(word))?.into_os_string();
            }
            Ok(())
        };
        let mut begins = self.program.is_none();
        if let Some(word) = &mut self.program {
            program(word)?;
        }
        for word in &mut self.args {
            if begins {
                program(word)?;
            }
            begins = word == "+";
        }
        for server in &mut self.with {
            program(&mut server.program)?;
        }
        if let Some(disk) = &mut self.disk {
            *disk = other(disk)?;
        }
        Ok(self)
    }

    /// The options, and the words behind them.
    pub(super) fn taken_apart(self) -> (Vec<Given>, Vec<OsString>) {
        let Run {
            program,
            args,
            with,
            disk,
            snapshot,
            nic,
            machine,
            seed,
            pace,
            store_buffers,
            audit,
            cpus,
            mem,
            icount,
            append,
            personality,
            monitor,
            // Somebody else debugs.
            gdb_port: _,
            stopped: _,
            // What is kept and said of it makes no other run.
            timeout: _,
            record: _,
            trace: _,
            explain: _,
            verbose: _,
        } = self;
        let mut options = vec![
            Given::new("cpus", cpus.to_string()),
            Given::new("mem", mem.to_string()),
            Given::new("append", append),
        ];
        options.extend(seed.map(|seed| Given::new("seed", seed.to_string())));
        options.extend(pace.map(|pace| Given::new("pace", pace.name())));
        options.extend(Given::flag("store-buffers", store_buffers));
        options.extend(personality.map(|lab| Given::new("personality", lab.name())));
        for Server { kind, program } in &with {
            let mut value = OsString::from(format!("type={}:", kind.word()));
            value.push(program);
            options.push(Given::new("with", value));
        }
        options.extend(disk.map(|disk| Given::new("disk", disk)));
        options.extend(Given::flag("snapshot", snapshot));
        options.extend(machine.map(|machine| Given::new("machine", machine.name())));
        options.extend(nic.map(|nic| Given::new("nic", nic.to_string())));
        options.extend(Given::flag("audit", audit));
        options.extend(Given::flag("icount", icount));
        options.extend(Given::flag("monitor", monitor));
        (options, program.into_iter().chain(args).collect())
    }
}

impl Given {
    fn new(name: &'static str, value: impl Into<OsString>) -> Given {
        let value = Some(value.into());
        Given { name, value }
    }

    fn flag(name: &'static str, given: bool) -> Option<Given> {
        given.then_some(Given { name, value: None })
    }

    /// In one word, whatever is in it.
    fn joined(&self) -> OsString {
        let mut word = OsString::from(format!("--{}", self.name));
        if let Some(value) = &self.value {
            word.push("=");
            word.push(value);
        }
        word
    }

    /// As somebody would type it: in two words, if the second does not look like an option.
    pub fn shown(&self) -> Vec<String> {
        match &self.value {
            Some(value) if !value.as_encoded_bytes().starts_with(b"-") => {
                vec![format!("--{}", self.name), shell_word(value)]
            }
            _ => vec![shell_word(&self.joined())],
        }
    }

    /// Records are of the simulated machine anyway, which has none of the others. And to
    /// be audited changes nothing in it.
    fn is_left_out_of_records(&self) -> bool {
        ["machine", "nic", "audit", "icount", "monitor"].contains(&self.name)
    }
}

impl MachineKind {
    /// As the command line has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Sim => "sim",
        }
    }
}

impl PaceKind {
    /// As the command line has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fair => "fair",
            Self::Hostile => "hostile",
        }
    }
}

/// Whether a program is a file, and not one of ours.
fn is_path(program: &OsStr) -> bool {
    program.as_encoded_bytes().contains(&b'/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::run_options;

    /// Every option that decides a run.
    const ALL: [&str; 24] = [
        "--with=type=fs:./fs",
        "--with=type=ns:hello",
        "--disk=d/i s k",
        "--snapshot",
        "--seed=7",
        "--pace=hostile",
        "--store-buffers",
        "--cpus=3",
        "--mem=99",
        "--append=-odd quantum=5",
        "--personality=lab5",
        "--",
        "./a",
        "-x",
        "./argument",
        "",
        "a\nb",
        "+",
        "hello",
        "++",
        "./argument",
        "+",
        "../b/c",
        "--cpus",
    ];

    fn shown(run: &Run) -> String {
        format!("{run:?}")
    }

    #[test]
    fn words_ask_for_the_same_run() {
        let run = run_options(ALL).expect("valid");
        let words = run.words_anywhere().expect("a folder");
        let again = run_options(words.clone()).expect("valid");
        let here = std::env::current_dir().expect("a folder");
        let absolute = |path: &Path| Ok::<_, io::Error>(here.join(path));
        // Whatever differs is a path.
        let wanted = run.clone().with_files(absolute).expect("joined");
        let same = |run: &Run| shown(run).replace("/./", "/");
        assert_eq!(same(&again), same(&wanted));
        assert_ne!(shown(&again), shown(&run));
        for word in ["hello", "./argument", "++", "--with=type=ns:hello"] {
            assert!(words.contains(&word.into()), "{word}");
        }
        assert_eq!(run.words(), None, "a word has two lines");
        assert_eq!(again.words_anywhere().expect("absolute"), words);
    }

    #[test]
    fn each_option_makes_other_words() {
        let bare = run_options(["hello"]).expect("valid").words();
        for options in [
            &["--with=type=fs:hello"][..],
            &["--disk=d"],
            &["--seed=0"],
            &["--pace=fair"],
            &["--store-buffers"],
            &["--cpus=2"],
            &["--mem=16"],
            &["--append=quantum=5"],
            &["--personality=lab4"],
        ] {
            let words = [options, &["hello"]].concat();
            let words = run_options(words).expect("valid").words();
            assert!(words.is_some() && words != bare, "{options:?}");
        }
    }

    #[test]
    fn the_prompt_has_no_name() {
        let words = run_options(["--cpus=1"]).expect("valid").words();
        let words = words.expect("text");
        assert_eq!(words.last().map(String::as_str), Some("--"));
        assert_eq!(run_options(words).expect("valid").program, None);
    }
}
