//! A folder of our small course, and what came of grading it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use jostle::build::guest::Kernel;
use libtest_mimic::Failed;

use crate::boot::host;
use crate::command_line::status_is;

/// What replaces the grader by one in Python 2.
pub const GRADED_IN_PYTHON_2: &str = "old";

/// A course of one's own, in the build folder.
pub struct Course {
    root: PathBuf,
}

/// What the command said.
pub struct Graded(Output);

/// Every file below a folder: its path, when it was changed, and its bytes.
pub type Contents = Vec<(PathBuf, SystemTime, Vec<u8>)>;

impl Course {
    /// With these of our programs.
    pub fn with(name: &str, programs: &[&str]) -> Result<Self, Failed> {
        let folder = host()?.workspace.target().join("grade-tests");
        // A blank in a name is what makefiles bear least.
        let root = folder.join(format!("the course {name}"));
        if root.exists() {
            std::fs::remove_dir_all(&root)?;
        }
        let course = Self { root };
        course.overlay("course")?;
        for program in programs {
            course.add_program(&format!("user/{program}"), program)?;
        }
        Ok(course)
    }

    /// Adds or replaces what lies in a folder beside this file.
    pub fn overlay(&self, name: &str) -> Result<(), Failed> {
        let sources = host()?
            .workspace
            .root()
            .join("tool/tests/conformance/grade");
        copy(&sources.join(name), &self.root)
    }

    /// Adds one of our programs under another name.
    pub fn add_program(&self, name: &str, program: &str) -> Result<(), Failed> {
        let file = host()?.guest(Kernel::Plain)?.program(program);
        self.write(&format!("programs/{name}"), &std::fs::read(file)?)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failed> {
        let path = self.root.join(name);
        std::fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        Ok(std::fs::write(path, bytes)?)
    }

    /// A place beside the folder where nothing is.
    pub fn beside(&self, name: &str) -> Result<PathBuf, Failed> {
        let path = self.root.with_extension(name);
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        Ok(path)
    }

    /// All that is in it.
    pub fn contents(&self) -> Result<Contents, Failed> {
        let mut contents = Vec::new();
        collect(&self.root, &mut contents)?;
        contents.sort();
        Ok(contents)
    }

    /// `jostle grade` with this folder and these words.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jostle"));
        command.arg("grade").arg(&self.root).args(words);
        command.stdin(Stdio::null());
        command
    }

    pub fn grade(&self, words: &[&str]) -> Result<Graded, Failed> {
        Ok(Graded(self.command(words).output()?))
    }

    /// The same where these commands do not work.
    pub fn grade_without(&self, names: &[&str], words: &[&str]) -> Result<Graded, Failed> {
        let folder = self.root.with_extension("without");
        std::fs::create_dir_all(&folder)?;
        for name in names {
            let path = folder.join(name);
            // A link, since a file that was just written may still be open for
            // writing in a child of another test, and then does not start.
            let _ = std::fs::remove_file(&path);
            std::os::unix::fs::symlink(which::which("false")?, &path)?;
        }
        let mut path = folder.into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        Ok(Graded(self.command(words).env("PATH", path).output()?))
    }

    /// The same where there are no commands at all.
    pub fn grade_with_nothing(&self) -> Result<Graded, Failed> {
        let mut command = self.command(&[]);
        Ok(Graded(command.env("PATH", "/nonexistent").output()?))
    }
}

impl Graded {
    pub fn status(&self, wanted: i32) -> Result<(), Failed> {
        status_is(wanted, &self.0)
    }

    /// What the grader must have said.
    pub fn says(&self, text: &str) -> Result<(), Failed> {
        self.has(&self.0.stdout, text)
    }

    /// What the tool, or make, must have said.
    pub fn notes(&self, text: &str) -> Result<(), Failed> {
        self.has(&self.0.stderr, text)
    }

    fn has(&self, stream: &[u8], text: &str) -> Result<(), Failed> {
        if String::from_utf8_lossy(stream).contains(text) {
            return Ok(());
        }
        Err(format!(
            "there is no {text:?}\n--- stdout ---\n{}--- stderr ---\n{}",
            String::from_utf8_lossy(&self.0.stdout),
            String::from_utf8_lossy(&self.0.stderr)
        )
        .into())
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), Failed> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn collect(folder: &Path, contents: &mut Contents) -> Result<(), Failed> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let changed = path.metadata()?.modified()?;
        if path.is_dir() {
            contents.push((path.clone(), changed, Vec::new()));
            collect(&path, contents)?;
        } else {
            contents.push((path.clone(), changed, std::fs::read(&path)?));
        }
    }
    Ok(())
}
