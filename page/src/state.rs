//! The machine where it stands: CPUs, environments, the last step of the kernel.
//!
//! The hard thing is to say in words what a CPU is doing when it is in no program.

use crate::code;
use crate::json::Json;
use crate::session::Session;
use abi::{EnvStatus, TrapFrame};
use kcore::env::{Env, Wait};
use kcore::{CpuId, Event};
use pc::crossing::to_frame;
use sim::machine::Mode;

/// Instructions before the one that comes next.
const BEFORE: usize = 3;
/// Instructions from that one on.
const AFTER: usize = 6;

/// Everything that the page shows at once.
pub fn state(session: &Session) -> String {
    let mut json = Json::default();
    json.object(|json| {
        let pc = &session.pc;
        json.plain("position", session.position());
        json.plain("end", session.end());
        json.plain("whole", session.is_whole());
        json.plain("ended", pc.has_ended());
        json.plain("asleep", pc.is_asleep());
        json.plain("now", pc.machine.now);
        json.plain("executed", pc.executed());
        json.plain("latest", pc.latest().0);
        json.plain("printed", session.story.printed_at(session.position()));
        json.plain("lost", session.story.lost());
        json.string("hands", session.repeated());
        json.list("cpus", |json| {
            for id in pc.machine.cpu_ids() {
                json.object(|json| cpu(session, id, json));
            }
        });
        json.list("envs", |json| {
            let envs = pc.machine.kernel.envs();
            for env in envs.used().map(|slot| &envs[slot]).filter(|env| env.alive) {
                json.object(|json| environment(session, env, json));
            }
        });
        last_step(session, json);
    });
    json.text()
}

fn cpu(session: &Session, id: CpuId, json: &mut Json) {
    let pc = &session.pc;
    let own = pc.machine.cpu(id);
    let env = pc.machine.env_on(id);
    json.string("mode", mode(session, id));
    json.plain("moves", pc.can_move(id) && !pc.has_ended());
    json.plain(
        "kernel",
        !matches!(own.mode, Mode::User | Mode::Idle | Mode::Off),
    );
    if let Some(env) = env {
        json.word("env", env.0.cast_unsigned());
    }
    json.plain("remembers", own.tlb.iter().count());
    let stores = pc.stores(id);
    if let Some((pa, size, value)) = stores.oldest() {
        json.string("store", format_args!("{size} bytes at {pa:08x}: {value:x}"));
    }
    let frame = to_frame(&pc.registers(id));
    // One without an environment has no registers to speak of.
    if frame == TrapFrame::default() {
        return;
    }
    json.member("registers", |json| registers(&frame, json));
    json.list("code", |json| {
        for line in code::around(pc, own.cr3, frame.eip, BEFORE, AFTER) {
            json.object(|json| {
                json.word("at", line.at);
                json.string("text", line.text);
            });
        }
    });
}

fn registers(frame: &TrapFrame, json: &mut Json) {
    let r = &frame.regs;
    for (name, value) in [
        ("eip", frame.eip),
        ("esp", frame.esp),
        ("ebp", r.ebp),
        ("eax", r.eax),
        ("ebx", r.ebx),
        ("ecx", r.ecx),
        ("edx", r.edx),
        ("esi", r.esi),
        ("edi", r.edi),
    ] {
        json.word(name, value);
    }
    let flags = [
        (0, "CF"),
        (2, "PF"),
        (4, "AF"),
        (6, "ZF"),
        (7, "SF"),
        (8, "TF"),
        (10, "DF"),
        (11, "OF"),
    ];
    let set = flags.iter().filter(|(bit, _)| frame.eflags >> bit & 1 != 0);
    let set: Vec<&str> = set.map(|(_, name)| *name).collect();
    json.string("flags", set.join(" "));
}

fn mode(session: &Session, id: CpuId) -> String {
    let machine = &session.pc.machine;
    let why = |event| match event {
        Event::Syscall | Event::FastSyscall => "a system call",
        Event::Exception => "an exception",
        Event::PageFault { .. } => "a page fault",
        Event::FpuUse => "its first x87 instruction",
        Event::Timer => "its timer",
        Event::Wake => "a wake-up",
        Event::ConsoleReady => "the console",
        Event::ConsoleInput { .. } => "a key",
    };
    match machine.cpu(id).mode {
        Mode::User => "runs".into(),
        Mode::Serving => "answers another CPU".into(),
        Mode::Waiting(event) => format!("waits for the lock: {}", why(event)),
        Mode::Performing => match machine.holder.and_then(|holder| holder.target()) {
            Some(target) => format!("holds the lock, waits for CPU {}", target.0),
            None => "holds the lock".into(),
        },
        Mode::Idle => "idle".into(),
        Mode::Off => "off".into(),
    }
}

fn environment(session: &Session, env: &Env, json: &mut Json) {
    let pc = &session.pc;
    json.word("id", env.id.0.cast_unsigned());
    json.word("parent", env.parent.0.cast_unsigned());
    let status = match (env.status(), env.wait) {
        (EnvStatus::Running, _) => "running",
        (_, Wait::Message | Wait::MessageOf(_)) => "waits for a message",
        (_, Wait::Receiver(_)) => "waits to send",
        (_, Wait::Console) => "waits for the console",
        (_, Wait::Input) => "waits for a key",
        (_, Wait::Alarm) => "sleeps",
        (_, Wait::Word(_)) => "waits for a word",
        (EnvStatus::Runnable, _) => "runnable",
        _ => "not runnable",
    };
    json.string("status", status);
    if let Some(cpu) = env.on_cpu {
        json.plain("cpu", cpu.0);
    }
    if let Wait::Receiver(slot) = env.wait {
        let receiver = pc.machine.kernel.envs()[slot].id;
        json.word("to", receiver.0.cast_unsigned());
    }
    json.plain("runs", env.runs);
    let memory = pc.machine.kernel.memory();
    json.plain("pages", env.space.mappings(memory).count());
}

/// The records of the last step up to here.
fn last_step(session: &Session, json: &mut Json) {
    let story = &session.story;
    let Some(last) = story.until(session.position()).checked_sub(1) else {
        return;
    };
    json.member("step", |json| step(session, last, json));
}

/// The records of the step that this one belongs to.
fn step(session: &Session, index: usize, json: &mut Json) {
    let story = &session.story;
    let range = story.step_of(index);
    if let Some((place, record)) = story.record(range.start) {
        json.plain("place", place);
        json.plain("cpu", record.cpu.0);
        json.word("env", record.env.0.cast_unsigned());
        json.string("cause", record.cause);
    }
    json.list("records", |json| {
        for (_, record) in range.filter_map(|index| story.record(index)) {
            json.object(|json| {
                json.string("kind", record.content.kind().name());
                json.string("text", record.content);
            });
        }
    });
}

/// The step that a record of the story belongs to, as text.
pub fn step_of(session: &Session, index: usize) -> String {
    let mut json = Json::default();
    json.object(|json| {
        if index < session.story.len() {
            step(session, index, json);
        }
    });
    json.text()
}
