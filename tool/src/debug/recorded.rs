//! A record of a simulated run, opened to be stepped through.
//!
//! The record says what was asked for and what was typed when, and that decides the
//! run. The hard thing is to be sure: another core, another interpreter or another
//! program would make another run, and nobody would see it. So before anybody stands in
//! it, the run is made once, and its record must be the one in the file.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pc::boot::Setup;
use pc::ide::Ide;
use pc::typing::Typing;
use pc::{Config, Pc};
use sim::machine::{Machine, Store};
use sim::reader::{Asked, ReadError, Reader, Record};
use witness::record::{bare, tag};

use crate::programs;
use crate::qemu::log_memory;
use crate::regular_file::refusal;
use crate::simulated::digests;
use crate::workspace::Workspace;

/// Positions between two looks at what the run has logged.
const STRETCH: u64 = 50_000;

/// A record of a simulated run.
pub struct Recorded {
    path: PathBuf,
    asked: Asked,
    typing: Typing,
    /// The log, up to its end or to where it was cut off.
    log: Vec<u8>,
}

/// Whether a word names a record, and none of our programs.
pub fn is_one(workspace: &Workspace, word: &Path) -> anyhow::Result<bool> {
    if !log_memory::is_record(word) {
        return Ok(false);
    }
    let ours = programs::names(&workspace.program_sources())?;
    Ok(!ours.iter().any(|name| Path::new(name) == word))
}

/// Reads one, whole.
pub fn read(path: &Path) -> anyhow::Result<Recorded> {
    let log = log_memory::read_record(path)?;
    let unreadable =
        |error: ReadError, at: usize| refusal(path, format_args!("damaged: at byte {at}, {error}"));
    let mut reader = Reader::new(&log).map_err(|error| unreadable(error, 0))?;
    let (mut asked, mut typed) = (None, Vec::new());
    let end = loop {
        let at = reader.offset();
        match reader.record() {
            Some(Ok(Record::Asked(found))) => asked = Some(found),
            Some(Ok(Record::Typed(position, bytes))) => typed.push((position, bytes)),
            Some(Ok(Record::End)) => break reader.offset(),
            Some(Ok(_)) => {}
            None | Some(Err(ReadError::Truncated)) if reader.is_cut() => {
                break log.len() - bare(tag::CUT).len();
            }
            None => return Err(unreadable(ReadError::Truncated, at)),
            Some(Err(error)) => return Err(unreadable(error, at)),
        }
    };
    let asked = asked.ok_or_else(|| refusal(path, NOT_SIMULATED))?;
    let typing = Typing::new(typed).ok_or_else(|| unreadable(ReadError::Value, end))?;
    Ok(Recorded {
        path: path.to_owned(),
        asked,
        typing,
        log: log[..end].to_vec(),
    })
}

/// Why a record cannot be opened that `replay` can.
const NOT_SIMULATED: &str = "not of a simulated run: it has what the kernel was told, for \
     `jostle replay`, but not the instructions of the programs";

impl Recorded {
    /// The command line in it.
    pub fn words(&self) -> Vec<OsString> {
        let words = self.asked.words.iter().cloned();
        words.map(OsString::from_vec).collect()
    }

    /// What was typed.
    pub fn typing(&self) -> Typing {
        self.typing.clone()
    }

    /// Says whether these are the files that were recorded.
    pub fn check_files(&self, setup: &Setup, disk: Option<Arc<[u8]>>) -> anyhow::Result<()> {
        let modules = setup.modules.len();
        let found = digests(setup, disk);
        let mut pairs = found.iter().zip(&self.asked.files);
        let what = match pairs.position(|(found, recorded)| found != recorded) {
            None if found.len() == self.asked.files.len() => return Ok(()),
            Some(number) if number < modules => {
                let string = &setup.modules[number].string;
                let file = string.split(|&byte| byte == b' ').next();
                format!("{} is", String::from_utf8_lossy(file.unwrap_or_default()))
            }
            Some(_) => "the disk is".to_owned(),
            None => "the files are".to_owned(),
        };
        Err(refusal(
            &self.path,
            format_args!("{what} not what was recorded, so that run cannot be made again"),
        ))
    }

    /// Makes the run, and refuses it if its record is not this one. Returns whether that
    /// was known before somebody `is_late`.
    pub fn check_run(
        &self,
        setup: &Setup,
        config: Config,
        disk: Option<Arc<[u8]>>,
        is_late: &dyn Fn() -> bool,
    ) -> anyhow::Result<bool> {
        let mut store = Store::new(&setup.spec());
        let mut machine = Machine::new(&mut store, setup.spec());
        let words: Vec<&[u8]> = self.asked.words.iter().map(Vec::as_slice).collect();
        machine.keep_log().asked(&words, &self.asked.files);
        setup.boot(&mut machine);
        let mut pc = Pc::new(machine, config);
        pc.disk = disk.map(Ide::new);
        pc.repeat_typing(self.typing());
        let mut rest = &self.log[..];
        while !is_late() {
            let moved = pc.advance(STRETCH);
            pc.take_output();
            let made = logged(&mut pc);
            let mut pairs = made.iter().zip(rest);
            let same = pairs.position(|(made, recorded)| made != recorded);
            let same = same.unwrap_or(made.len().min(rest.len()));
            rest = &rest[same..];
            if rest.is_empty() {
                return Ok(true);
            }
            if same < made.len() || moved == 0 || pc.has_ended() {
                let at = self.log.len() - rest.len();
                let why = format_args!(
                    "another run from byte {at} on: what recorded it is not this tool's kernel \
                     and machine"
                );
                return Err(refusal(&self.path, why));
            }
        }
        Ok(false)
    }
}

/// What the run has logged since the last time; with its end, when that has come.
fn logged(pc: &mut Pc<'_>) -> Vec<u8> {
    let ended = pc.has_ended();
    let Some(log) = &mut pc.machine.log else {
        return Vec::new();
    };
    if ended {
        log.end(&pc.machine.kernel);
    }
    log.take()
}
