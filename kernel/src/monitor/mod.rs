//! The kernel monitor: what a person meets at a breakpoint, or at the end.
//!
//! Booted with `grading`, a breakpoint enters it, and the environment goes on
//! when it is left; with that or `end=monitor` it is entered for good when
//! nothing is left to run. It runs on one CPU with the big lock held and
//! interrupts off, so it polls for what is typed.
//!
//! The hard thing is to harm nothing by looking. All that commands get is a
//! shared reference to the kernel proper, and memory is read only where it is
//! known to be RAM ([`memory`]). The one thing that a command changes is the
//! trap flag of the environment that is stopped. The lines are JOS's where JOS
//! has them, since graders compare.

mod environments;
mod memory;
mod readline;

use crate::address_space::{self, physical};
use crate::console::{self, Devices, Synchronous, say, uart::COM1};
use crate::panic;
use crate::proper::{Core, Holder};
use crate::smp::ThisCpu;
use crate::trap;
use crate::x86;
use abi::TrapFrame;
use abi::trap::{FLAG_TF, Vector};
use arrayvec::ArrayVec;
use core::fmt::Write;
use kcore::env::Slot;
use kcore::paging::Space;
use readline::{LINE, readline};

/// Most words in a line, the command included.
const MAX_WORDS: usize = 16;

/// What a command works with.
struct Session<'s> {
    cpu: ThisCpu,
    core: &'s Core,
    stopped: Option<Stopped<'s>>,
}

/// The environment that is at a breakpoint.
struct Stopped<'s> {
    slot: Slot,
    frame: &'s mut TrapFrame,
}

/// What to do after a command.
enum Then {
    /// Ask for the next one.
    Prompt,
    /// Let the environment go on.
    GoOn,
}

/// Why a command did nothing; printed as a line.
type Complaint = &'static str;
type Done = Result<Then, Complaint>;

struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(&mut Session<'_>, &[&str]) -> Done,
}

/// Makes the table's entries.
const fn command(
    name: &'static str,
    about: &'static str,
    run: fn(&mut Session<'_>, &[&str]) -> Done,
) -> Command {
    Command { name, about, run }
}

/// Every command. Numbers are hexadecimal, but for N.
static COMMANDS: [Command; 13] = [
    command("help", "Display this list of commands", help),
    command("kerninfo", "Display information about the kernel", kerninfo),
    command("backtrace", "Display the calls that led here", backtrace),
    command("envs", "Display all environments", environments::list),
    command(
        "mappings",
        "[ID] Display what an environment maps",
        memory::mappings,
    ),
    command(
        "memory",
        "ADDR [N] Display N words of memory, at most 4096",
        memory::show,
    ),
    command(
        "physical",
        "ADDR [N] Display N words of physical memory, at most 4096",
        memory::show_physical,
    ),
    command(
        "walk",
        "ADDR [ID] Display the page-table entries for an address",
        memory::walk,
    ),
    command(
        "trace",
        "[N] Display the last N records of the trace",
        trace,
    ),
    command("strays", "Display interrupts that concerned nobody", strays),
    command("step", "Execute one instruction of the environment", step),
    command("continue", "Let the environment go on", go_on),
    command("c", "Short for continue", go_on),
];

/// The environment on this CPU is at a breakpoint, or has made a single step,
/// with these registers.
pub fn at_breakpoint(cpu: ThisCpu, holder: &Holder, devices: &mut Devices, frame: &mut TrapFrame) {
    let core = holder.view();
    let Some(slot) = core.cpus().current(cpu.id()) else {
        return;
    };
    say!("Incoming TRAP frame at {:#x}", &raw const *frame as u32);
    if Vector(frame.trapno) == Vector::BREAKPOINT {
        welcome();
    }
    // Writing to the port cannot fail.
    let _ = write!(Synchronous, "{}", core.dump(cpu.id(), slot, frame, None));
    let stopped = Some(Stopped { slot, frame });
    Session { cpu, core, stopped }.run(devices);
}

/// Nothing is left to run.
pub fn at_the_end(cpu: ThisCpu, holder: &Holder, devices: &mut Devices) -> ! {
    console::hush();
    welcome();
    let mut session = Session {
        cpu,
        core: holder.view(),
        stopped: None,
    };
    loop {
        session.run(devices);
    }
}

fn welcome() {
    say!("Welcome to the JOS kernel monitor!");
    say!("Type 'help' for a list of commands.");
}

impl Session<'_> {
    /// Reads and obeys commands until one lets the environment go on.
    fn run(&mut self, devices: &mut Devices) {
        let mut line = [0; LINE];
        loop {
            // Whoever stops the machine in `readline` has seen everything.
            COM1.drain();
            match self.obey(readline(devices, "K> ", &mut line)) {
                Ok(Then::Prompt) => {}
                Ok(Then::GoOn) => return,
                Err(complaint) => say!("{complaint}"),
            }
        }
    }

    fn obey(&mut self, line: &str) -> Done {
        let mut words = ArrayVec::<&str, MAX_WORDS>::new();
        for word in line.split_ascii_whitespace() {
            if words.try_push(word).is_err() {
                say!("Too many arguments (max {MAX_WORDS})");
                return Ok(Then::Prompt);
            }
        }
        let Some((name, arguments)) = words.split_first() else {
            return Ok(Then::Prompt);
        };
        match COMMANDS.iter().find(|command| command.name == *name) {
            Some(command) => (command.run)(self, arguments),
            None => {
                say!("Unknown command '{name}'");
                Ok(Then::Prompt)
            }
        }
    }

    /// The address space that a command means: that of the environment that is
    /// named, else of the one that is stopped, else the kernel's.
    fn space(&self, id: Option<&&str>) -> Result<Space, Complaint> {
        let slot = match id {
            Some(id) => Some(environments::named(self.core, id)?),
            None => self.stopped.as_ref().map(|stopped| stopped.slot),
        };
        Ok(match slot {
            Some(slot) => self.core.envs()[slot].space(),
            None => Space {
                pgdir: self.core.config().kernel_pgdir,
            },
        })
    }

    /// Lets the environment go on, with the trap flag set or clear.
    fn leave(&mut self, trap_flag: u32) -> Done {
        let stopped = self.stopped.as_mut().ok_or("No environment is stopped")?;
        stopped.frame.eflags = stopped.frame.eflags & !FLAG_TF | trap_flag;
        Ok(Then::GoOn)
    }
}

