//! The list of commands, and the short ones among them.

use crate::backtrace::{Calls, HEADING};
use crate::session::{Done, Session, Stopped, Then, say};
use crate::{environments, memory};
use abi::layout::KERNBASE;
use abi::trap::FLAG_TF;
use kcore::PhysMem;

/// How many records of the trace are shown by default.
const FEW_RECORDS: usize = 16;

/// A command, by the word that a person types.
pub struct Command<M: PhysMem> {
    name: &'static str,
    about: &'static str,
    /// Runs it, with the words that follow its name.
    pub run: fn(&mut Session<'_, M>, &[&str]) -> Done,
}

impl<M: PhysMem> Command<M> {
    /// Every command. Numbers are hexadecimal, except N.
    const ALL: [Self; 13] = [
        Self::new("help", "Display this list of commands", help),
        Self::new(
            "kerninfo",
            "Display information about the kernel",
            kernel_info,
        ),
        Self::new(
            "backtrace",
            "Display the calls that led here",
            show_backtrace,
        ),
        Self::new("envs", "Display all environments", environments::list),
        Self::new(
            "mappings",
            "[ID] Display what an environment maps",
            memory::mappings,
        ),
        Self::new(
            "memory",
            "ADDR [N] Display N words of memory, at most 4096",
            memory::show,
        ),
        Self::new(
            "physical",
            "ADDR [N] Display N words of physical memory, at most 4096",
            memory::show_physical,
        ),
        Self::new(
            "walk",
            "ADDR [ID] Display the page-table entries for an address",
            memory::walk,
        ),
        Self::new(
            "trace",
            "[N] Display the last N records of the trace",
            show_trace,
        ),
        Self::new(
            "strays",
            "Display interrupts that concerned nobody",
            show_strays,
        ),
        Self::new("step", "Execute one instruction of the environment", step),
        Self::new("continue", "Let the environment go on", go_on),
        Self::new("c", "Short for continue", go_on),
    ];

    const fn new(
        name: &'static str,
        about: &'static str,
        run: fn(&mut Session<'_, M>, &[&str]) -> Done,
    ) -> Self {
        Self { name, about, run }
    }

    /// The command with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.name == name)
    }
}

fn help<M: PhysMem>(session: &mut Session<'_, M>, _: &[&str]) -> Done {
    for command in Command::<M>::ALL {
        say!(session.machine, "{} - {}", command.name, command.about);
    }
    say!(session.machine, "Numbers are hexadecimal, but for N.");
    Ok(Then::Prompt)
}

fn kernel_info<M: PhysMem>(session: &mut Session<'_, M>, _: &[&str]) -> Done {
    let image = session.machine.image();
    let physical = |va: u32| va.wrapping_sub(KERNBASE);
    say!(session.machine, "Special kernel symbols:");
    say!(
        session.machine,
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
        say!(
            session.machine,
            "  {name:<6} {va:08x} (virt)  {:08x} (phys)",
            physical(va)
        );
    }
    let kib = image.end.wrapping_sub(image.entry).div_ceil(1024);
    say!(
        session.machine,
        "Kernel executable memory footprint: {kib}KB"
    );
    Ok(Then::Prompt)
}

/// Shows the calls of the stopped environment, or else the kernel's.
fn show_backtrace<M: PhysMem>(session: &mut Session<'_, M>, _: &[&str]) -> Done {
    let space = session.space(None)?;
    let kernel = session.kernel;
    let mut calls = match &session.stopped {
        Some(Stopped { frame, .. }) => {
            say!(session.machine, "At eip {:08x}", frame.eip);
            Calls::from(frame.regs.ebp)
        }
        None => Calls::from(session.machine.frame_pointer()),
    };
    say!(session.machine, "{HEADING}");
    let of_environment = session.stopped.is_some();
    while let Some(call) = calls.next(|va| {
        if of_environment {
            memory::word(kernel, space, va)
        } else {
            session.machine.stack_word(va)
        }
    }) {
        say!(session.machine, "{call}");
    }
    Ok(Then::Prompt)
}

fn show_trace<M: PhysMem>(session: &mut Session<'_, M>, arguments: &[&str]) -> Done {
    let trace = session.kernel.watcher();
    if !trace.is_on() {
        return Err("No trace is kept (kernel argument trace=on)");
    }
    let count = match arguments.first() {
        Some(count) => count.parse().map_err(|_| "Not a number")?,
        None => FEW_RECORDS,
    };
    for record in trace.recent(count) {
        say!(session.machine, "{record}");
    }
    say!(session.machine, "{} records in all", trace.made());
    Ok(Then::Prompt)
}

fn show_strays<M: PhysMem>(session: &mut Session<'_, M>, _: &[&str]) -> Done {
    for (name, count) in session.machine.strays() {
        say!(session.machine, "{count} {name}");
    }
    Ok(Then::Prompt)
}

fn step<M: PhysMem>(session: &mut Session<'_, M>, _: &[&str]) -> Done {
    session.leave(FLAG_TF)
}

fn go_on<M: PhysMem>(session: &mut Session<'_, M>, _: &[&str]) -> Done {
    session.leave(0)
}
