//! What a debugger shows of a machine, as lines.
//!
//! The hard thing is a CPU that is in the kernel: there are no registers of the kernel
//! to show, as the kernel is not interpreted. What is shown is the program that it was
//! entered from.

use std::fmt::Write;

use kcore::CpuId;
use ring3::Registers;
use ring3::registers::number::{EAX, EBP, EBX, ECX, EDI, EDX, ESI, ESP};
use sim::machine::Mode;

use super::programs::Programs;
use super::session::Session;

/// Where a CPU stands: a line, and one for each function that its instruction is in.
pub fn place(session: &Session<'_>, programs: &Programs, cpu: CpuId) -> String {
    let position = session.position();
    let mut text = format!("position {position}: {}\n", doing(session, programs, cpu));
    let env = session.pc.machine.env_on(cpu);
    if let Some(names) = env.and_then(|env| programs.names(&session.pc, env)) {
        for line in names.at(session.pc.eip(cpu)) {
            text += &format!("  {line}\n");
        }
    }
    text
}

/// What a CPU is doing, in a line.
pub fn doing(session: &Session<'_>, programs: &Programs, cpu: CpuId) -> String {
    let machine = &session.pc.machine;
    let mode = match machine.cpu(cpu).mode {
        Mode::User => String::new(),
        Mode::Serving => ", interrupted by another CPU".into(),
        Mode::Waiting(event) => format!(", enters the kernel: {event:?}"),
        Mode::Performing => ", in the kernel, waits for another CPU".into(),
        Mode::Idle => ", idle".into(),
        Mode::Off => ", off".into(),
    };
    let Some(env) = machine.env_on(cpu) else {
        return format!("CPU {}{mode}", cpu.0);
    };
    let name = programs.name(&session.pc, env);
    let name = name.map_or(String::new(), |name| format!(" ({})", printable(&name)));
    let eip = session.pc.eip(cpu);
    format!("CPU {}, [{env}]{name} at {eip:#010x}{mode}", cpu.0)
}

/// All CPUs; a star for the one in focus.
pub fn cpus(session: &Session<'_>, programs: &Programs) -> String {
    let line = |cpu: CpuId| {
        let star = if cpu == session.focus { '*' } else { ' ' };
        format!("{star} {}\n", doing(session, programs, cpu))
    };
    session.pc.machine.cpu_ids().map(line).collect()
}

/// All environments.
pub fn envs(session: &Session<'_>, programs: &Programs) -> String {
    let envs = session.pc.machine.kernel.envs();
    let mut text = String::new();
    for slot in envs.used().filter(|&slot| envs[slot].alive) {
        let env = &envs[slot];
        let cpu = env
            .on_cpu
            .map_or(String::new(), |cpu| format!(" on CPU {}", cpu.0));
        let wait = match env.wait {
            kcore::env::Wait::Nothing => String::new(),
            wait => format!(", waits: {wait:?}"),
        };
        let name = programs.name(&session.pc, env.id).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "[{}] parent {} {:?}{cpu}, {} runs{wait} {}",
            env.id,
            env.parent,
            env.status(),
            env.runs,
            printable(&name)
        );
    }
    text
}

/// The registers of the program on a CPU.
pub fn registers(registers: &Registers) -> String {
    let named = [
        ("eax", EAX),
        ("ebx", EBX),
        ("ecx", ECX),
        ("edx", EDX),
        ("esi", ESI),
        ("edi", EDI),
        ("ebp", EBP),
        ("esp", ESP),
    ];
    let mut text = String::new();
    for (index, (name, number)) in named.into_iter().enumerate() {
        let end = if index % 4 == 3 { '\n' } else { ' ' };
        text += &format!("{name} {:08x}{end}", registers.get(number));
    }
    let flags = registers.flags.bits();
    text + &format!("eip {:08x} eflags {flags:08x}\n", registers.eip)
}

/// Words of memory, four to a line; dashes where nothing is mapped.
pub fn memory(session: &Session<'_>, cpu: CpuId, address: u32, words: u32) -> String {
    let mut text = String::new();
    for index in 0..words {
        let va = address.wrapping_add(index * 4);
        if index % 4 == 0 {
            text += &format!("{va:08x}:");
        }
        match word(session, cpu, va) {
            Some(word) => text += &format!(" {word:08x}"),
            None => text += " --------",
        }
        if index % 4 == 3 || index + 1 == words {
            text.push('\n');
        }
    }
    text
}

fn word(session: &Session<'_>, cpu: CpuId, va: u32) -> Option<u32> {
    let mut bytes = [0; 4];
    for (offset, byte) in (0..).zip(&mut bytes) {
        *byte = session.pc.byte_on(cpu, va.wrapping_add(offset))?;
    }
    Some(u32::from_le_bytes(bytes))
}

/// A file may have any name.
fn printable(name: &str) -> String {
    name.replace(char::is_control, "?")
}
