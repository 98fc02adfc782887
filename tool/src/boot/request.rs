//! What a command was asked to boot, once it is known that it can be.
//!
//! Whatever is wrong with a request is found here, before anything is built
//! or started; programs of ours are known by name only until they are built.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use abi::Personality;
use firmware::options::BootOptions;

use super::line::{self, Asked};
use crate::build::archive;
use crate::build::guest::Guest;
use crate::build::source::Source;
use crate::cli::Run;
use crate::elf_check;
use crate::personality::Edition;
use crate::plants;
use crate::programs;
use crate::qemu::module_line::{self, Module};
use crate::regular_file::{self, Identity, identity, refusal};
use crate::server::ServerKind;
use crate::status::usage;
use crate::workspace::Workspace;

/// The smallest unit of a disk, in bytes.
const SECTOR: u64 = 512;
/// The largest disk that 28-bit sector numbers reach, in bytes.
const LARGEST_DISK: u64 = SECTOR << 28;

/// A request that can be met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// In the order of their environments.
    entries: Vec<Entry>,
    /// The disk, checked.
    pub disk: Option<PathBuf>,
}

/// One environment to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    program: Program,
    /// As the module line has them.
    arguments: String,
    kind: Option<ServerKind>,
}

/// A program that was found and may be booted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Program {
    /// The one that runs ours, with all of them.
    Prompt,
    /// One of ours, by name.
    Ours(String),
    /// A file from the host and the edition it was built for.
    Host(PathBuf, Edition),
    /// Sources on the host.
    Source(Source),
}

/// Checks everything about the request that can be wrong.
pub fn check(workspace: &Workspace, options: &Run) -> anyhow::Result<Request> {
    check_append(&options.append)?;
    let servers = options.with.iter().map(|server| {
        let asked = Asked {
            program: server.program.clone(),
            args: Vec::new(),
        };
        (Some(server.kind), asked)
    });
    let programs = asked(options)?.into_iter().map(|asked| (None, asked));
    let entries = servers
        .chain(programs)
        .map(|(kind, asked)| {
            Ok(Entry {
                program: find(workspace, &asked.program, options.mem)?,
                arguments: module_line::arguments(&asked.args)?,
                kind,
            })
        })
        .collect::<anyhow::Result<Vec<Entry>>>()?;
    let prompts = || entries.iter().filter(|entry| entry.is_prompt());
    if prompts().count() > 1 {
        return Err(usage("there can be only one prompt"));
    }
    if prompts().any(|entry| !entry.arguments.is_empty()) {
        return Err(usage("the prompt takes no arguments"));
    }
    // The prompt has an archive, which is a module too.
    if entries.len() + prompts().count() > module_line::MAX_MODULES {
        return Err(usage(format_args!(
            "{} programs; the kernel starts at most {}",
            entries.len(),
            module_line::MAX_MODULES
        )));
    }
    if let Some(disk) = &options.disk {
        check_disk(disk, options.snapshot)?;
    }
    Ok(Request {
        entries,
        disk: options.disk.clone(),
    })
}

/// The kernel's own parser must understand every word, but for one that another
/// kernel is booted for.
fn check_append(words: &str) -> anyhow::Result<()> {
    let mut first = None;
    let words = words.split_ascii_whitespace();
    let own: Vec<&str> = words.filter(|word| !plants::wakes(word)).collect();
    // The parser skips the kernel's path.
    let line = format!("/ {}", own.join(" "));
    BootOptions::parse(line.as_bytes(), |complaint| {
        first.get_or_insert_with(|| usage(complaint));
    });
    first.map_or(Ok(()), Err)
}

/// The programs that were named; the prompt, if nothing was.
fn asked(options: &Run) -> anyhow::Result<Vec<Asked>> {
    let words: Vec<OsString> = options
        .program
        .iter()
        .chain(&options.args)
        .cloned()
        .collect();
    if !words.is_empty() {
        return line::split(&words);
    }
    line::split(&[programs::PROMPT.into()])
}

