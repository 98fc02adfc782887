//! A run as the words that ask for it again: on the simulated machine, from any folder.
//!
//! Schedules and records hold them. The hard thing is to forget none: an option that is
//! left out makes another run of it, and nobody would be told. So the options are taken
//! apart by name, and one that is new does not compile before somebody has decided.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use super::{PaceKind, Run};
use crate::server::Server;

impl Run {
    /// The words that ask for the same programs on the same simulated machine, with the
    /// paths of files made absolute. The error says which path cannot be.
    pub fn words_anywhere(&self) -> io::Result<Vec<OsString>> {
        let run = self.clone().with_files(|path| std::path::absolute(path))?;
        Ok(run.words_here())
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

    fn words_here(self) -> Vec<OsString> {
        let Run {
            program,
            args,
            with,
            disk,
            snapshot,
            seed,
            pace,
            store_buffers,
            cpus,
            mem,
            append,
            personality,
            // The simulated machine is meant anyway, and it has none of these.
            machine: _,
            nic: _,
            gdb_port: _,
            stopped: _,
            icount: _,
            monitor: _,
            // These change nothing in the machine.
            timeout: _,
            audit: _,
            record: _,
            trace: _,
            explain: _,
            verbose: _,
        } = self;
        let mut words: Vec<OsString> = vec![
            format!("--cpus={cpus}").into(),
            format!("--mem={mem}").into(),
            format!("--append={append}").into(),
        ];
        words.extend(seed.map(|seed| format!("--seed={seed}").into()));
        words.extend(pace.map(|pace| format!("--pace={}", pace.name()).into()));
        if store_buffers {
            words.push("--store-buffers".into());
        }
        words.extend(personality.map(|lab| format!("--personality={}", lab.name()).into()));
        for Server { kind, program } in &with {
            words.push(joined(&format!("--with=type={}:", kind.word()), program));
        }
        words.extend(disk.map(|disk| joined("--disk=", disk.as_os_str())));
        if snapshot {
            words.push("--snapshot".into());
        }
        words.push("--".into());
        words.extend(program);
        words.extend(args);
        words
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

fn joined(option: &str, value: &OsStr) -> OsString {
    let mut word = OsString::from(option);
    word.push(value);
    word
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
