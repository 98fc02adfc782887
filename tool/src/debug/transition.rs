//! From one position to the next, and whether that was worth a stop.
//!
//! The hard thing is to know what was executed and what was used, which is only known
//! afterwards: so before each transition it is noted where every CPU goes on, and where
//! the watched bytes are, since the kernel may put another page there.

use kcore::ids::MAX_CPUS;
use pc::noted::Noted;

use super::happened;
use super::session::Session;
use super::stops::{Hit, LONGEST_WATCH, Transition, Watch, Watched};

/// The watched bytes, each with its physical address; nothing where nothing is mapped.
type Bytes = [Option<(u32, u8)>; LONGEST_WATCH as usize];

/// What was seen of the watches at a position.
pub struct Seen(Vec<Bytes>);

impl Session<'_> {
    /// Makes one transition, if there is one to make.
    pub fn transition(&mut self) -> Option<Transition> {
        let before = self.position();
        let mut addresses = [0; MAX_CPUS];
        let mut envs = [None; MAX_CPUS];
        for cpu in self.pc.machine.cpu_ids() {
            addresses[cpu.0 as usize] = self.pc.eip(cpu);
            envs[cpu.0 as usize] = self.pc.machine.env_on(cpu);
        }
        let noting = self.stops.need_accesses();
        if noting {
            self.pc.note_accesses(true);
        }
        let moved = self.forward(1);
        if noting {
            self.accesses = self.pc.take_accesses();
            self.pc.note_accesses(false);
        }
        if moved == 0 {
            return None;
        }
        let cpu = self.pc.latest();
        let address = addresses[cpu.0 as usize];
        let env = self.pc.machine.env_on(cpu);
        Some(Transition {
            before,
            cpu,
            executed: self.pc.moved().then_some(address),
            crashed: happened::crashed(&self.pc.machine.trace),
            began: env.filter(|_| env != envs[cpu.0 as usize]),
        })
    }

    /// Looks at what is watched.
    pub fn seen(&self) -> Seen {
        let watches = self.stops.watches.iter();
        Seen(watches.map(|watch| self.bytes(watch)).collect())
    }

    /// Why the transition that came here is worth a stop. `seen` is from before it,
    /// and from here afterwards. Breakpoints do not count if it is the way out of one.
    pub fn hit(&self, transition: &Transition, seen: &mut Seen, out: bool) -> Option<Hit> {
        let mut watched = None;
        for (watch, old) in self.stops.watches.iter().zip(&mut seen.0) {
            let new = self.bytes(watch);
            if is_hit(watch.kind, old, &new, &self.accesses) {
                watched = watched.or(Some(*watch));
            }
            *old = new;
        }
        let before = self.stops.before(transition).filter(|_| !out);
        before
            .or(watched.map(Hit::Watch))
            .or_else(|| self.stops.begins(transition))
    }

    fn bytes(&self, watch: &Watch) -> Bytes {
        let mut bytes = [None; LONGEST_WATCH as usize];
        if let Some(directory) = self.pc.directory(watch.env) {
            for (offset, byte) in (0..watch.len).zip(&mut bytes) {
                *byte = self.pc.place(directory, watch.va.wrapping_add(offset));
            }
        }
        bytes
    }
}

/// Whether a watch stops, by its bytes before and after, and what was used meanwhile.
fn is_hit(kind: Watched, old: &Bytes, new: &Bytes, accesses: &[Noted]) -> bool {
    let value = |byte: &Option<(u32, u8)>| byte.map(|(_, value)| value);
    let changed = || old.iter().map(value).ne(new.iter().map(value));
    let used = |noted: &Noted| old.iter().flatten().any(|&(pa, _)| noted.uses(pa));
    match kind {
        Watched::Change => changed(),
        Watched::Read => accesses.iter().any(|noted| !noted.write && used(noted)),
        Watched::Access => changed() || accesses.iter().any(used),
    }
}
