//! What `jostle run` can be told about the machine beside its size: somebody
//! else's gdb, a disk that forgets, a network card.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jostle::expect::text;
use libtest_mimic::Failed;

use crate::boot::{Boot, folder, host};
use crate::console::booted;
use crate::foreign::code::{Code, DynasmApi, DynasmLabelApi, TEXT, asm, text as code_at_text};
use crate::foreign::image;
use crate::programs::LIMIT_SECONDS;
use crate::trial::Trial;

/// Many times what it takes.
const PATIENCE: Duration = Duration::from_secs(60);

type Case = fn() -> Result<(), Failed>;

/// Each is a claim about an option.
pub fn trials() -> impl Iterator<Item = Trial> {
    let cases: [(&str, Case); 3] = [
        ("a_stopped_machine_waits_for_gdb", stopped),
        ("the_card_is_there", card),
        ("a_port_leads_in", port_leads_in),
    ];
    cases
        .into_iter()
        .map(|(name, case)| Trial::test(format!("machine_options::{name}"), case))
        .chain(disk_trials_on(&[], |name, _| {
            format!("machine_options::{name}")
        }))
}

/// Those about disks on another machine, called by other names.
pub fn disk_trials_on(
    machine: &'static [&'static str],
    name_of: fn(&str, u32) -> String,
) -> impl Iterator<Item = Trial> {
    DISK_CASES
        .into_iter()
        .map(move |case| Trial::test(name_of(case.name, 1), move || case.run(machine)))
}

/// A port that is free now.
fn free_port() -> Result<u16, Failed> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// `jostle run` with these words, ended when dropped.
struct Running(Child);

impl Running {
    fn start(words: &[&str]) -> Result<Self, Failed> {
        host()?.guest(jostle::build::guest::Kernel::Plain)?;
        let child = Command::new(env!("CARGO_BIN_EXE_jostle"))
            .arg("run")
            .args(words)
            .args(["--cpus", "1", "--timeout", LIMIT_SECONDS])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }

    /// Connects to a port that it is about to open.
    fn connect(&mut self, port: u16) -> Result<TcpStream, Failed> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(PATIENCE))?;
                    return Ok(stream);
                }
                Err(error) if Instant::now() > deadline => return Err(error.into()),
                Err(_) if self.0.try_wait()?.is_some() => return Err("it has ended".into()),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It takes the emulator with it.
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.0),
            rustix::process::Signal::TERM,
        );
        let _ = self.0.wait();
    }
}

/// Nothing has run when gdb comes; let go, it runs to its end.
fn stopped() -> Result<(), Failed> {
    let port = free_port()?;
    let number = port.to_string();
    let mut running = Running::start(&["hello", "--gdb-port", &number, "--stopped"])?;
    let mut gdb = running.connect(port)?;
    gdb.write_all(b"$g#67")?;
    let mut reply = [0; 4 + 8 * 9];
    gdb.read_exact(&mut reply)?;
    // Eight registers, then where the processor begins: at 0xfff0.
    let reply = String::from_utf8_lossy(&reply).into_owned();
    if !reply.contains("f0ff0000") {
        return Err(format!("the registers are {reply}").into());
    }
    gdb.write_all(b"+$c#63")?;
    let mut console = String::new();
    let output = running.0.stdout.as_mut().ok_or("no output")?;
    output.read_to_string(&mut console)?;
    if running.0.wait()?.code() == Some(0) && console.contains("\nhello, world\n") {
        Ok(())
    } else {
        Err(format!("it did not end well:\n{console}").into())
    }
}

/// The sector that is written.
const SECTOR: usize = 3;
/// One that is full from the beginning.
const FULL: usize = 5;
const SECTORS: usize = 8;
const LENGTH: usize = 512;

const READ_SECTORS: i8 = 0x20;
const WRITE_SECTORS: i8 = 0x30;
const FLUSH_CACHE: i8 = 0xe7_u8 as i8;

/// Gives the second disk a command for one sector, and waits.
fn command(code: &mut Code, sector: usize, command: i8) {
    let ports: [(i32, i8); 6] = [
        (0x1f6, 0xf0_u8 as i8),
        (0x1f2, 1),
        (0x1f3, sector as i8),
        (0x1f4, 0),
        (0x1f5, 0),
        (0x1f7, command),
    ];
    for (port, value) in ports {
        asm!(code, mov edx, port; mov al, value; out dx, al);
    }
    wait(code);
}

/// Waits until it is not busy.
fn wait(code: &mut Code) {
    asm!(code, mov edx, 0x1f7; busy:; in al, dx; test al, BYTE 0x80_u8 as i8; jnz <busy);
}

/// Writes its sector of the second disk, word by word.
fn disk_writer() -> Vec<u8> {
    let mut code = Code::new();
    command(&mut code, SECTOR, WRITE_SECTORS);
    asm!(code, mov edx, 0x1f0; mov ecx, 256);
    asm!(code, more:; mov ax, 0x5a5a; out dx, ax; dec ecx; jnz <more);
    wait(&mut code);
    asm!(code, mov al, FLUSH_CACHE; out dx, al);
    wait(&mut code);
    image::file(TEXT, &[code_at_text(code.done())], &["umain"])
}

