//! One run: anywhere in it, and what somebody changed by hand.
//!
//! The hard thing is what was done by hand, which no plan knows of: keys that were
//! typed, a CPU that was told to move. It is kept with its positions, and done again
//! whenever the run passes there. A snapshot that was taken later has it in itself.

use crate::request::Request;
use crate::story::Story;
use kcore::CpuId;
use pc::plan::Move;
use pc::{History, Pc};

/// Something done by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hand {
    /// Bytes were typed.
    Typed(Vec<u8>),
    /// A CPU has to move next, for at most so many instructions.
    Moved(CpuId, u64),
}

/// A run.
pub struct Session {
    /// The machine, where it stands now.
    pub pc: Pc<'static>,
    history: History,
    /// What happened up to [`Session::end`].
    pub story: Story,
    /// Where something was done by hand, ascending.
    hands: Vec<(u64, Hand)>,
    /// How many of them the machine has in it.
    done: usize,
    /// The furthest position that was reached; a history forgets it when it goes back to
    /// before something that was done by hand.
    end: u64,
    is_whole: bool,
}

/// The most snapshots that are kept: a phone has to hold them.
const SNAPSHOTS: usize = 40;
/// The longest turn that somebody can give to a CPU by hand.
pub const LONGEST: u64 = 10_000;

impl Session {
    /// Boots a program. The machine stays for as long as the process does.
    ///
    /// # Errors
    /// Says why it cannot be run.
    pub fn boot(request: &Request, file: Vec<u8>, archive: Vec<u8>) -> Result<Session, String> {
        let setup = request.setup(file, archive)?;
        let mut pc = request.boot(&setup)?;
        let mut story = Story::new(&setup.greeting(), request.cpus.into());
        story.hear(&mut pc);
        Ok(Session {
            end: pc.position(),
            is_whole: false,
            history: History::with_most(&mut pc, SNAPSHOTS),
            pc,
            story,
            hands: Vec::new(),
            done: 0,
        })
    }

    /// Where it stands.
    pub fn position(&self) -> u64 {
        self.pc.position()
    }

    /// The furthest position that was reached.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Whether nothing comes after [`Session::end`] by itself.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// What was done by hand, with positions.
    pub fn hands(&self) -> &[(u64, Hand)] {
        &self.hands
    }

    /// Goes to a position, or as far as the run goes; returns where that is.
    pub fn go_to(&mut self, position: u64) -> u64 {
        let end = self.end();
        self.return_to(position.min(end));
        if position > end {
            self.explore(position - end, |_| false);
        }
        self.position()
    }

    /// Goes on by at most `most` positions.
    pub fn run(&mut self, most: u64) -> u64 {
        self.go_to(self.position().saturating_add(most))
    }

    /// Goes to where it has been before, which tells nothing new.
    fn return_to(&mut self, position: u64) {
        let before = self.history.before(position).position();
        let here = self.position();
        if position < here || before > here {
            self.history.go_to(&mut self.pc, before);
            // The first snapshot was taken before anything was done.
            self.done = match before == self.history.start() {
                true => 0,
                false => self.hands.partition_point(|(at, _)| *at < before),
            };
        }
        while let Some((at, hand)) = self.hands.get(self.done)
            && *at <= position
        {
            self.history.go_to(&mut self.pc, *at);
            obey(&mut self.pc, hand);
            self.done += 1;
        }
        self.history.go_to(&mut self.pc, position);
        self.pc.take_output();
        self.pc.machine.trace.clear();
    }

    /// Goes on from the end, by at most `most` positions or until the story is as
    /// wanted. Returns whether it is.
    pub fn explore(&mut self, most: u64, mut wanted: impl FnMut(&Story) -> bool) -> bool {
        self.return_to(self.end());
        let start = self.position();
        loop {
            let left = most - (self.position() - start);
            if left == 0 {
                return false;
            }
            if self.history.turn(&mut self.pc, left) == 0 {
                self.is_whole = self.history.is_whole();
                return false;
            }
            self.end = self.position();
            self.story.hear(&mut self.pc);
            if wanted(&self.story) {
                return true;
            }
        }
    }

    /// Types bytes, here and now. What was known to come later is forgotten.
    pub fn type_in(&mut self, bytes: &[u8]) {
        self.interfere(Hand::Typed(bytes.to_vec()));
    }

