//! What happened, and how each of the two stands, in a sentence.
//!
//! The hard thing is that a state is made of the past: that the sleeper saw too little is
//! written nowhere. So the moments are told in their order.

use pc::plan::Choice;

use super::code::Mark;
use super::moments::{Deed, Moment, Side};

/// What is said of a moment.
pub struct Said {
    /// What happened.
    pub what: String,
    /// How the sleeper stands.
    pub sleeper: String,
    /// How the waker stands.
    pub waker: String,
}

/// Tells of the moments of a run, one after the other.
pub struct Teller {
    /// Whether the waker tries again while somebody is on the way to sleep.
    tries_again: bool,
    /// How many things the sleeper wants.
    wanted: u32,
    /// The last look saw too little, and nothing else was done since.
    will_sleep: bool,
    sleeper: String,
    waker: String,
}

impl Teller {
    /// Before the first moment.
    pub fn new(tries_again: bool) -> Teller {
        Teller {
            tries_again,
            wanted: 0,
            will_sleep: false,
            sleeper: "It has started the waker, and has not looked yet.".into(),
            waker: "It has not brought anything yet.".into(),
        }
    }

    /// Tells of the next one.
    pub fn tell(&mut self, moment: &Moment) -> Said {
        let what = Self::what(moment);
        match moment.side {
            Some(Side::Sleeper) => self.of_sleeper(moment),
            Some(Side::Waker) => self.of_waker(moment),
            None => {}
        }
        let [ready, _] = moment.words;
        if moment.asleep && !moment.alive[1] && self.wanted > 0 {
            self.sleeper = format!(
                "It sleeps, and nobody is left to wake it: for ever. It wants {}, and \
                 ready = {ready}; but it does not look any more.",
                self.wanted
            );
        }
        if !moment.alive[0] && self.wanted > 0 {
            self.sleeper = "It has printed its line, and has ended.".into();
        }
        if !moment.alive[1] && self.wanted > 0 {
            self.waker = "It has ended.".into();
        }
        Said {
            what,
            sleeper: self.sleeper.clone(),
            waker: self.waker.clone(),
        }
    }

    fn of_sleeper(&mut self, moment: &Moment) {
        let [ready, _] = moment.words;
        let mark = moment.mark();
        if mark == Some(Mark::Announces) {
            self.wanted += 1;
        }
        let wanted = self.wanted;
        let enough = ready >= wanted;
        if moment.deed == Deed::Timer && self.will_sleep {
            self.sleeper = format!(
                "It wants {wanted} and saw too few, so it will go to sleep. Here it was \
                 interrupted: it is not asleep yet."
            );
        }
        self.will_sleep &= mark.is_none();
        self.sleeper = match mark {
            Some(Mark::Announces) => {
                format!("It has said that it may go to sleep (sleepy = 1). It wants {wanted}.")
            }
            Some(Mark::Looks) if enough => {
                format!("It has looked: ready = {ready}. It wants {wanted}, and need not sleep.")
            }
            Some(Mark::Looks) => {
                self.will_sleep = true;
                format!(
                    "It has looked: ready = {ready}. It wants {wanted}, so it will go to \
                     sleep; it is not asleep yet."
                )
            }
            Some(Mark::Sleeps) if moment.asleep => "It sleeps, until somebody wakes it.".into(),
            Some(Mark::IsDone) => format!("It has what it wanted: {wanted}. It sets sleepy = 0."),
            _ => return,
        };
    }

    fn of_waker(&mut self, moment: &Moment) {
        let [ready, sleepy] = moment.words;
        self.waker = match (moment.mark(), &moment.deed) {
            (Some(Mark::Brings), _) => {
                format!(
                    "It has brought something (ready = {ready}). Now somebody may have to be woken."
                )
            }
            (Some(Mark::Asks), _) if sleepy == 0 => {
                "It has asked: sleepy = 0. Nobody is on the way to sleep, so it goes on.".into()
            }
            (Some(Mark::Asks), _) => {
                "It has asked: sleepy = 1. Somebody sleeps or may go to sleep, so it wakes.".into()
            }
            (Some(Mark::Wakes), Deed::Call(_, true)) => {
                self.sleeper = "It has been woken, and will look again.".into();
                "It has woken the sleeper.".into()
            }
            (Some(Mark::Wakes), _) if self.tries_again => {
                "Its wake-up found nobody asleep. It will try again.".into()
            }
            (Some(Mark::Wakes), _) => {
                "Its wake-up found nobody asleep, and woke nobody. It goes on.".into()
            }
            (Some(Mark::Yields), _) => "It lets others run, and will try again.".into(),
            _ => return,
        };
    }

    /// What happened, in a line.
    fn what(moment: &Moment) -> String {
        let cpu = moment.cpu.0;
        let who = match moment.side {
            Some(Side::Sleeper) => "the sleeper",
            Some(Side::Waker) => "the waker",
            None => "no environment",
        };
        let did = match (&moment.deed, moment.mark()) {
            (Deed::Begin, _) => return "Both are about to begin.".into(),
            (Deed::End, _) => return "The run is over.".into(),
            (Deed::Timer, _) => "is interrupted by the timer".into(),
            (_, Some(mark)) => Self::deed(mark, moment).into(),
            (Deed::Call(name, _), None) if name == "env_destroy" => "ends".into(),
            (Deed::Call(name, _), None) => format!("calls {name}"),
            (_, None) if moment.side.is_none() => "wakes up".into(),
            (_, None) => "goes on".into(),
        };
        let chosen = moment
            .chosen
            .as_ref()
            .map_or("", |_| ", as the schedule says");
        format!("CPU {cpu}: {who} {did}{chosen}.")
    }

    fn deed(mark: Mark, moment: &Moment) -> &'static str {
        let delivered = matches!(moment.deed, Deed::Call(_, true));
        match mark {
            Mark::Announces => "says that it may go to sleep",
            Mark::Looks => "looks",
            Mark::Sleeps => "goes to sleep",
            Mark::IsDone => "is done",
            Mark::Brings => "brings something",
            Mark::Asks => "asks whether to wake somebody",
            Mark::Wakes if delivered => "wakes the sleeper",
            Mark::Wakes => "tries to wake the sleeper",
            Mark::Yields => "gives way",
        }
    }
}

/// What a schedule chooses.
pub fn choice((number, choice): &(u64, Choice)) -> String {
    let what = match choice {
        Choice::Switch(cpu) => format!("CPU {} goes on", cpu.0),
        Choice::Ring(cpu) => format!("the timer of CPU {} rings", cpu.0),
        Choice::Drain(cpu) => format!("the oldest store of CPU {} becomes visible", cpu.0),
    };
    format!("At decision {number}, {what}.")
}

/// Whether the sleeper slept and was woken, and no wake-up came before it slept.
pub fn is_plain(moments: &[Moment]) -> bool {
    let (mut will_sleep, mut was_woken) = (false, false);
    for moment in moments {
        match (moment.mark(), &moment.deed) {
            (Some(Mark::Looks | Mark::Announces), _) => will_sleep = true,
            (Some(Mark::Sleeps | Mark::IsDone), _) => will_sleep = false,
            (Some(Mark::Wakes), Deed::Call(_, true)) => was_woken = true,
            (Some(Mark::Wakes), _) if will_sleep => return false,
            _ => {}
        }
    }
    was_woken
}
