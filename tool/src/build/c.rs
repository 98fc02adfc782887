//! Building programs in C.
//!
//! Any compiler for 32-bit x86 will do, without a C library for it: the library is the
//! tree's own, in `c/lib`, and is compiled with every program, which takes less than a
//! second. The hard thing is whatever a distribution's compiler does unless told otherwise:
//! code that can be loaded anywhere, checks of the stack, SSE.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, bail};

use super::linker::Linker;
use super::plan::Plan;
use crate::child_process;
use crate::workspace::Workspace;

/// A compiler, and what makes it one for 32-bit x86.
struct Compiler {
    path: PathBuf,
    target: &'static str,
}

const COMPILERS: [(&str, &str); 3] = [
    ("gcc", "-m32"),
    ("clang", "--target=i386-unknown-none-elf"),
    ("i686-linux-gnu-gcc", "-m32"),
];

/// Where one comes from.
pub const REMEDY: &str =
    "gcc on x86, or clang (Debian: apt-get install --no-install-recommends clang)";

/// What a program for no system is compiled with.
const FLAGS: &str = "-std=gnu11 -O1 -g -Wall -march=i586 -mno-sse -mno-mmx -ffreestanding \
    -fno-pic -fno-pie -fno-stack-protector -fno-omit-frame-pointer -fcf-protection=none \
    -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections";

impl Compiler {
    fn find() -> anyhow::Result<Compiler> {
        let there = COMPILERS.iter().filter_map(|&(name, target)| {
            let path = which::which(name).ok()?;
            Some(Compiler { path, target })
        });
        let mut there: Vec<Compiler> = there.collect();
        match there.iter().position(Compiler::works) {
            Some(index) => Ok(there.swap_remove(index)),
            None => bail!("a C compiler for 32-bit x86 is needed: {REMEDY}"),
        }
    }

    /// Whether it makes code for 32-bit x86.
    fn works(&self) -> bool {
        let mut command = self.command();
        command.args(["-x", "c", "-S", "-o", "/dev/null", "/dev/null"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    fn command(&self) -> Command {
        let mut command = child_process::command(&self.path);
        command.arg(self.target).args(FLAGS.split(' '));
        command
    }
}

/// Says what is missing, if programs in C cannot be built.
pub fn needed() -> anyhow::Result<()> {
    Compiler::find().map(drop)
}

/// The compiler that programs in C would be built with.
pub fn compiler() -> Option<PathBuf> {
    Compiler::find().ok().map(|compiler| compiler.path)
}

/// Compiles and links; what the compiler says goes to standard error.
pub fn build(
    workspace: &Workspace,
    plan: &Plan,
    files: &[PathBuf],
    name: &str,
    output: &Path,
) -> anyhow::Result<()> {
    let compiler = Compiler::find()?;
    // Two that build the same at once have a folder each.
    static TIMES: AtomicU32 = AtomicU32::new(0);
    let time = TIMES.fetch_add(1, Ordering::Relaxed);
    let folder = output.with_extension(format!("{}-{time}.tmp", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let built = build_in(&folder, workspace, plan, &compiler, files, name);
    let placed = built.and_then(|program| {
        std::fs::rename(program, output).with_context(|| output.display().to_string())
    });
    // What is left there is in nobody's way.
    let _ = std::fs::remove_dir_all(&folder);
    placed
}

/// The program, made in a folder of its own.
fn build_in(
    folder: &Path,
    workspace: &Workspace,
    plan: &Plan,
    compiler: &Compiler,
    files: &[PathBuf],
    name: &str,
) -> anyhow::Result<PathBuf> {
    let library = sources(&workspace.root().join("c/lib"))?;
    let mut compile = compiler.command();
    let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
    compile.arg(format!("-DPROGRAM_NAME=\"{quoted}\""));
    compile.arg("-I").arg(workspace.root().join("c/include"));
    // A panic names the file as the program's author does, wherever that is.
    for root in files.iter().filter_map(|file| file.parent()) {
        compile.arg(format!("-fmacro-prefix-map={}/=", root.display()));
    }
    // Two files of the same name would be one object: each has a number.
    for (index, file) in files.iter().chain(&library).enumerate() {
        let object = folder.join(format!("{index}.o"));
        let mut one = child_process::command(compile.get_program());
        one.args(compile.get_args())
            .arg("-c")
            .arg(file)
            .arg("-o")
            .arg(object);
        carry_out(&mut one, "compiled")?;
    }
    let program = folder.join("program");
    let mut link = child_process::command(plan.linker.path());
    match plan.linker {
        Linker::Lld(_) => link.args(["-flavor", "gnu"]),
        Linker::Gnu(_) | Linker::Wasm(_) => &mut link,
    };
    link.args(["-m", "elf_i386", "--gc-sections", "-z", "norelro", "-T"])
        .arg(workspace.root().join("user/program.ld"));
    link.arg("-o").arg(&program);
    let objects = 0..files.len() + library.len();
    link.args(objects.map(|index| folder.join(format!("{index}.o"))));
    carry_out(&mut link, "linked")?;
    Ok(program)
}

/// The C files of a folder, in order.
fn sources(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let files = entries.flatten().map(|entry| entry.path());
    let is_c = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "c");
    let mut files: Vec<PathBuf> = files.filter(is_c).collect();
    files.sort();
    Ok(files)
}

fn carry_out(command: &mut Command, what: &str) -> anyhow::Result<()> {
    command.stdin(Stdio::null()).stdout(std::io::stderr());
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if !status.success() {
        bail!("it could not be {what}; the messages above say why");
    }
    Ok(())
}