    /// `cpu` moves next, for at most so many instructions. What was known to come later
    /// is forgotten. Returns whether it can move.
    pub fn choose(&mut self, cpu: CpuId, length: u64) -> bool {
        let exists = usize::from(cpu.0) < self.pc.machine.cpus.len();
        if !exists || self.pc.has_ended() || !self.pc.can_move(cpu) {
            return false;
        }
        let here = self.position();
        // Only the last of several choices counts.
        self.hands
            .retain(|(at, hand)| *at != here || matches!(hand, Hand::Typed(_)));
        self.interfere(Hand::Moved(cpu, length.clamp(1, LONGEST)));
        true
    }

    fn interfere(&mut self, hand: Hand) {
        let here = self.position();
        self.hands.retain(|(at, _)| *at <= here);
        match self.hands.last() {
            // The snapshot here is from before that, which is done again from there.
            Some((at, _)) if *at == here => self.history.cut_after(here),
            _ => self.history.cut(&mut self.pc),
        }
        self.story.cut(here);
        (self.end, self.is_whole) = (here, false);
        obey(&mut self.pc, &hand);
        self.hands.push((here, hand));
        self.done = self.hands.len();
    }

    /// Does again what a link says was done by hand.
    ///
    /// # Errors
    /// Names a word that is not understood.
    pub fn repeat(&mut self, text: &str) -> Result<(), String> {
        for word in text.split(',').filter(|word| !word.is_empty()) {
            let (at, hand) = parse(word).ok_or(format!("{word:?}: not understood"))?;
            self.go_to(at);
            match hand {
                Hand::Typed(bytes) => self.type_in(&bytes),
                Hand::Moved(cpu, length) => drop(self.choose(cpu, length)),
            }
        }
        Ok(())
    }

    /// What was done by hand, as [`Session::repeat`] reads it.
    pub fn repeated(&self) -> String {
        let word = |(at, hand): &(u64, Hand)| match hand {
            Hand::Typed(bytes) => {
                let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
                format!("{at}t{}", digits.collect::<String>())
            }
            Hand::Moved(cpu, 1) => format!("{at}m{}", cpu.0),
            Hand::Moved(cpu, length) => format!("{at}m{}x{length}", cpu.0),
        };
        self.hands.iter().map(word).collect::<Vec<_>>().join(",")
    }

    /// Which CPU moved in each part of a stretch: start, positions, CPU.
    pub fn moves(&mut self, from: u64, to: u64) -> Vec<(u64, u64, u8)> {
        let here = self.position();
        let to = to.min(self.end());
        let mut moves: Vec<(u64, u64, u8)> = Vec::new();
        self.return_to(from.min(to));
        while self.position() < to {
            let start = self.position();
            // Where something was done by hand, a turn ends.
            let next = self.hands.get(self.done).map_or(to, |(at, _)| to.min(*at));
            if self.history.turn(&mut self.pc, next - start) == 0 {
                break;
            }
            let (length, cpu) = (self.position() - start, self.pc.latest().0);
            match moves.last_mut() {
                Some((_, last, same)) if *same == cpu => *last += length,
                _ => moves.push((start, length, cpu)),
            }
            self.return_to(self.position());
        }
        self.return_to(here);
        moves
    }

    /// The machine here, as a number in hexadecimal.
    pub fn digest(&mut self) -> String {
        format!("{:032x}", self.pc.digest())
    }
}

fn obey(pc: &mut Pc<'_>, hand: &Hand) {
    match hand {
        Hand::Typed(bytes) => pc.type_in(bytes),
        &Hand::Moved(cpu, length) => pc.choose(Move::Turn { cpu, length }),
    }
}

/// Reads `17t0a0d` or `17m1` or `17m1x100`.
fn parse(word: &str) -> Option<(u64, Hand)> {
    let kind = word.find(|char: char| !char.is_ascii_digit())?;
    let (at, rest) = word.split_at(kind);
    let at = at.parse().ok()?;
    if let Some(digits) = rest.strip_prefix('t') {
        let byte = |index| u8::from_str_radix(digits.get(index..index + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
        return Some((at, Hand::Typed(bytes?)));
    }
    let rest = rest.strip_prefix('m')?;
    let (cpu, length) = rest.split_once('x').unwrap_or((rest, "1"));
    Some((
        at,
        Hand::Moved(CpuId(cpu.parse().ok()?), length.parse().ok()?),
    ))
}
