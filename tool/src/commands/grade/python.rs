//! A Python for the grader.
//!
//! Graders of 2011 to 2013 are written in Python 2, which machines no longer
//! have; the later ones run on both. So each is first read by the machine's
//! Python 3. If that does not understand it, a Python 2 is looked for; and if
//! there is none, the copy is converted.
//!
//! The hard thing is that the two differ in more than form: what comes from a
//! file or a socket was text and is bytes now. A grader treats all of it as
//! text, so the converted one runs under a small program that gives it text.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::copy::Workplace;
use super::course::Course;
use crate::report::note;

/// Rewrites files of Python 2 in place.
const CONVERT: &str = include_str!("python/convert.py");
/// Runs a converted file.
const RUN: &str = include_str!("python/run.py");
/// What graders import from a module that Python 3.13 no longer has.
const PIPES: &str = "from shlex import quote\n";

/// How to run the grader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// As it is.
    AsItIs(PathBuf),
    /// By this Python 3, once it is converted.
    Converted(PathBuf),
}

/// Ready to run.
pub struct Python {
    /// The interpreter.
    pub program: PathBuf,
    /// What comes before the grader on its command line.
    pub before: Vec<OsString>,
    /// Where it finds modules that the grader lacks.
    pub modules: Option<PathBuf>,
}

/// Finds a Python that understands the grader.
pub fn choose(course: &Course) -> anyhow::Result<Choice> {
    let three = find(&["python3", "python"], 3);
    if let Some(three) = &three
        && understands(three, course)
    {
        return Ok(Choice::AsItIs(three.clone()));
    }
    if let Some(two) = find(&["python2", "python2.7", "python"], 2) {
        return Ok(Choice::AsItIs(two));
    }
    match three {
        Some(three) => {
            note(format_args!(
                "{} is written in Python 2, which is not installed: \
                 it is converted for Python 3 in the copy",
                course.grader.display()
            ));
            Ok(Choice::Converted(three))
        }
        None => bail!(
            "python3 is not installed: install it (Debian, Ubuntu: \
             sudo apt-get install --no-install-recommends python3)"
        ),
    }
}

/// The first that really runs and is of this version. Some machines have names
/// that only lead to a message.
fn find(names: &[&str], version: u8) -> Option<PathBuf> {
    let is_it = format!("import sys; sys.exit(sys.version_info[0] != {version})");
    names.iter().find_map(|name| {
        let path = which::which(name).ok()?;
        succeeds(Command::new(&path).args(["-c", &is_it])).then_some(path)
    })
}

fn understands(python: &Path, course: &Course) -> bool {
    const READ: &str = "import ast, sys\n\
        for name in sys.argv[1:]: ast.parse(open(name, 'rb').read(), name)";
    let mut command = Command::new(python);
    command.args(["-W", "ignore", "-c", READ]);
    succeeds(
        command
            .args(course.python_files())
            .current_dir(&course.root),
    )
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

impl Choice {
    /// Puts into the workplace what it takes.
    pub fn ready(self, course: &Course, workplace: &Workplace) -> anyhow::Result<Python> {
        let folder = workplace.folder("python")?;
        match self {
            Self::AsItIs(program) => {
                let lacks_pipes =
                    !succeeds(Command::new(&program).args(["-W", "ignore", "-c", "import pipes"]));
                if lacks_pipes {
                    std::fs::write(folder.join("pipes.py"), PIPES)?;
                }
                Ok(Python {
                    program,
                    before: Vec::new(),
                    modules: lacks_pipes.then_some(folder),
                })
            }
            Self::Converted(program) => {
                let convert = folder.join("convert.py");
                let run = folder.join("run.py");
                std::fs::write(&convert, CONVERT)?;
                std::fs::write(&run, RUN)?;
                std::fs::write(folder.join("pipes.py"), PIPES)?;
                convert_files(&program, &convert, course, workplace.course())?;
                Ok(Python {
                    program,
                    before: vec![run.into()],
                    modules: Some(folder),
                })
            }
        }
    }
}

fn convert_files(
    python: &Path,
    convert: &Path,
    course: &Course,
    copy: &Path,
) -> anyhow::Result<()> {
    let output = Command::new(python)
        .arg(convert)
        .args(course.python_files())
        .current_dir(copy)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", python.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{}; a Python 2 in the search path would run it as it is",
            said.trim_end()
        );
    }
    Ok(())
}
