//! How a grader knows that a run is over: through QEMU's debugging port it puts
//! a breakpoint on the kernel's symbol `readline`, and stops the machine there.
//!
//! The hard thing is what must be true at that instant: every line of the run
//! has left the machine, and the prompt has not. Source: the GDB manual,
//! appendix "Remote Serial Protocol".

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use elf::ElfBytes;
use elf::endian::LittleEndian;
use jostle::boot::Asked;
use jostle::cli::run_options;
use libtest_mimic::Failed;

use crate::boot::host;

/// Many times what it takes.
const PATIENCE: Duration = Duration::from_secs(7200);

pub fn stops_at_readline() -> Result<(), Failed> {
    let host = host()?;
    let options = run_options(["hello", "--cpus", "1", "--append", "grading"])?;
    let boot = Asked::check(&host.workspace, &options)?.build(host)?;
    let socket = std::env::temp_dir().join(format!("jostle-gdb-{}", std::process::id()));
    let mut child = boot
        .command()
        .arg("-S")
        .arg("-gdb")
        .arg(format!("unix:{},server=on,wait=off", socket.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let stopped = Debugger::connect(&socket).and_then(|mut debugger| {
        debugger.break_at(symbol(
            &host.workspace.root().join(&boot.kernel),
            "readline",
        )?)?;
        debugger.go_on()
    });
    child.kill()?;
    let mut console = String::new();
    if let Some(mut output) = child.stdout.take() {
        output.read_to_string(&mut console)?;
    }
    child.wait()?;
    std::fs::remove_file(&socket)?;
    let reply = stopped?;
    let lines: Vec<&str> = console.lines().collect();
    let is_whole = lines.contains(&"hello, world") && lines.last() == Some(&WELCOME);
    if reply.starts_with('T') && is_whole {
        Ok(())
    } else {
        Err(format!("the debugger was told {reply:?}; the console showed\n{console}").into())
    }
}

/// The last line before the prompt.
const WELCOME: &str = "Type 'help' for a list of commands.";

/// The address of a symbol in an ELF file.
fn symbol(file: &Path, name: &str) -> Result<u32, Failed> {
    let image = std::fs::read(file)?;
    let file = ElfBytes::<LittleEndian>::minimal_parse(&image)?;
    let (symbols, names) = file.symbol_table()?.ok_or("the kernel has no symbols")?;
    let found = symbols
        .iter()
        .find(|symbol| {
            names
                .get(symbol.st_name as usize)
                .is_ok_and(|found| found == name)
        })
        .ok_or_else(|| format!("the kernel has no symbol {name}"))?;
    Ok(u32::try_from(found.st_value)?)
}

/// The far end of QEMU's debugging port.
struct Debugger(UnixStream);

impl Debugger {
    fn connect(socket: &Path) -> Result<Self, Failed> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match UnixStream::connect(socket) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(PATIENCE))?;
                    return Ok(Self(stream));
                }
                Err(error) if Instant::now() > deadline => return Err(error.into()),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    fn break_at(&mut self, address: u32) -> Result<(), Failed> {
        match self.ask(&format!("Z1,{address:x},1"))?.as_str() {
            "OK" => Ok(()),
            reply => Err(format!("no breakpoint: {reply}").into()),
        }
    }

    /// Lets the machine run until it stops; what is said then.
    fn go_on(&mut self) -> Result<String, Failed> {
        self.ask("c")
    }

    /// Sends a packet, and waits for the one that answers it.
    fn ask(&mut self, packet: &str) -> Result<String, Failed> {
        let sum = packet.bytes().fold(0_u8, u8::wrapping_add);
        write!(self.0, "${packet}#{sum:02x}")?;
        while self.byte()? != b'$' {}
        let mut reply = String::new();
        loop {
            match self.byte()? {
                b'#' => break,
                byte => reply.push(char::from(byte)),
            }
        }
        // The sum, which over a socket is always right.
        let _ = (self.byte()?, self.byte()?);
        self.0.write_all(b"+")?;
        Ok(reply)
    }

    fn byte(&mut self) -> Result<u8, Failed> {
        let mut byte = [0];
        self.0.read_exact(&mut byte)?;
        Ok(byte[0])
    }
}
