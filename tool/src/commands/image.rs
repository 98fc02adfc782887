//! `jostle image`: a file that boots the kernel and programs on a PC with a
//! BIOS, from a CD or a USB stick, with GRUB.
//!
//! The hard thing is to leave either the whole image or nothing: it is made in
//! a folder of its own and copied to its place when it is complete.

mod grub;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};

use crate::boot::Asked;
use crate::child_process;
use crate::cli::{Image, Run, run_options};
use crate::external;
use crate::host::Host;
use crate::process_group;
use crate::qemu::machine::Machine;
use crate::quoting::{shell_line, shell_word};
use crate::report::{line, result};
use crate::status::{self, usage};
use crate::workspace::Workspace;

/// Makes the image and says what to do with it.
pub fn image(options: &Image) -> anyhow::Result<u8> {
    let wanted = as_run(options)?;
    let asked = Asked::check(&Workspace::locate(), &wanted)?;
    check_place(&options.output)?;
    let host = Host::find()?;
    let grub = external::GRUB.find_or_obtain()?;
    let boot = asked.build(&host)?;
    boot.announce(false);

    let folder = Scratch::new(&host.workspace)?;
    let tree = folder.0.join("tree");
    lay_out(&tree, host.workspace.root(), &boot.machine)?;
    let made = folder.0.join("image");
    let arguments: [OsString; 6] = [
        "--fonts=".into(),
        "--themes=".into(),
        "--locales=".into(),
        "-o".into(),
        made.clone().into(),
        tree.into(),
    ];
    let arguments = [&grub.arguments[..], &arguments].concat();
    if options.verbose {
        line(shell_line(host.workspace.root(), &grub.path, &arguments));
    }
    let mut command = child_process::command(&grub.path);
    let output = process_group::output(command.args(&arguments).stdin(Stdio::null()))
        .with_context(|| format!("cannot start {}", grub.path.display()))?;
    if !output.status.success() {
        line(String::from_utf8_lossy(&output.stderr).trim_end());
        bail!("{} failed: {}", external::GRUB.name, output.status);
    }
    put(&made, &options.output)?;
    result(advice(&options.output)?);
    Ok(status::CLEAN)
}

/// What `run` would be told to boot the same.
fn as_run(options: &Image) -> anyhow::Result<Run> {
    Ok(Run {
        program: options.program.clone(),
        args: options.args.clone(),
        append: options.append.clone(),
        personality: options.personality,
        monitor: options.monitor,
        ..run_options::<_, &str>([])?
    })
}

/// Refuses a place where the image cannot be put, or where something is.
fn check_place(output: &Path) -> anyhow::Result<()> {
    if output == Path::new("-") {
        return Err(usage("an image needs a file: -o FILE.iso"));
    }
    create(output)?;
    fs::remove_file(output)?;
    Ok(())
}

/// Makes the file, which must not exist.
fn create(output: &Path) -> anyhow::Result<File> {
    File::create_new(output).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => usage(format_args!("{} exists already", output.display())),
        _ => usage(format_args!("cannot write {}: {error}", output.display())),
    })
}

/// The files of the image, as they will lie in it.
fn lay_out(tree: &Path, root: &Path, machine: &Machine) -> anyhow::Result<()> {
    let menu = grub::menu(&machine.kernel_args, &machine.modules);
    let copy = |from: &Path, to: &str| -> anyhow::Result<()> {
        let to = tree.join(to.trim_start_matches('/'));
        fs::create_dir_all(to.parent().unwrap_or(tree))?;
        fs::copy(root.join(from), to).with_context(|| from.display().to_string())?;
        Ok(())
    };
    copy(&machine.kernel, grub::KERNEL)?;
    for (from, to) in &menu.files {
        copy(from, to)?;
    }
    fs::create_dir_all(tree.join("boot/grub"))?;
    fs::write(tree.join("boot/grub/grub.cfg"), menu.text)?;
    Ok(())
}

/// Copies the image to its place; half of it is none.
fn put(made: &Path, output: &Path) -> anyhow::Result<()> {
    let mut file = create(output)?;
    let copied = File::open(made).and_then(|mut made| std::io::copy(&mut made, &mut file));
    if let Err(error) = copied {
        // The first error is the one to tell.
        let _ = fs::remove_file(output);
        bail!("cannot write {}: {error}", output.display());
    }
    Ok(())
}

/// What to do with it.
fn advice(output: &Path) -> anyhow::Result<String> {
    let size = fs::metadata(output)?.len() as f64 / f64::from(1 << 20);
    let shown = output.display();
    let word = shell_word(output.as_os_str());
    Ok(format!(
        "{shown}: {size:.1} MiB, for a PC with a BIOS; its console is the first serial port\n\
         in QEMU (Ctrl-A X quits):  qemu-system-i386 -nographic -smp 4 -cdrom {word}\n\
         on a USB stick:            dd if={word} of=/dev/sdX bs=1M\n"
    ))
}

/// A folder in the build folder; gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(workspace: &Workspace) -> anyhow::Result<Self> {
        let folder = workspace
            .target()
            .join(format!("image-{}", std::process::id()));
        // One that was killed may have left it behind.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It is in the build folder: no harm if it stays.
        let _ = fs::remove_dir_all(&self.0);
    }
}
