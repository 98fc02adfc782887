//! A simulated machine with its history: what every debugger here stands on.
//!
//! The hard thing is the console. What a run prints comes out when a position is first
//! reached, and never again; so it is kept here with its position, and what had been
//! printed at an earlier one is worked out by running that piece once more.

use kcore::CpuId;
use pc::boot::Setup;
use pc::ide::Ide;
use pc::noted::Noted;
use pc::plan::Plan;
use pc::typing::Typing;
use pc::{History, Pc};
use sim::machine::{Machine, Store};

use super::stops::Stops;

/// Positions that are made at once, while nobody looks at each.
pub const STRETCH: u64 = 20_000;

/// A machine, and every position of its run.
pub struct Session<'t> {
    /// The machine, at the current position.
    pub pc: Pc<'t>,
    /// The run.
    pub history: History,
    /// Where to stop.
    pub stops: Stops,
    /// The CPU that is looked at.
    pub focus: CpuId,
    /// Which memory the last transition used, if a watch asks for that.
    pub(super) accesses: Vec<Noted>,
    /// The position and the CPU of the last stop before an instruction.
    pub(super) stands_at: Option<(u64, CpuId)>,
    printed: Vec<Piece>,
    /// How much of `printed` was handed out by [`Session::news`].
    told: usize,
}

/// What decides a run, beside what is booted.
pub struct Start {
    /// Who moves next.
    pub plan: Plan,
    /// Whether stores become visible late.
    pub store_buffers: bool,
    /// The disk. What the guest writes to it stays in the machine.
    pub disk: Option<Ide>,
    /// What was typed at this run before.
    pub typing: Typing,
}

/// What was printed between two positions.
struct Piece {
    from: u64,
    to: u64,
    text: Vec<u8>,
}

impl<'t> Session<'t> {
    /// Boots, up to the first instruction; `store` was made for [`Setup::spec`], and the setup keeps a
    /// trace, by which it is known what happens in the kernel. This is the one way to make a
    /// session, whoever says what happens on the machine.
    pub fn new(store: &'t mut Store, setup: &Setup, start: Start) -> Session<'t> {
        let mut machine = Machine::new(store, setup.spec());
        let mut greeting = setup.greeting();
        for complaint in setup.boot(&mut machine) {
            greeting += &format!("{complaint}\n");
        }
        let mut pc = Pc::with_plan(machine, start.plan, start.store_buffers);
        pc.disk = start.disk;
        pc.repeat_typing(start.typing);
        // The beginning is where there is something to see.
        while !pc.is_in_ring3(pc.latest()) && pc.advance(1) > 0 {}
        greeting += &String::from_utf8_lossy(&pc.take_output());
        let history = History::new(&mut pc);
        Session {
            stops: Stops::default(),
            focus: pc.latest(),
            accesses: Vec::new(),
            stands_at: None,
            printed: vec![Piece {
                from: 0,
                to: history.start(),
                text: greeting.into_bytes(),
            }],
            told: 0,
            pc,
            history,
        }
    }

    /// The current position.
    pub fn position(&self) -> u64 {
        self.pc.position()
    }

    /// Goes on by at most `most` positions; returns how many there were.
    pub fn forward(&mut self, most: u64) -> u64 {
        let start = self.position();
        loop {
            let here = self.position();
            let left = most.saturating_sub(here - start).min(STRETCH);
            // What was printed before the history's end is known.
            let known = self.history.end() - here;
            let left = if known > 0 { left.min(known) } else { left };
            if left == 0 {
                return self.position() - start;
            }
            self.pc.machine.trace.clear();
            if self.history.forward(&mut self.pc, left) == 0 {
                return self.position() - start;
            }
            let text = self.pc.take_output();
            if known == 0 {
                self.keep(here, text);
            }
        }
    }

    /// Goes to a position, or as far as the run goes.
    pub fn go_to(&mut self, position: u64) {
        let known = position.min(self.history.end());
        let changed = self.history.changed();
        self.history.go_to(&mut self.pc, known);
        self.pc.take_output();
        if self.history.changed() != changed {
            self.forget_output();
        }
        self.forward(position.saturating_sub(known));
        self.focus = self.pc.latest();
    }

    /// Types something on the console, here.
    pub fn type_in(&mut self, bytes: &[u8]) {
        self.pc.type_in(bytes);
        self.was_changed();
    }

    /// Writes into the space that `cpu` has loaded, here: all of it, or nothing and
    /// false if something there is not mapped.
    pub fn write(&mut self, cpu: CpuId, va: u32, bytes: &[u8]) -> bool {
        let places = || (0..).map(|offset| va.wrapping_add(offset)).zip(bytes);
        let mapped = |(va, _)| self.pc.byte_on(cpu, va).is_some();
        if !places().all(mapped) {
            return false;
        }
        for (va, &byte) in places() {
            self.pc.set_byte_on(cpu, va, byte);
        }
        self.was_changed();
        true
    }

    /// The machine was changed here, so what was seen beyond is no longer true.
    pub fn was_changed(&mut self) {
        self.history.cut(&mut self.pc);
        self.forget_output();
    }

    /// What was printed up to here.
    pub fn output(&mut self) -> Vec<u8> {
        let here = self.position();
        let mut text = Vec::new();
        let mut cut = None;
        for piece in &self.printed {
            if piece.to <= here {
                text.extend(&piece.text);
            } else if piece.from < here {
                cut = Some(piece.from);
            }
        }
        if let Some(from) = cut {
            let focus = self.focus;
            self.history.go_to(&mut self.pc, from);
            self.pc.take_output();
            self.history.forward(&mut self.pc, here - from);
            text.extend(self.pc.take_output());
            self.focus = focus;
        }
        text
    }

    /// What was printed for the first time since the last call.
    pub fn news(&mut self) -> Vec<u8> {
        let new = self.printed.iter().skip(self.told);
        let text = new.flat_map(|piece| piece.text.iter().copied()).collect();
        self.told = self.printed.len();
        text
    }

    fn keep(&mut self, from: u64, text: Vec<u8>) {
        if !text.is_empty() {
            let to = self.position();
            self.printed.push(Piece { from, to, text });
        }
    }

    /// Forgets what was printed after the history's end.
    fn forget_output(&mut self) {
        let end = self.history.end();
        self.printed.retain(|piece| piece.to <= end);
        self.told = self.told.min(self.printed.len());
    }
}
