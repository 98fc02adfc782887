//! What is booted, from the words of a link.
//!
//! A link is typed, shortened and passed on by people, so every word of it may be
//! wrong, and each is answered in a sentence. The hard thing is a program's file: it
//! was dropped by somebody, and may be anything.

use abi::Personality;
use admit::{arguments, elf_check};
use firmware::options::BootOptions;
use kcore::CpuId;
use pc::boot::{Module, Setup};
use pc::plan::{Choice, Chosen, Plan};
use pc::{Config, Pace, Pc};
use shell::words::{Token, split};
use sim::machine::{Machine, Store};

/// Memory of the page's machine, in MiB: all of it is there from the start, in each tab.
pub const MEMORY_MIB: u32 = 24;
/// The largest file that is taken, in bytes.
const LARGEST: usize = 8 << 20;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The program's name.
    pub program: String,
    /// Its arguments, as one types them.
    pub arguments: String,
    /// How many CPUs.
    pub cpus: u8,
    /// Seed, pace, store buffers.
    pub config: Config,
    /// A schedule in the place of a pace, by the number of the decision.
    pub choices: Option<Vec<(u64, Choice)>>,
    /// The edition that the program was built for, if its file does not tell.
    pub personality: Option<Personality>,
}

impl Default for Request {
    fn default() -> Request {
        Request {
            program: "program".into(),
            arguments: String::new(),
            cpus: 2,
            config: Config::default(),
            choices: None,
            personality: None,
        }
    }
}

impl Request {
    /// Reads lines of `name=value`. Names that it does not know are the page's.
    ///
    /// # Errors
    /// Says what is wrong with a value.
    pub fn parse(text: &str) -> Result<Request, String> {
        let mut request = Request::default();
        for line in text.lines() {
            let Some((name, value)) = line.split_once('=') else {
                continue;
            };
            request.set(name, value)?;
        }
        Ok(request)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let config = &mut self.config;
        match name {
            "program" => self.program = value.into(),
            "args" => self.arguments = value.into(),
            "cpus" => {
                let cpus = value.parse().ok().filter(|cpus| (1..=8).contains(cpus));
                self.cpus = cpus.ok_or(format!("{value:?} CPUs: there can be 1 to 8"))?;
            }
            "seed" => {
                config.seed = value.parse().map_err(|_| {
                    format!(
                        "the seed {value:?} is not a whole number from 0 to {}",
                        u64::MAX
                    )
                })?;
            }
            "pace" => {
                config.pace = match value {
                    "fair" => Pace::Fair,
                    "hostile" => Pace::Hostile,
                    _ => return Err(format!("no pace {value:?}: there are fair and hostile")),
                };
            }
            "buffers" => config.store_buffers = value == "1",
            "choices" => self.choices = Some(choices(value)?),
            "personality" if !value.is_empty() => {
                let known = Personality::from_name(value);
                self.personality = Some(known.ok_or(format!("no edition {value:?}"))?);
            }
            _ => {}
        }
        Ok(())
    }

    /// Who moves next.
    pub fn plan(&self) -> Plan {
        match &self.choices {
            Some(choices) => Plan::Chosen(Chosen::new(choices)),
            None => self.config.plan(),
        }
    }

    /// What is booted: a program's file, and perhaps an archive for it.
    ///
    /// # Errors
    /// Says why the file cannot be run.
    pub fn setup(&self, file: Vec<u8>, archive: Vec<u8>) -> Result<Setup, String> {
        let name = &self.program;
        if file.len() > LARGEST {
            let size = file.len() >> 20;
            return Err(format!(
                "{name}: {size} MiB; this page takes at most {} MiB",
                LARGEST >> 20
            ));
        }
        let edition = elf_check::check(&file, MEMORY_MIB);
        let edition = edition.map_err(|error| format!("{name}: {error}"))?;
        let personality = self.personality.unwrap_or(edition.personality()).name();
        let mut string = format!(
            "{} @personality={personality}",
            arguments::encode(name.as_bytes())
        );
        string.push_str(&self.words()?);
        let has_archive = !archive.is_empty();
        let mut modules = vec![Module {
            string: string.into(),
            file,
        }];
        if has_archive {
            modules.push(Module {
                string: b"archive.tar @archive".to_vec(),
                file: archive,
            });
        }
        Ok(Setup {
            cpus: self.cpus,
            memory_mib: MEMORY_MIB,
            options: BootOptions {
                lifecycle: !has_archive,
                ..BootOptions::default()
            },
            modules,
            trace: true,
            timers_by_plan: self.choices.is_some(),
        })
    }