fn find(workspace: &Workspace, program: &OsStr, memory_mib: u32) -> anyhow::Result<Program> {
    if program == programs::PROMPT {
        Ok(Program::Prompt)
    } else if program.as_encoded_bytes().contains(&b'/') {
        let path = PathBuf::from(program);
        if let Some(source) = Source::find(workspace, &path)? {
            return Ok(Program::Source(source));
        }
        let image = read_program(&path, memory_mib)?;
        let found = elf_check::check(&image, memory_mib)
            .map_err(|error| usage(format_args!("{}: {error}", path.display())))?;
        Ok(Program::Host(path, found))
    } else {
        find_ours(workspace, &program.to_string_lossy())
    }
}

/// A program of this tree: one in Rust, or else the C file of that name.
fn find_ours(workspace: &Workspace, name: &str) -> anyhow::Result<Program> {
    let known = programs::names(&workspace.program_sources())?;
    if !known.iter().any(|known| known == name) {
        let in_c = workspace.c_examples().join(format!("{name}.c"));
        if in_c.is_file()
            && let Some(source) = Source::find(workspace, &in_c)?
        {
            return Ok(Program::Source(source));
        }
    }
    programs::check_name(name, &known)?;
    Ok(Program::Ours(name.to_owned()))
}

fn read_program(path: &Path, memory_mib: u32) -> anyhow::Result<Vec<u8>> {
    let refuse = |why: &dyn std::fmt::Display| refusal(path, why);
    let metadata = regular_file::metadata(path)?;
    if metadata.len() >> 20 >= u64::from(memory_mib) {
        return Err(refuse(&"larger than the machine's memory (see --mem)"));
    }
    std::fs::read(path).map_err(|error| refuse(&error))
}

/// A disk is whole sectors, and the guest may write it, unless to a snapshot.
fn check_disk(path: &Path, snapshot: bool) -> anyhow::Result<()> {
    let refuse = |why: &dyn std::fmt::Display| refusal(path, why);
    let metadata = regular_file::metadata(path)?;
    let open = OpenOptions::new().read(true).write(!snapshot).open(path);
    let _: File = open.map_err(|error| refuse(&error))?;
    match metadata.len() {
        0 => Err(refuse(&"an empty file; a disk has at least one sector")),
        len if len % SECTOR != 0 => Err(refuse(&format_args!(
            "{len} bytes; a disk is whole sectors of {SECTOR}"
        ))),
        len if len > LARGEST_DISK => Err(refuse(&"larger than 128 GiB")),
        _ => Ok(()),
    }
}

impl Entry {
    fn is_prompt(&self) -> bool {
        self.program == Program::Prompt
    }
}

impl Request {
    /// Whether somebody will be asked what to run.
    pub fn has_prompt(&self) -> bool {
        self.entries.iter().any(Entry::is_prompt)
    }

    /// What has to be built before, each once.
    pub fn sources(&self) -> Vec<&Source> {
        let sources = self
            .entries
            .iter()
            .filter_map(|entry| match &entry.program {
                Program::Source(source) => Some(source),
                Program::Prompt | Program::Ours(_) | Program::Host(..) => None,
            });
        let mut once: Vec<&Source> = Vec::new();
        for source in sources {
            if !once.contains(&source) {
                once.push(source);
            }
        }
        once
    }

    /// The host's files that are booted or attached.
    pub fn inputs(&self) -> Vec<Identity> {
        let programs = self
            .entries
            .iter()
            .filter_map(|entry| match &entry.program {
                Program::Host(path, _) => Some(path),
                Program::Prompt | Program::Ours(_) | Program::Source(_) => None,
            });
        let metadata = programs
            .chain(&self.disk)
            .filter_map(|path| std::fs::metadata(path).ok());
        metadata.map(|metadata| identity(&metadata)).collect()
    }