fn help(_: &mut Session<'_>, _: &[&str]) -> Done {
    for command in &COMMANDS {
        say!("{} - {}", command.name, command.about);
    }
    say!("Numbers are hexadecimal, but for N.");
    Ok(Then::Prompt)
}

fn kerninfo(_: &mut Session<'_>, _: &[&str]) -> Done {
    let image = address_space::image();
    say!("Special kernel symbols:");
    say!(
        "  _start                  {:08x} (phys)",
        physical(image.entry)
    );
    let symbols = [
        ("entry", image.entry),
        ("etext", image.text),
        ("edata", image.data),
        ("end", image.end),
    ];
    for (name, va) in symbols {
        say!("  {name:<6} {va:08x} (virt)  {:08x} (phys)", physical(va));
    }
    let kib = (image.end - image.entry).div_ceil(1024);
    say!("Kernel executable memory footprint: {kib}KB");
    Ok(Then::Prompt)
}

/// The environment's calls, if one is stopped, else the kernel's.
fn backtrace(session: &mut Session<'_>, _: &[&str]) -> Done {
    let space = session.space(None)?;
    let core = session.core;
    match &session.stopped {
        Some(Stopped { frame, .. }) => {
            say!("At eip {:08x}", frame.eip);
            panic::backtrace(frame.regs.ebp, |va| memory::word(core, space, va));
        }
        None => panic::backtrace(x86::ebp(), |va| session.cpu.stack_word(va)),
    }
    Ok(Then::Prompt)
}

/// Records shown if nobody says how many.
const FEW_RECORDS: usize = 16;

fn trace(session: &mut Session<'_>, arguments: &[&str]) -> Done {
    let trace = session.core.trace();
    if !trace.is_on() {
        return Err("No trace is kept (kernel argument trace=on)");
    }
    let count = match arguments.first() {
        Some(count) => count.parse().map_err(|_| "Not a number")?,
        None => FEW_RECORDS,
    };
    for record in trace.recent(count) {
        say!("{record}");
    }
    say!("{} records in all", trace.made());
    Ok(Then::Prompt)
}

fn strays(_: &mut Session<'_>, _: &[&str]) -> Done {
    for (name, count) in trap::strays() {
        say!("{count} {name}");
    }
    Ok(Then::Prompt)
}

fn step(session: &mut Session<'_>, _: &[&str]) -> Done {
    session.leave(FLAG_TF)
}

fn go_on(session: &mut Session<'_>, _: &[&str]) -> Done {
    session.leave(0)
}
