//! From the facts that the kernel tells to records.
//!
//! The hard thing is to say when an environment gets a CPU. The kernel does not
//! report a switch where it happens, because that is where it must be quickest.
//! But every entry names the environment that enters, and every end of a step
//! names the one on the CPU. If that is not the environment that the records
//! have there, a switch has happened, and gets a record of its own.

use super::record::{Mapping, Start};
use super::{Cause, Content, Trace};
use abi::{EnvId, Personality, TrapFrame};
use kcore::event::Event;
use kcore::ids::{CpuId, MAX_CPUS};
use kcore::step::Remote;
use kcore::watch::{Fact, Running, Watcher};

impl Watcher for Trace<'_> {
    #[inline(always)]
    fn is_listening(&self) -> bool {
        self.is_on()
    }

    fn hear(&mut self, fact: Fact) {
        match fact {
            Fact::Entered {
                now,
                cpu,
                event,
                running,
                frame,
            } => self.entered(
                Start::new(now, cpu, cause(event, running, &frame)),
                cpu,
                event,
                running,
                &frame,
            ),
            Fact::Left {
                cpu,
                running,
                idles,
                asked,
                woken,
            } => {
                match asked {
                    Some(Remote::Flush(cpu)) => self.put(Content::Flushes { cpu }),
                    Some(Remote::Stop(cpu)) => self.put(Content::Stops { cpu }),
                    None => {}
                }
                if !woken.is_empty() {
                    self.put(Content::Wakes { cpus: woken });
                }
                self.note_presence(cpu, running);
                if idles {
                    self.put_for(EnvId::NONE, Content::Idled);
                }
            }
            Fact::Parked { cpu, env, eip } => {
                *self.on_cpu(cpu) = EnvId::NONE;
                self.put(Content::Parked { cpu, env, eip });
            }
            Fact::Mapped { now, before } => {
                if before.is_present() {
                    let entry = before;
                    self.put(Content::Removed(Mapping { entry, ..now }));
                }
                if now.entry.is_present() {
                    self.put(Content::Inserted(now));
                }
            }
            Fact::TableMade(made) => self.put(Content::TableMade(made)),
            Fact::Freed { frame } => self.put(Content::Freed { frame }),
            Fact::Delivered {
                to,
                from,
                value,
                perm,
            } => self.put(Content::Delivered {
                to,
                from,
                value,
                perm,
            }),
            Fact::WaitsToSend { to, value, va } => self.put(Content::Sends { to, value, va }),
            Fact::WaitsToReceive { va } => self.put(Content::Receives { va }),
            Fact::Born { env, parent, pgdir } => self.put(Content::Born { env, parent, pgdir }),
            Fact::Died { env, killer, pgdir } => self.put(Content::Died { env, killer, pgdir }),
        }
    }
}

/// Why the kernel was entered.
fn cause(event: Event, running: Option<Running>, frame: &TrapFrame) -> Cause {
    let personality = running.map_or(Personality::default(), |running| running.personality);
    Cause::of(event, personality, frame)
}

impl Trace<'_> {
    /// Starts an entry: all records that follow belong to it.
    fn entered(
        &mut self,
        start: Start,
        cpu: CpuId,
        event: Event,
        running: Option<Running>,
        frame: &TrapFrame,
    ) {
        self.start = start;
        self.env = running.map_or(EnvId::NONE, |running| running.env);
        self.note_presence(cpu, running);
        let eip = running.map_or(0, |_| frame.eip);
        let regs = &frame.regs;
        let arguments = match event {
            Event::Syscall | Event::FastSyscall => [regs.edx, regs.ecx, regs.ebx],
            Event::PageFault { va } => [va, frame.err, 0],
            Event::Exception => [frame.err, 0, 0],
            _ => [0; 3],
        };
        self.put(Content::Entered { eip, arguments });
    }

    /// Notes a switch, if `cpu` has another environment than the records say.
    fn note_presence(&mut self, cpu: CpuId, running: Option<Running>) {
        let id = running.map_or(EnvId::NONE, |running| running.env);
        let known = self.on_cpu(cpu);
        if *known == id {
            return;
        }
        *known = id;
        if let Some(Running { pgdir, .. }) = running {
            self.put_for(id, Content::Switched { pgdir });
        }
    }

    fn on_cpu(&mut self, cpu: CpuId) -> &mut EnvId {
        &mut self.on_cpu[cpu.0 as usize % MAX_CPUS]
    }
}