    /// The boot modules. `personality` is for all programs, where it was given.
    pub fn modules(
        &self,
        workspace: &Workspace,
        guest: &Guest,
        personality: Option<Personality>,
    ) -> anyhow::Result<Vec<OsString>> {
        let module = |entry: &Entry| -> anyhow::Result<OsString> {
            let personality = match &entry.program {
                // It starts others, for which it needs a call that lab 4 lacks.
                Program::Prompt => Some(Personality::Lab6),
                // Both libraries find out which numbers they have.
                Program::Ours(_) | Program::Source(_) => personality,
                Program::Host(_, found) => personality.or(Some(found.personality())),
            };
            let module = Module {
                path: module_line::openable(workspace, &entry.program.file(guest))?,
                kind: entry.kind,
                personality,
                arguments: &entry.arguments,
            };
            Ok(module.line())
        };
        let mut lines = Vec::new();
        for entry in &self.entries {
            lines.push(module(entry)?);
            if entry.is_prompt() {
                let archive = module_line::openable(workspace, &archive::path(workspace))?;
                lines.push(module_line::archive(&archive));
            }
        }
        module_line::check_room(&lines)?;
        Ok(lines)
    }

    /// What had to be guessed, unless it was said.
    pub fn guesses(&self, personality: Option<Personality>) -> Vec<String> {
        let remark = |entry: &Entry| match &entry.program {
            Program::Host(path, edition @ Edition::Guessed(_)) if personality.is_none() => {
                Some(edition.remark(path))
            }
            _ => None,
        };
        let mut remarks: Vec<String> = self.entries.iter().filter_map(remark).collect();
        // Of one that runs several times, too, it is said once.
        remarks.dedup();
        remarks
    }

    /// The file of the program, if all environments begin with the same one.
    pub fn only_file(&self, guest: &Guest) -> Option<PathBuf> {
        let (first, others) = self.entries.split_first()?;
        others
            .iter()
            .all(|entry| entry.program == first.program)
            .then(|| first.program.file(guest))
    }
}