/// Copies the full sector onto its own: in by words of four bytes, out by words of two,
/// with one instruction each.
fn disk_copier() -> Vec<u8> {
    let mut code = Code::new();
    asm!(code, sub esp, LENGTH as i32; cld);
    command(&mut code, FULL, READ_SECTORS);
    asm!(code, mov edx, 0x1f0; mov edi, esp; mov ecx, 128; rep insd);
    command(&mut code, SECTOR, WRITE_SECTORS);
    asm!(code, mov edx, 0x1f0; mov esi, esp; mov ecx, 256; rep outsw);
    wait(&mut code);
    asm!(code, add esp, LENGTH as i32);
    image::file(TEXT, &[code_at_text(code.done())], &["umain"])
}

/// A file among those of these tests.
fn file(name: &str, bytes: &[u8]) -> Result<PathBuf, Failed> {
    let path = folder("machine-options")?.join(name);
    std::fs::write(&path, bytes)?;
    Ok(path)
}

/// What a file server does to a disk.
#[derive(Clone, Copy)]
struct DiskCase {
    name: &'static str,
    image: fn() -> Vec<u8>,
    words: &'static [&'static str],
    /// The byte in its sector afterwards.
    wanted: u8,
}

const DISK_CASES: [DiskCase; 3] = [
    DiskCase {
        name: "a_disk_remembers",
        image: disk_writer,
        words: &[],
        wanted: 0x5a,
    },
    DiskCase {
        name: "a_snapshot_forgets",
        image: disk_writer,
        words: &["--snapshot"],
        wanted: 0,
    },
    DiskCase {
        name: "sectors_pass_as_strings",
        image: disk_copier,
        words: &[],
        wanted: 0x77,
    },
];

impl DiskCase {
    fn run(self, machine: &[&str]) -> Result<(), Failed> {
        let mut bytes = vec![0; SECTORS * LENGTH];
        bytes[FULL * LENGTH..][..LENGTH].fill(0x77);
        let name = format!("{}-{}", self.name, machine.len());
        let disk = file(&format!("{name}.img"), &bytes)?;
        let writer = file(&format!("{name}.elf"), &(self.image)())?;
        let path = |path: &PathBuf| path.to_str().map(str::to_owned).ok_or("not text");
        let (disk_word, server) = (path(&disk)?, format!("type=fs:{}", path(&writer)?));
        let line = [
            "hello", "--with", &server, "--disk", &disk_word, "--cpus", "1",
        ];
        let limit = ["--timeout", LIMIT_SECONDS];
        let boot = Boot::new(&[&line, self.words, &limit, machine].concat())?;
        let expect = booted(1).in_order([text("all as it should be")]);
        let mut complaints = boot.complaints(&expect);
        bytes[SECTOR * LENGTH..][..LENGTH].fill(self.wanted);
        if std::fs::read(&disk)? != bytes {
            complaints.push("the disk holds something else".to_owned());
        }
        boot.judge(&complaints)
    }
}

/// Looks for the e1000 of lab 6 on the PCI bus, function 0 of each device.
fn card_finder() -> Vec<u8> {
    const E1000: i32 = 0x100e_8086;
    let mut code = Code::new();
    asm!(code, mov esi, 0x8000_0000_u32 as i32);
    asm!(code, next:; mov edx, 0xcf8; mov eax, esi; out dx, eax);
    asm!(code, mov edx, 0xcfc; in eax, dx; cmp eax, E1000; je >found);
    asm!(code, add esi, 0x800; cmp esi, 0x8001_0000_u32 as i32; jne <next);
    code.complain("no card");
    asm!(code, found:);
    image::file(TEXT, &[code_at_text(code.done())], &["umain"])
}

fn card() -> Result<(), Failed> {
    let finder = file("finder.elf", &card_finder())?;
    let server = format!("type=fs:{}", finder.to_str().ok_or("not text")?);
    let line = [
        "hello",
        "--with",
        &server,
        "--cpus",
        "1",
        "--timeout",
        LIMIT_SECONDS,
    ];
    let with = Boot::new(&[&line[..], &["--nic", "e1000"]].concat())?;
    let mut complaints = with.complaints(&booted(1).in_order([text("all as it should be")]));
    let without = Boot::new(&line)?;
    let wrong = without.complaints(&booted(1).in_order([text("WRONG no card")]));
    complaints.extend(wrong.iter().map(|wrong| format!("without one: {wrong}")));
    with.judge(&complaints)
}

/// Somebody answers at the port of the host: the router, for the guest.
fn port_leads_in() -> Result<(), Failed> {
    let port = free_port()?;
    let nic = format!("e1000,tcp:{port}:80");
    // Its prompt waits for ever.
    let mut running = Running::start(&["hello", "--monitor", "--nic", &nic])?;
    running.connect(port)?;
    Ok(())
}
