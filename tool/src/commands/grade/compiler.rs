//! A compiler for the course's programs, which are C for 32-bit x86.
//!
//! The hard thing is their age. The course's makefiles ask for `-gstabs`, which
//! gcc 12 warns of and gcc 13 no longer has, and turn every warning into an
//! error; today's gcc also has new warnings, and makes code that can be loaded
//! anywhere unless told not to. None of that is a student's fault, so make finds
//! a `gcc` that leaves those options out. Programs behave the same: only the
//! kernel's backtrace reads such symbols, and that is another kernel here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::bail;

use super::course::Course;
use crate::quoting::shell_word;

/// The machine's gcc, when it has to be wrapped.
#[derive(Debug)]
pub struct Compiler {
    gcc: PathBuf,
}

/// Folders whose C files make builds for the guest.
const SOURCES: [&str; 3] = ["kern", "lib", "user"];
/// The compiler that the course's makefiles prefer, of the right age and kind.
const OWN: &str = "i386-jos-elf-gcc";
/// It divides 64-bit numbers, which takes the 32-bit libgcc.
const PROBE: &str = "unsigned long long f(unsigned long long a, unsigned long long b) \
    { return a / b; }\n";

/// Looks for one, if the folder has anything to compile.
pub fn find(course: &Course) -> anyhow::Result<Option<Compiler>> {
    let has_sources = SOURCES
        .iter()
        .any(|folder| has_c_files(&course.root.join(folder)));
    if !has_sources || names_its_own(&course.root) || which::which(OWN).is_ok() {
        return Ok(None);
    }
    let Ok(gcc) = which::which("gcc") else {
        bail!("to build the course's programs, gcc is needed: {REMEDY}");
    };
    if !makes_32_bit_programs(&gcc) {
        bail!(
            "{} cannot make 32-bit x86 programs, as the course's are: {REMEDY}",
            gcc.display()
        );
    }
    Ok(Some(Compiler { gcc }))
}

const REMEDY: &str = "install the 32-bit parts of gcc (Debian, Ubuntu on x86: \
    sudo apt-get install --no-install-recommends gcc-multilib; \
    Fedora: dnf install gcc glibc-devel.i686 libgcc.i686), or name \
    a gcc for i386 in the folder's conf/env.mk, as in GCCPREFIX=i386-elf-";

fn has_c_files(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return false;
    };
    entries
        .flatten()
        .any(|entry| entry.path().extension().is_some_and(|kind| kind == "c"))
}

/// Whether the folder says which compiler it wants.
fn names_its_own(root: &Path) -> bool {
    std::fs::read_to_string(root.join("conf/env.mk")).is_ok_and(|text| {
        text.lines().any(|line| {
            let value = line.trim_start().strip_prefix("GCCPREFIX");
            let value = value.and_then(|rest| rest.split_once('='));
            value.is_some_and(|(_, prefix)| !prefix.trim().is_empty())
        })
    })
}

fn makes_32_bit_programs(gcc: &Path) -> bool {
    let words = "-m32 -nostdlib -static -fno-pie -Wl,-e,f -x c - -o /dev/null -lgcc";
    let child = Command::new(gcc)
        .args(words.split(' '))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        return false;
    };
    if let Some(mut input) = child.stdin.take() {
        // If it does not read, it fails.
        let _ = std::io::Write::write_all(&mut input, PROBE.as_bytes());
    }
    child.wait().is_ok_and(|status| status.success())
}

impl Compiler {
    /// The body of a script that calls it. Tools for the host, which are not
    /// compiled with `-m32`, are nobody's business.
    pub fn script(&self) -> String {
        let gcc = shell_word(self.gcc.as_os_str());
        format!(
            "case \" $* \" in\n    *' -m32 '*) ;;\n    *) exec {gcc} \"$@\" ;;\nesac\n\
             for word; do\n    shift\n    case $word in\n        -gstabs | -Werror) ;;\n        \
             *) set -- \"$@\" \"$word\" ;;\n    esac\ndone\n\
             exec {gcc} \"$@\" -w -fno-pie -fcf-protection=none\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_options_are_left_out_for_the_guest_alone() {
        let compiler = Compiler {
            gcc: "/bin/echo".into(),
        };
        let said = |words: &str| {
            let mut shell = Command::new("sh");
            shell.args(["-c", &compiler.script(), "gcc"]);
            let output = shell.args(words.split(' ')).output().expect("sh starts");
            String::from_utf8(output.stdout).expect("text")
        };
        assert_eq!(
            said("-O1 -Werror -gstabs -m32 -gstabs -c a.c"),
            "-O1 -m32 -c a.c -w -fno-pie -fcf-protection=none\n"
        );
        assert_eq!(said("-Werror -gstabs a.c"), "-Werror -gstabs a.c\n");
    }
}