impl Program {
    fn file(&self, guest: &Guest) -> PathBuf {
        match self {
            Self::Prompt => guest.program(programs::PROMPT),
            Self::Ours(name) => guest.program(name),
            Self::Host(path, _) => path.clone(),
            Self::Source(source) => source.output.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::run_options as options;
    use crate::scratch::Scratch;

    fn refused(words: &[&str]) -> String {
        let options = options(words).expect("valid");
        let error = check(&Workspace::locate(), &options).expect_err("refused");
        assert_eq!(crate::status::of_error(&error), crate::status::USAGE);
        error.to_string()
    }

    /// The module lines, without the folders of our programs.
    fn lines(words: &[&str]) -> Vec<String> {
        let workspace = Workspace::locate();
        let options = options(words).expect("valid");
        let request = check(&workspace, &options).expect("can be met");
        let guest = Guest::in_folder(&workspace.root().join("out"));
        let modules = request.modules(&workspace, &guest, options.personality);
        let text = |line: OsString| line.into_string().expect("plain");
        modules.expect("fit").into_iter().map(text).collect()
    }

    #[test]
    fn files_are_checked_before_anything_is_built() {
        assert!(refused(&["./no-such-file"]).contains("No such file"));
        assert!(refused(&["/"]).contains("neither Cargo.toml nor C files"));
        assert!(refused(&["/dev/zero"]).contains("not a regular file"));
        let ourselves = std::env::current_exe().expect("a path");
        let ourselves = ourselves.to_str().expect("plain");
        assert!(refused(&[ourselves]).contains("64-bit"));
        // Each of several, and servers too.
        assert!(refused(&["hello", "+", "/dev/null"]).contains("not a regular file"));
        assert!(refused(&["hello", "--with", "type=fs:/dev/null"]).contains("not a regular file"));
        assert!(refused(&["hello", "--with", "type=fs:helo"]).contains("did you mean hello?"));
    }

    #[test]
    fn a_name_means_ours_in_rust_before_ours_in_c() {
        let program = |name: &str| {
            let options = options([name]).expect("valid");
            let request = check(&Workspace::locate(), &options).expect("can be met");
            request.entries[0].program.clone()
        };
        assert_eq!(program("hello"), Program::Ours("hello".into()));
        let Program::Source(source) = program("selftest") else {
            panic!("there is none in Rust");
        };
        assert_eq!(source.name, "selftest");
        assert!(refused(&["selftests"]).contains("no program"));
    }

    #[test]
    fn a_disk_is_whole_sectors() {
        assert!(refused(&["--disk", "./no-such-file"]).contains("No such file"));
        assert!(refused(&["--disk", "/dev/null"]).contains("not a regular file"));
        let scratch = Scratch::new("disk");
        let file = scratch.file("disk");
        let of_length = |length: u64| {
            let sparse = File::create(&file).expect("made");
            sparse.set_len(length).expect("sized");
            check_disk(&file, false).map_err(|error| error.to_string())
        };
        assert!(of_length(0).is_err_and(|error| error.contains("empty")));
        assert!(of_length(511).is_err_and(|error| error.contains("511 bytes")));
        assert_eq!(of_length(512), Ok(()));
        assert_eq!(of_length(LARGEST_DISK), Ok(()));
        assert!(of_length(LARGEST_DISK + 512).is_err_and(|error| error.contains("128 GiB")));
    }

    #[test]
    fn servers_come_first_and_each_program_has_its_own_words() {
        assert_eq!(
            lines(&["hello", "a b", "+", "yield", "--with", "type=fs:demo"]),
            ["out/demo @type=fs", "out/hello a%20b", "out/yield"]
        );
        assert_eq!(
            lines(&["hello", "+", "hello", "@x", "--personality", "lab5"]),
            [
                "out/hello @personality=lab5",
                "out/hello @personality=lab5 %40x"
            ]
        );
        assert_eq!(
            lines(&["yield", "--with", "type=ns:hello", "--with", "type=fs:demo"]),
            ["out/hello @type=ns", "out/demo @type=fs", "out/yield"]
        );
        let prompt = lines(&[]);
        let [server, others @ ..] = &lines(&["--with", "type=fs:demo"])[..] else {
            panic!("modules");
        };
        assert_eq!(
            (server.as_str(), others),
            ("out/demo @type=fs", &prompt[..])
        );
    }

    #[test]
    fn the_prompt_has_an_archive() {
        let [prompt, archive] = &lines(&[])[..] else {
            panic!("two modules");
        };
        assert_eq!(prompt, "out/prompt @personality=lab6");
        assert!(archive.ends_with("archive.tar @archive"), "{archive}");
        assert_eq!(lines(&["prompt", "--personality", "lab4"]), lines(&[]));
        assert_eq!(lines(&["hello", "+", "prompt"]).len(), 3);
        assert!(refused(&["prompt", "hello"]).contains("no arguments"));
        assert!(refused(&["prompt", "+", "prompt"]).contains("only one prompt"));
        assert!(refused(&["--with", "type=fs:prompt"]).contains("only one prompt"));
    }

    #[test]
    fn what_the_kernel_has_no_room_for_is_refused() {
        let many = |count: usize| {
            let words = vec!["hello"; count].join(" + ");
            words.split(' ').map(str::to_owned).collect::<Vec<String>>()
        };
        let words = many(module_line::MAX_MODULES + 1);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert!(refused(&words).contains("at most 64"));
        let words = many(module_line::MAX_MODULES);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(lines(&words).len(), module_line::MAX_MODULES);
        let with_prompt = [&words[..words.len() - 1], &["prompt"]].concat();
        assert!(refused(&with_prompt).contains("at most 64"));
    }

    #[test]
    fn one_program_names_its_functions() {
        let workspace = Workspace::locate();
        let guest = Guest::in_folder(Path::new("out"));
        let only = |words: &[&str]| {
            let options = options(words).expect("valid");
            let request = check(&workspace, &options).expect("can be met");
            request.only_file(&guest)
        };
        assert_eq!(only(&["hello"]), Some("out/hello".into()));
        assert_eq!(
            only(&["hello", "+", "hello", "x"]),
            Some("out/hello".into())
        );
        assert_eq!(only(&["hello", "+", "yield"]), None);
    }
}