    /// The machine with its programs, before its first step. It stays for as long as the
    /// process does.
    ///
    /// # Errors
    /// Says why a program cannot be loaded.
    pub fn boot(&self, setup: &Setup) -> Result<Pc<'static>, String> {
        let spec = setup.spec();
        let store = Box::leak(Box::new(Store::new(&spec)));
        let mut machine = Machine::new(store, spec);
        if let Some(complaint) = setup.boot(&mut machine).pop() {
            return Err(complaint);
        }
        machine.take_trace();
        let store_buffers = self.config.store_buffers;
        Ok(Pc::with_plan(machine, self.plan(), store_buffers))
    }

    /// The arguments as the kernel takes them, with a space before each.
    fn words(&self) -> Result<String, String> {
        let tokens = split(&self.arguments);
        let tokens = tokens.map_err(|quote| format!("the quote {} is not closed", quote.0))?;
        let words = tokens.into_iter().map(|token| match token {
            Token::Word(word) => word,
            Token::Ampersand => "&".into(),
        });
        let words: Vec<String> = words.collect();
        arguments::line(&words).map_err(|error| error.to_string())
    }
}

/// Reads a schedule: `5s1,9r0,12d1` is, at decision 5, a switch to CPU 1; at 9 the timer
/// of CPU 0; at 12 the oldest store of CPU 1.
fn choices(text: &str) -> Result<Vec<(u64, Choice)>, String> {
    let wrong = |word: &str| format!("{word:?} is no choice, as 5s1, 9r0 and 12d1 are");
    let choice = |word: &str| {
        let kind = word.find(|char: char| !char.is_ascii_digit())?;
        let (number, rest) = word.split_at(kind);
        let cpu = CpuId(rest.get(1..)?.parse().ok()?);
        let choice = match &rest[..1] {
            "s" => Choice::Switch(cpu),
            "r" => Choice::Ring(cpu),
            "d" => Choice::Drain(cpu),
            _ => return None,
        };
        Some((number.parse().ok()?, choice))
    };
    let words = text.split(',').filter(|word| !word.is_empty());
    let read = words.map(|word| choice(word).ok_or_else(|| wrong(word)));
    let mut choices = read.collect::<Result<Vec<_>, String>>()?;
    choices.sort_by_key(|(number, _)| *number);
    Ok(choices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read() {
        let text = "program=a\nargs=1 'b c'\ncpus=8\nseed=18446744073709551615\npace=hostile\nbuffers=1\nat=7\n";
        let request = Request::parse(text).expect("right");
        assert_eq!((request.cpus, request.config.seed), (8, u64::MAX));
        assert_eq!(request.config.pace, Pace::Hostile);
        assert!(request.config.store_buffers);
        assert_eq!(request.words(), Ok(" 1 b%20c".into()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("cpus=0", "1 to 8"),
            ("cpus=9", "1 to 8"),
            ("cpus=x", "1 to 8"),
            ("seed=-1", "whole number"),
            ("seed=", "whole number"),
            ("pace=mad", "fair and hostile"),
            ("personality=lab9", "lab9"),
            ("choices=5x1", "5x1"),
            ("choices=é", "é"),
            ("choices=5s", "5s"),
        ] {
            let error = Request::parse(text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
        for (arguments, part) in [
            ("'a", "not closed"),
            ("''", "empty"),
            (&"x ".repeat(2000), "12000 bytes"),
        ] {
            let request = Request {
                arguments: arguments.into(),
                ..Request::default()
            };
            let error = request.words().expect_err(part);
            assert!(error.contains(part), "{arguments}: {error}");
        }
    }

    #[test]
    fn a_file_that_is_no_program_is_refused_in_words() {
        let refused = |file: &[u8]| {
            let setup = Request::default().setup(file.to_vec(), Vec::new());
            setup.expect_err("refused")
        };
        assert_eq!(refused(b"hello"), "program: not an ELF file");
        assert_eq!(refused(b""), "program: not an ELF file");
        assert!(refused(b"\x7fELF\x02\x01\x01").contains("ends within its header"));
        assert!(refused(&vec![0; LARGEST + 1]).contains("at most 8 MiB"));
    }

    #[test]
    fn a_schedule_is_read() {
        let one = CpuId(1);
        let expected = vec![
            (5, Choice::Switch(one)),
            (9, Choice::Ring(one)),
            (12, Choice::Drain(one)),
        ];
        assert_eq!(choices("9r1,5s1,,12d1"), Ok(expected));
        assert_eq!(choices(""), Ok(Vec::new()));
    }
}
